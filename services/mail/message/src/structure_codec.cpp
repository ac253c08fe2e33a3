// The stored form of a Structure: docs/formats/message-structure.md.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/message/errc.hpp"
#include "mail/message/structure.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::uint8_t kMagic = 'S';
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kPartBytesMin = 6;

constexpr std::uint8_t kKindMask = 0x03;
constexpr unsigned kEncodingShift = 2;
constexpr std::uint8_t kEncodingMask = 0x07;
constexpr std::uint8_t kHasCharset = 0x20;
constexpr std::uint8_t kReserved = 0xc0;

// Codes are positions + 1 and part of the format: append only. 0 is spelled out.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kTypes{{
    {"text", "plain"},
    {"text", "html"},
    {"multipart", "mixed"},
    {"multipart", "alternative"},
    {"multipart", "related"},
    {"multipart", "signed"},
    {"multipart", "report"},
    {"multipart", "digest"},
    {"message", "rfc822"},
    {"message", "delivery-status"},
    {"application", "octet-stream"},
    {"application", "pdf"},
    {"application", "pgp-signature"},
    {"image", "jpeg"},
    {"image", "png"},
    {"image", "gif"},
}};
constexpr std::array<std::string_view, 8> kCharsets{"utf-8",        "us-ascii",    "iso-8859-1",
                                                    "windows-1252", "UTF-8",       "US-ASCII",
                                                    "ISO-8859-1",   "Windows-1252"};

void encode_part(const Part& part, std::uint64_t base, ByteWriter& writer) {
    const bool has_charset = !part.charset.empty();
    writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(part.kind) |
                                        (static_cast<unsigned>(part.encoding) << kEncodingShift) |
                                        (has_charset ? kHasCharset : 0U)));
    if (part.kind != PartKind::kLeaf) {
        writer.varint(part.descendants);
    }
    writer.varint(part.header_begin - base);
    writer.varint(part.header().size());
    writer.varint(part.body().size());
    writer.varint(part.lines);
    const auto* type =
        std::find(kTypes.begin(), kTypes.end(),
                  std::pair<std::string_view, std::string_view>(part.type, part.subtype));
    if (type != kTypes.end()) {
        writer.u8(static_cast<std::uint8_t>(type - kTypes.begin() + 1));
    } else {
        writer.u8(0);
        writer.blob(part.type);
        writer.blob(part.subtype);
    }
    if (has_charset) {
        const auto* charset = std::find(kCharsets.begin(), kCharsets.end(), part.charset);
        if (charset != kCharsets.end()) {
            writer.u8(static_cast<std::uint8_t>(charset - kCharsets.begin() + 1));
        } else {
            writer.u8(0);
            writer.blob(part.charset);
        }
    }
}

// Where the next part of an open container may begin, and how many parts it still has.
struct Container {
    std::uint64_t next_begin = 0;
    std::uint64_t end = 0;
    std::uint64_t parts_left = 0;
    bool message = false;
};

class Decoder {
public:
    explicit Decoder(std::string_view bytes) : reader_(bytes), total_(bytes.size()) {}

    // `surplus`: a newer minor version may have added something behind the parts.
    bool decode(bool surplus, Structure& structure) {
        structure.size = reader_.varint();
        const auto count = reader_.varint();
        if (count == 0 || count > remaining() / kPartBytesMin + 1) {
            return false;
        }
        structure.parts.reserve(static_cast<std::size_t>(count));
        open_.push_back({0, structure.size, count, /*message=*/true});
        while (!open_.empty()) {
            Part part;
            if (open_.back().parts_left == 0) {
                open_.pop_back();
            } else if (!decode_part(part) || !place(part)) {
                return false;
            } else {
                structure.parts.push_back(std::move(part));
            }
        }
        return structure.parts.size() == count && !reader_.failed() &&
               (surplus || reader_.at_end());
    }

private:
    std::size_t remaining() const { return total_ - reader_.offset(); }

    bool decode_part(Part& part) {
        const auto flags = reader_.u8();
        const auto kind = static_cast<std::uint8_t>(flags & kKindMask);
        const auto encoding = static_cast<std::uint8_t>((flags >> kEncodingShift) & kEncodingMask);
        if ((flags & kReserved) != 0 || kind > static_cast<std::uint8_t>(PartKind::kMessage) ||
            encoding > static_cast<std::uint8_t>(TransferEncoding::kOther)) {
            return false;
        }
        part.kind = static_cast<PartKind>(kind);
        part.encoding = static_cast<TransferEncoding>(encoding);
        if (part.kind != PartKind::kLeaf) {
            const auto descendants = reader_.varint();
            if (descendants >= open_.back().parts_left) {
                return false;
            }
            part.descendants = static_cast<std::uint32_t>(descendants);
        }
        return decode_ranges(part) && decode_type(part, (flags & kHasCharset) != 0);
    }

