#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mail/imap/command.hpp"
#include "mail/store/account.hpp"

// Message sets (RFC 3501 9, sequence-set) as positions in a view.
namespace quorate::mail::imap {

struct PositionRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  // inclusive
    bool operator==(const PositionRange&) const = default;
};
// Ascending, disjoint, not adjacent.
using Positions = std::vector<PositionRange>;

Positions all_positions(const store::View& view);
// Nothing when a sequence number is beyond the mailbox, "*" of an empty one included: the command
// is BAD. Uids that are not there are left out.
std::optional<Positions> resolve(const store::View& view, const MessageSet& set);
Positions intersect(const Positions& a, const Positions& b);
bool contains(const Positions& positions, std::uint32_t position);
std::uint64_t count(const Positions& positions);

// Walks through positions.
class PositionCursor {
public:
    explicit PositionCursor(Positions positions) : positions_(std::move(positions)) {
        if (!positions_.empty()) {
            next_ = positions_.front().first;
        }
    }

    bool at_end() const { return range_ == positions_.size(); }
    std::uint32_t position() const { return next_; }
    void advance() {
        if (next_ < positions_[range_].last) {
            ++next_;
        } else if (++range_ < positions_.size()) {
            next_ = positions_[range_].first;
        }
    }

private:
    Positions positions_;
    std::size_t range_ = 0;
    std::uint32_t next_ = 0;
};

}  // namespace quorate::mail::imap
