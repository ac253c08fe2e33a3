#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Reading a header block (RFC 5322 2.2): the octets of Section::kHeader or kMime. Views point into
// the block.
namespace quorate::mail::message {

struct Field {
    std::string_view name;    // without the white space that old mail puts before the colon
    std::string_view value;   // after the colon, still folded, without the last line end
    std::string_view octets;  // all lines of the field, line ends included
    std::size_t offset = 0;   // of `octets` in the block
};

// The fields of a block in order. Lines that are no field (no colon, a leading "From " line, a
// continuation of nothing) come as a Field without name. Ends at the blank line.
class FieldReader {
public:
    explicit FieldReader(std::string_view block) : block_(block) {}

    std::optional<Field> next();
    // Where next() will go on; after the last field: where the blank line or the end is.
    std::size_t offset() const { return offset_; }

private:
    std::string_view block_;
    std::size_t offset_ = 0;
};

// The value on one line (RFC 5322 2.2.3): line ends vanish, the white space after them stays;
// without white space at both ends.
std::string unfold(std::string_view value);

// Folded value of the first field with this name, case ignored.
std::optional<std::string_view> first_field(std::string_view block, std::string_view name);

// The octets of HEADER.FIELDS (RFC 3501 6.4.5): the fields with these names, or with `kOthers` all
// but these, in the block's order, then the blank line if the block has one.
enum class FieldChoice { kThese, kOthers };
std::string select_fields(std::string_view block, std::span<const std::string> names,
                          FieldChoice choice);

}  // namespace quorate::mail::message