    bool decode_ranges(Part& part) {
        const auto& container = open_.back();
        auto left = container.end - container.next_begin;
        auto take = [&](std::uint64_t size) {
            if (size > left) {
                fits_ = false;
                return std::uint64_t{0};
            }
            left -= size;
            return size;
        };
        part.header_begin = container.next_begin + take(reader_.varint());
        part.body_begin = part.header_begin + take(reader_.varint());
        part.body_end = part.body_begin + take(reader_.varint());
        part.lines = reader_.varint();
        return fits_ && part.lines <= part.body().size();
    }

    bool decode_type(Part& part, bool has_charset) {
        const auto type = reader_.u8();
        if (type > kTypes.size()) {
            return false;
        }
        if (type == 0) {
            part.type = reader_.blob();
            part.subtype = reader_.blob();
        } else {
            part.type = kTypes[type - 1U].first;
            part.subtype = kTypes[type - 1U].second;
        }
        if (has_charset) {
            const auto charset = reader_.u8();
            if (charset > kCharsets.size()) {
                return false;
            }
            part.charset = charset == 0 ? reader_.blob() : kCharsets[charset - 1U];
        }
        return !reader_.failed() && part.type.size() <= kTypeBytesMax &&
               part.subtype.size() <= kTypeBytesMax && part.charset.size() <= kTypeBytesMax;
    }

    // Enters the part into its container and opens it if it is one itself. A message consists of
    // one part which fills it.
    bool place(const Part& part) {
        auto& container = open_.back();
        if (container.message &&
            (part.descendants + 1 != container.parts_left ||
             part.header_begin != container.next_begin || part.body_end != container.end)) {
            return false;
        }
        container.next_begin = part.body_end;
        container.parts_left -= 1 + part.descendants;
        if (part.kind == PartKind::kMessage && part.descendants == 0) {
            return false;
        }
        if (part.kind != PartKind::kLeaf) {
            open_.push_back({part.body_begin, part.body_end, part.descendants,
                             part.kind == PartKind::kMessage});
        }
        return true;
    }

    ByteReader reader_;
    std::size_t total_;
    std::vector<Container> open_;
    bool fits_ = true;
};

}  // namespace

std::string encode(const Structure& structure) {
    std::string out;
    ByteWriter writer(out);
    writer.u8(kMagic);
    writer.u8(static_cast<std::uint8_t>(kMajor << 4 | kMinor));
    writer.varint(structure.size);
    writer.varint(structure.parts.size());
    // For each open container: the index behind its last part, and where the next part may begin.
    std::vector<std::pair<std::size_t, std::uint64_t>> open{{structure.parts.size(), 0}};
    for (std::size_t i = 0; i < structure.parts.size(); ++i) {
        const auto& part = structure.parts[i];
        while (open.size() > 1 && open.back().first <= i) {
            open.pop_back();
        }
        encode_part(part, open.back().second, writer);
        open.back().second = part.body_end;
        if (part.kind != PartKind::kLeaf) {
            open.emplace_back(i + 1 + part.descendants, part.body_begin);
        }
    }
    writer.u32(crc32c(out));
    return out;
}

Result<Structure> decode(std::string_view bytes) {
    if (bytes.size() < 2 + kChecksumBytes || static_cast<std::uint8_t>(bytes[0]) != kMagic) {
        return fail(errc::damaged, "message structure: no magic");
    }
    const auto major = static_cast<std::uint8_t>(bytes[1]) >> 4;
    if (major != kMajor) {
        return fail(errc::unsupported_version,
                    "message structure: major version " + std::to_string(major));
    }
    const auto content = bytes.substr(0, bytes.size() - kChecksumBytes);
    if (ByteReader(bytes.substr(content.size())).u32() != crc32c(content)) {
        return fail(errc::damaged, "message structure: checksum mismatch");
    }
    Structure structure;
    Decoder decoder(content.substr(2));
    const auto minor = static_cast<std::uint8_t>(bytes[1]) & 15;
    if (!decoder.decode(/*surplus=*/minor > kMinor, structure)) {
        return fail(errc::damaged, "message structure: parts contradict each other");
    }
    return structure;
}

}  // namespace quorate::mail::message
