#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "lockmgr/errc.hpp"
#include "lockmgr/protocol/wire.hpp"

// How a frame of the clients' protocol is written and read; private to its codec.
namespace quorate::lockmgr::wire {

enum class Type : std::uint8_t {
    kHello = 0x01,
    kEnqueue,
    kConvert,
    kDequeue,
    kCancel,
    kDequeueAll,
    kPurge,
    kDefineDomain,
    kWelcome = 0x81,
    kRefused,
    kCompletion,
    kBlocking,
    kWaiting,
    kSuspended,
    kResumed,
    kRevoked,
};

// Begins a frame; its length is written when it ends.
class FrameWriter : public ByteWriter {
public:
    FrameWriter(std::string& out, Type type) : ByteWriter(out), text_(out), start_(out.size()) {
        u32(0);
        u8(static_cast<std::uint8_t>(type));
    }
    ~FrameWriter() {
        const auto length = text_.size() - start_ - kLength;
        for (unsigned i = 0; i < kLength; ++i) {
            text_[start_ + i] = static_cast<char>(static_cast<unsigned char>(length >> (8 * i)));
        }
    }
    FrameWriter(const FrameWriter&) = delete;
    FrameWriter& operator=(const FrameWriter&) = delete;

    void mode(LockMode mode) { u8(static_cast<std::uint8_t>(mode)); }
    // Longer ones are cut: who fills them checks first.
    void text(std::string_view text) {
        text = text.substr(0, 255);
        u8(static_cast<std::uint8_t>(text.size()));
        raw(text);
    }
    void value(const ValueBlock& value) { raw({value.data(), value.size()}); }

private:
    std::string& text_;
    std::size_t start_;
};

class FrameReader : public ByteReader {
public:
    using ByteReader::ByteReader;

    LockMode mode() { return static_cast<LockMode>(u8()); }
    std::string_view text() { return raw(u8()); }
    void value(ValueBlock& value) {
        const auto bytes = raw(value.size());
        std::ranges::copy(bytes, value.begin());
    }
};

// `read` reads the fields of a One, and says whether they are sound.
template <class Any, class One, class Read>
Result<Any> decode_as(std::string_view fields, Read read) {
    FrameReader in(fields);
    Any any(std::in_place_type<One>);
    bool sound = true;
    read(in, std::get<One>(any), sound);
    if (!in.complete() || !sound) {
        return fail(errc::damaged, "frame of a lock client");
    }
    return any;
}

}  // namespace quorate::lockmgr::wire
