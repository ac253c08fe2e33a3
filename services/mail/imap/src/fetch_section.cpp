#include "fetch_section.hpp"

#include <algorithm>

#include "mail/message/header.hpp"
#include "mail/store/errc.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

// A section up to this size is appended at once.
constexpr std::uint64_t kStepBytes = 64 * 1024;

constexpr char kInPlaceOfNul = '\x80';

// RFC 3501 6.4.5: what is beyond the end is cut off, up to the empty string.
message::Range cut(message::Range range, const std::optional<FetchSection::Partial>& partial) {
    if (!partial) {
        return range;
    }
    const auto begin = range.begin + std::min<std::uint64_t>(partial->offset, range.size());
    return {begin, begin + std::min<std::uint64_t>(partial->size, range.end - begin)};
}

void begin_literal(std::string& out, const std::string& label, std::uint64_t size) {
    out.append(label).append(" {");
    append_number(out, size);
    out.append("}\r\n");
}

Status append_fields(std::string& out, MessageContent& content, const FetchSection& section,
                     message::Range block) {
    QUORATE_TRY(const auto header, content.octets(block));
    const auto fields = message::select_fields(header, section.names,
                                               section.fields == FetchSection::Fields::kThese
                                                   ? message::FieldChoice::kThese
                                                   : message::FieldChoice::kOthers);
    const auto range = cut({0, fields.size()}, section.partial);
    begin_literal(out, section.label, range.size());
    append_octets(out, std::string_view(fields).substr(static_cast<std::size_t>(range.begin),
                                                       static_cast<std::size_t>(range.size())));
    return {};
}

}  // namespace

void append_octets(std::string& out, std::string_view octets) {
    const auto before = out.size();
    out.append(octets);
    if (octets.find('\0') != std::string_view::npos) {
        std::replace(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), '\0',
                     kInPlaceOfNul);
    }
}

Status append_section(std::string& out, MessageContent& content, const FetchSection& section,
                      OpenLiteral& open) {
    QUORATE_TRY(const auto* const structure, content.structure());
    const auto whole = message::find_section(*structure, section.path, section.section);
    if (!whole) {
        out.append(section.label).append(" NIL");
        return {};
    }
    if (section.fields != FetchSection::Fields::kNone) {
        return append_fields(out, content, section, *whole);
    }
    const auto range = cut(*whole, section.partial);
    if (range.size() > kStepBytes) {
        // The first read verifies the body: a damaged one is known before the literal begins.
        QUORATE_TRY(const auto first, content.octets({range.begin, range.begin + 1}));
        static_cast<void>(first);
        begin_literal(out, section.label, range.size());
        open = {range.begin, range.end};
        return {};
    }
    QUORATE_TRY(const auto octets, content.octets(range));
    begin_literal(out, section.label, octets.size());
    append_octets(out, octets);
    return {};
}

Status continue_literal(std::string& out, MessageContent& content, OpenLiteral& open) {
    const auto size = std::min(open.end - open.at, kStepBytes);
    QUORATE_TRY(const auto octets, content.octets({open.at, open.at + size}));
    if (octets.size() != size) {
        return fail(store::errc::damaged, "a body is shorter than its structure");
    }
    append_octets(out, octets);
    open.at += size;
    return {};
}

}  // namespace quorate::mail::imap
