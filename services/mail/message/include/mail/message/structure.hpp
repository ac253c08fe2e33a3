#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// Where the parts of a message stand: the MIME tree (RFC 2045, RFC 2046) as byte offsets, found in
// one pass over the octets and kept in the store, so that FETCH BODY[2.1] is a byte range.
namespace quorate::mail::message {

// What a hostile message can cost. Beyond a limit nothing fails: the rest is one opaque part.
struct Limits {
    std::uint32_t depth = 100;              // levels of the tree, the message is the first
    std::uint32_t parts = 10'000;           // of the whole message
    std::size_t header_bytes = 256 * 1024;  // looked at per header block; the rest is skipped
    std::size_t parameters = 100;           // per Content-Type or Content-Disposition
    std::size_t addresses = 10'000;         // per address field
    std::size_t summary_bytes = 4 << 20;    // rendered text; further parts lose their details
};

// Content-Transfer-Encoding (RFC 2045 6.1). kOther: a word that we do not know.
enum class TransferEncoding : std::uint8_t {
    k7bit,
    k8bit,
    kBinary,
    kQuotedPrintable,
    kBase64,
    kOther,
};

enum class PartKind : std::uint8_t {
    kLeaf,
    kMultipart,  // children are its parts; there may be none
    kMessage,    // message/rfc822: exactly one child, the root part of the encapsulated message
};

// [begin, end) in octets from the start of the message.
struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    std::uint64_t size() const { return end - begin; }
    bool operator==(const Range&) const = default;
};

inline constexpr std::size_t kTypeBytesMax = 127;  // RFC 6838 4.2

struct Part {
    PartKind kind = PartKind::kLeaf;
    TransferEncoding encoding = TransferEncoding::k7bit;
    // Parts below this one: its first child is the next in the list, its next sibling comes
    // 1 + descendants later.
    std::uint32_t descendants = 0;
    // The header block with the blank line that ends it; ends where the body begins.
    std::uint64_t header_begin = 0;
    std::uint64_t body_begin = 0;
    // Without the line end before the delimiter, which belongs to the delimiter (RFC 2046 5.1.1).
    std::uint64_t body_end = 0;
    std::uint64_t lines = 0;  // line feeds in the body
    // Lower case, at most kTypeBytesMax each. text/plain when absent or unusable (RFC 2045 5.2),
    // application/octet-stream when a limit made a container opaque.
    std::string type;
    std::string subtype;
    std::string charset;  // of text/*: as labelled; empty when not labelled

    Range header() const { return {header_begin, body_begin}; }
    Range body() const { return {body_begin, body_end}; }
    bool operator==(const Part&) const = default;
};

// The tree in preorder; parts[0] is the message itself and always there.
struct Structure {
    std::uint64_t size = 0;  // of the message
    std::vector<Part> parts;

    bool operator==(const Structure&) const = default;
};

// Fed the message in pieces of any size, in order; then finish(), once. Never fails: whatever the
// octets are, there is a structure. Line ends are CRLF or LF. Memory is bounded by Limits. One
// caller.
class StructureParser {
public:
    explicit StructureParser(Limits limits = {});
    ~StructureParser();
    StructureParser(StructureParser&&) noexcept;
    StructureParser& operator=(StructureParser&&) noexcept;

    void feed(std::string_view bytes);
    Structure finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

Structure parse_structure(std::string_view message, Limits limits = {});

// docs/formats/message-structure.md. decode() checks everything: what it returns is consistent
// within `size`. Errors: errc::damaged, errc::unsupported_version.
std::string encode(const Structure& structure);
Result<Structure> decode(std::string_view bytes);

// RFC 3501 6.4.5, section specifications.
enum class Section {
    kAll,     // BODY[]: the message; BODY[1.2]: the part's body
    kHeader,  // BODY[HEADER], BODY[1.2.HEADER] of an encapsulated message; also HEADER.FIELDS
    kText,    // BODY[TEXT], BODY[1.2.TEXT] of an encapsulated message
    kMime,    // BODY[1.2.MIME]
};

// Index of the part with this number ({1, 2} for "1.2"); {} is the message. Nothing when there is
// no such part.
std::optional<std::size_t> find_part(const Structure& structure,
                                     std::span<const std::uint32_t> path);

// The octets of a section; nothing when there is no such part, or the section makes no sense for
// it (MIME of the whole message, HEADER or TEXT of a part that is no encapsulated message). Part 1
// of a multipart without parts is empty, as BODY shows it.
std::optional<Range> find_section(const Structure& structure, std::span<const std::uint32_t> path,
                                  Section section);

}  // namespace quorate::mail::message
