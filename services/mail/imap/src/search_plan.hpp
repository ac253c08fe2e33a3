#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mail/imap/command.hpp"
#include "mail/message/search.hpp"
#include "mail/store/account.hpp"
#include "message_set.hpp"

namespace quorate::mail::imap {

// A SEARCH program made ready for one view: keywords and sets looked up, needles folded, flag keys
// merged, and within AND and OR the cheap keys first.
struct SearchNode {
    enum class Kind {
        kAnd,
        kOr,
        kNot,
        kConstant,     // `wanted`
        kFlags,        // all of `all`, none of `none`
        kRecent,       // is recent as `wanted`
        kPositions,    // in `positions`
        kSize,         // first <= size < end
        kInternalDay,  // first <= day < end
        kSentDay,      // the same of the Date field
        kHeader,       // field `name` contains the needle
        kBody,
        kText,
    } kind = Kind::kConstant;
    bool wanted = true;
    store::FlagBits all = 0;
    store::FlagBits none = 0;
    std::int64_t first = 0;
    std::int64_t end = 0;
    Positions positions;
    std::string name;
    std::optional<message::Needle> needle;
    std::vector<SearchNode> children;
};

struct SearchPlan {
    SearchNode root;
    Positions scan;  // no other message can match
};

// Nothing when a sequence number is beyond the mailbox: the command is BAD. In an empty mailbox
// every set finds nothing.
std::optional<SearchPlan> plan_search(const store::View& view, const SearchKey& key);

}  // namespace quorate::mail::imap
