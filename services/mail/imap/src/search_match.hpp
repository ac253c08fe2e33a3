#pragma once

#include <cstdint>
#include <optional>

#include "message_content.hpp"
#include "search_plan.hpp"

namespace quorate::mail::imap {

// Evaluates a planned SEARCH for one message after another and counts what that cost.
class SearchMatcher {
public:
    SearchMatcher(store::Account& account, const store::View& view)
        : account_(account), view_(view) {}

    // Errors: of the store, when what must be read cannot be.
    Result<bool> matches(const SearchNode& root, std::uint32_t position);

    // Roughly in units of one look at the index.
    static constexpr std::uint64_t kBodyCost = 8192;
    std::uint64_t spent() const { return spent_; }

private:
    Result<bool> test(const SearchNode& node);
    Result<bool> test_children(const SearchNode& node, bool stop_at);
    Result<bool> test_sent_day(const SearchNode& node);
    Result<bool> test_header(const SearchNode& node);
    Result<bool> test_body(const SearchNode& node, message::SearchScope scope);

    store::Account& account_;
    const store::View& view_;
    std::uint64_t spent_ = 0;

    // The message that is looked at.
    std::uint32_t position_ = 0;
    std::optional<MessageContent> content_;
};

}  // namespace quorate::mail::imap
