#include "update_report.hpp"

#include "render.hpp"

namespace quorate::mail::imap {
namespace {

void append_count(std::string& out, std::uint64_t number, std::string_view what) {
    out.append("* ");
    append_number(out, number);
    out.append(what).append("\r\n");
}

}  // namespace

UpdateReport::UpdateReport(Selection& selection, Updates updates, bool with_uid)
    : selection_(selection),
      changes_(selection.view().sync(/*expunges=*/updates == Updates::kAll)),
      flags_(selection.view()),
      with_uid_(with_uid) {}

bool UpdateReport::run(Turn& turn) {
    auto& out = turn.out;
    while (expunges_told_ < changes_.expunged.size() && !turn.full()) {
        append_count(out, std::uint64_t{changes_.expunged[expunges_told_++]} + 1, " EXPUNGE");
    }
    if (expunges_told_ < changes_.expunged.size()) {
        return false;
    }
    if (!counts_told_) {
        counts_told_ = true;
        if (changes_.exists) {
            append_count(out, *changes_.exists, " EXISTS");
        }
        if (changes_.recent) {
            append_count(out, *changes_.recent, " RECENT");
        }
    }
    selection_.announce_keywords(out);
    while (flags_told_ < changes_.flags.size() && !turn.full()) {
        append_flags_response(out, selection_.view(), flags_,
                              {changes_.flags[flags_told_++], with_uid_});
    }
    return flags_told_ == changes_.flags.size();
}

}  // namespace quorate::mail::imap
