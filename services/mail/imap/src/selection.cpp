#include "selection.hpp"

#include "render.hpp"

namespace quorate::mail::imap {
namespace {

// Bit 63 is free in a message's flags.
constexpr store::FlagBits kRecentBit = store::FlagBits{1} << 63;
static_assert(store::kFirstKeyword + store::kKeywordsMax <= 63);

}  // namespace

void Selection::append_keywords(std::string& out) {
    const auto& keywords = view_->keywords();
    announced_ = keywords.size();
    RenderedFlags all;
    all.flags = ~store::FlagBits{0};
    all.keywords = keywords;
    out.append("* FLAGS ");
    append_flag_list(out, all);
    out.append("\r\n* OK [PERMANENTFLAGS (");
    if (view_->read_only()) {
        out.append(")] No permanent flags permitted\r\n");
        return;
    }
    append_flags(out, all);
    if (keywords.size() < store::kKeywordsMax) {
        out.append(" \\*");
    }
    out.append(")] Flags permitted\r\n");
}

void Selection::announce_keywords(std::string& out) {
    if (view_->keywords().size() > announced_) {
        append_keywords(out);
    }
}

std::string_view FlagText::of(std::uint32_t position) {
    const bool recent = view_.recent(position);
    const auto flags = view_.at(position).flags;
    const auto bits = flags | (recent ? kRecentBit : 0);
    if (bits == last_bits_ && !last_.empty()) {
        return last_;
    }
    if (remembered_.size() >= kRememberedMax) {
        remembered_.clear();
    }
    auto& text = remembered_[bits];
    if (text.empty()) {
        RenderedFlags rendered;
        rendered.flags = flags;
        rendered.keywords = view_.keywords();
        rendered.recent = recent;
        append_flag_list(text, rendered);
    }
    last_bits_ = bits;
    last_ = text;
    return last_;
}

void append_flags_response(std::string& out, const store::View& view, FlagText& flags,
                           const FlagsResponse& response) {
    out.append("* ");
    append_number(out, std::uint64_t{response.position} + 1);
    out.append(" FETCH (");
    if (response.with_uid) {
        out.append("UID ");
        append_number(out, view.at(response.position).uid);
        out.push_back(' ');
    }
    out.append("FLAGS ").append(flags.of(response.position)).append(")\r\n");
}

}  // namespace quorate::mail::imap
