#pragma once

#include <cstddef>

#include "completion.hpp"
#include "job.hpp"

namespace quorate::mail::imap {

// What changed in the selected mailbox, as untagged responses (RFC 3501 5.2, 7.3, 7.4.1).
class UpdateReport {
public:
    // Brings the view up to date: from here on sequence numbers are the new ones.
    UpdateReport(Selection& selection, Updates updates, bool with_uid);

    // Appends until the piece is full; true when everything is told.
    bool run(Turn& turn);

private:
    Selection& selection_;
    store::View::Changes changes_;
    FlagText flags_;
    std::size_t expunges_told_ = 0;
    std::size_t flags_told_ = 0;
    bool counts_told_ = false;
    bool with_uid_;
};

}  // namespace quorate::mail::imap
