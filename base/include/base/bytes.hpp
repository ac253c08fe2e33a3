#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace quorate {

// Little-endian codec for every on-disk block and message of ours. No struct is ever cast onto
// bytes.

class ByteWriter {
public:
    explicit ByteWriter(std::string& out) : out_(out) {}

    template <class T>
    void put(T value) {
        static_assert(std::is_unsigned_v<T>,
                      "encode signed values as their two's complement explicitly");
        std::array<char, sizeof(T)> octets;
        for (unsigned i = 0; i < sizeof(T); ++i) {
            octets[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
        }
        out_.append(octets.data(), octets.size());
    }
    void u8(std::uint8_t value) { put(value); }
    void u16(std::uint16_t value) { put(value); }
    void u32(std::uint32_t value) { put(value); }
    void u64(std::uint64_t value) { put(value); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value)); }
    void raw(std::string_view bytes) { out_.append(bytes); }

    // LEB128, at most 10 bytes.
    void varint(std::uint64_t value) {
        while (value >= 0x80) {
            out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
            value >>= 7;
        }
        out_.push_back(static_cast<char>(value));
    }
    // varint length, then the bytes.
    void blob(std::string_view bytes) {
        varint(bytes.size());
        raw(bytes);
    }

    std::size_t size() const { return out_.size(); }

private:
    std::string& out_;
};

// Reads what ByteWriter wrote. A read past the end sets failed() and yields zeros or empty views:
// check once at the end. Views point into the input.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes), total_(bytes.size()) {}

    template <class T>
    T get() {
        if (rest_.size() < sizeof(T)) {
            fail();
            return 0;
        }
        T value = 0;
        for (unsigned i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>(
                value | (static_cast<T>(static_cast<unsigned char>(rest_[i])) << (8 * i)));
        }
        rest_.remove_prefix(sizeof(T));
        return value;
    }
    std::uint8_t u8() { return get<std::uint8_t>(); }
    std::uint16_t u16() { return get<std::uint16_t>(); }
    std::uint32_t u32() { return get<std::uint32_t>(); }
    std::uint64_t u64() { return get<std::uint64_t>(); }
    std::int64_t i64() { return static_cast<std::int64_t>(get<std::uint64_t>()); }

    std::string_view raw(std::size_t size) {
        if (rest_.size() < size) {
            fail();
            return {};
        }
        auto bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return bytes;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            const auto byte = u8();
            if (shift == 63 && byte > 1) {
                break;
            }
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if ((byte & 0x80) == 0) {
                return value;
            }
        }
        fail();
        return 0;
    }
    std::string_view blob() {
        const auto size = varint();
        if (size > rest_.size()) {
            fail();
            return {};
        }
        return raw(static_cast<std::size_t>(size));
    }

    bool failed() const { return failed_; }
    bool at_end() const { return rest_.empty(); }
    // True when everything was read and nothing was missing.
    bool complete() const { return !failed_ && rest_.empty(); }
    std::size_t offset() const { return total_ - rest_.size(); }

private:
    void fail() {
        failed_ = true;
        rest_ = {};
    }

    std::string_view rest_;
    std::size_t total_;
    bool failed_ = false;
};

}  // namespace quorate
