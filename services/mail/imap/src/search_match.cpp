#include "search_match.hpp"

#include <span>
#include <string>

#include "envelope_date.hpp"

namespace quorate::mail::imap {
namespace {

using NodeKind = SearchNode::Kind;

constexpr std::uint64_t kEnvelopeCost = 128;
constexpr std::uint64_t kHeaderCost = 512;
constexpr std::uint64_t kOctetsPerUnit = 8;

bool in_range(const SearchNode& node, std::int64_t value) {
    return node.first <= value && value < node.end;
}

}  // namespace

Result<bool> SearchMatcher::matches(const SearchNode& root, std::uint32_t position) {
    position_ = position;
    content_.reset();
    return test(root);
}

Result<bool> SearchMatcher::test(const SearchNode& node) {
    ++spent_;
    const auto& message = view_.at(position_);
    switch (node.kind) {
        case NodeKind::kAnd:
            return test_children(node, /*stop_at=*/false);
        case NodeKind::kOr:
            return test_children(node, /*stop_at=*/true);
        case NodeKind::kNot: {
            QUORATE_TRY(const bool found, test(node.children.front()));
            return !found;
        }
        case NodeKind::kConstant:
            return node.wanted;
        case NodeKind::kFlags:
            return (message.flags & node.all) == node.all && (message.flags & node.none) == 0;
        case NodeKind::kRecent:
            return view_.recent(position_) == node.wanted;
        case NodeKind::kPositions:
            return contains(node.positions, position_);
        case NodeKind::kSize:
            return in_range(node, message.size);
        case NodeKind::kInternalDay:
            return in_range(node, message::day_of({message.internal_date.seconds,
                                                   message.internal_date.zone_minutes}));
        case NodeKind::kSentDay:
            return test_sent_day(node);
        case NodeKind::kHeader:
            return test_header(node);
        case NodeKind::kBody:
            return test_body(node, message::SearchScope::kBody);
        case NodeKind::kText:
            return test_body(node, message::SearchScope::kText);
    }
    return false;
}

Result<bool> SearchMatcher::test_children(const SearchNode& node, bool stop_at) {
    for (const auto& child : node.children) {
        QUORATE_TRY(const bool found, test(child));
        if (found == stop_at) {
            return stop_at;
        }
    }
    return !stop_at;
}

Result<bool> SearchMatcher::test_sent_day(const SearchNode& node) {
    spent_ += kEnvelopeCost;
    const auto body = view_.at(position_).body;
    std::optional<message::Day> day;
    QUORATE_CHECK(account_.for_each(std::span(&body, 1), store::Account::Field::kEnvelope,
                                    [&](std::size_t, std::string_view envelope) {
                                        day = sent_day(envelope);
                                        return true;
                                    }));
    return day && in_range(node, *day);
}

Result<bool> SearchMatcher::test_header(const SearchNode& node) {
    spent_ += kHeaderCost;
    if (!content_) {
        content_.emplace(account_, view_.at(position_).body);
    }
    QUORATE_TRY(const auto header, content_->header());
    return message::match_field(header, node.name, *node.needle);
}

Result<bool> SearchMatcher::test_body(const SearchNode& node, message::SearchScope scope) {
    spent_ += kBodyCost + view_.at(position_).size / kOctetsPerUnit;
    if (!content_) {
        content_.emplace(account_, view_.at(position_).body);
    }
    QUORATE_TRY(const auto* const structure, content_->structure());
    const message::ReadMessage read = [this](std::uint64_t offset,
                                             std::uint64_t size) -> Result<std::string> {
        QUORATE_TRY(const auto octets, content_->octets({offset, offset + size}));
        return std::string(octets);
    };
    return message::match_message(*structure, read, scope, *node.needle);
}

}  // namespace quorate::mail::imap
