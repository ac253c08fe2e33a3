#include "search.hpp"

#include <utility>

#include "message_set.hpp"
#include "render.hpp"
#include "search_match.hpp"
#include "search_plan.hpp"

namespace quorate::mail::imap {
namespace {

class SearchJob final : public Job {
public:
    SearchJob(SearchPlan plan, bool uid)
        : root_(std::move(plan.root)), cursor_(std::move(plan.scan)), uid_(uid) {}

    Result<std::optional<Completion>> run(Turn& turn) override {
        if (!std::exchange(begun_, true)) {
            turn.out.append("* SEARCH");
        }
        const auto& view = turn.selection->view();
        SearchMatcher matcher(turn.account(), view);
        const auto slice = turn.options.search_messages * SearchMatcher::kBodyCost;
        for (; !cursor_.at_end(); cursor_.advance()) {
            if (turn.full() || matcher.spent() >= slice) {
                return std::optional<Completion>();
            }
            const auto position = cursor_.position();
            const auto found = matcher.matches(root_, position);
            if (!found && is_busy(found.error())) {
                return tl::unexpected(found.error());
            }
            if (!found && !failure_) {
                failure_ = found.error();
            }
            if (found && *found) {
                turn.out.push_back(' ');
                append_number(turn.out, uid_ ? view.at(position).uid : std::uint64_t{position} + 1);
            }
        }
        turn.out.append("\r\n");
        return std::optional(completion());
    }

private:
    // A message that could not be read is as one that does not match, but the client is told.
    Completion completion() const {
        const auto updates = uid_ ? Updates::kAll : Updates::kWithoutExpunges;
        auto completion = failure_ ? refused(*failure_) : completed(updates);
        completion.updates = updates;
        return completion;
    }

    SearchNode root_;
    PositionCursor cursor_;
    bool uid_;
    bool begun_ = false;
    std::optional<Error> failure_;
};

}  // namespace

Result<Reply> run_search(Turn& turn, const Search& command) {
    auto plan = plan_search(turn.selection->view(), command.key);
    if (!plan) {
        return Reply(bad("The message set goes beyond the mailbox"));
    }
    return Reply(std::make_unique<SearchJob>(std::move(*plan), command.uid));
}

}  // namespace quorate::mail::imap
