#include "search_plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::imap {
namespace {

using NodeKind = SearchNode::Kind;

constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();

// What it takes to know: 0 the index, 1 the envelope, 2 the header, 3 the body.
unsigned cost_of(const SearchNode& node) {
    switch (node.kind) {
        case NodeKind::kConstant:
        case NodeKind::kFlags:
        case NodeKind::kRecent:
        case NodeKind::kPositions:
        case NodeKind::kSize:
        case NodeKind::kInternalDay:
            return 0;
        case NodeKind::kSentDay:
            return 1;
        case NodeKind::kHeader:
            return 2;
        case NodeKind::kBody:
        case NodeKind::kText:
            return 3;
        case NodeKind::kAnd:
        case NodeKind::kOr:
        case NodeKind::kNot:
            break;
    }
    unsigned cost = 0;
    for (const auto& child : node.children) {
        cost = std::max(cost, cost_of(child));
    }
    return cost;
}

void sort_by_cost(std::vector<SearchNode>& nodes) {
    std::vector<std::pair<unsigned, std::size_t>> order;
    order.reserve(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        order.emplace_back(cost_of(nodes[i]), i);
    }
    std::sort(order.begin(), order.end());
    std::vector<SearchNode> sorted;
    sorted.reserve(nodes.size());
    for (const auto& [cost, index] : order) {
        sorted.push_back(std::move(nodes[index]));
    }
    nodes = std::move(sorted);
}

SearchNode make_constant(bool wanted) {
    SearchNode node;
    node.wanted = wanted;
    return node;
}

SearchNode make_flags(store::FlagBits all, store::FlagBits none) {
    SearchNode node;
    node.kind = NodeKind::kFlags;
    node.all = all;
    node.none = none;
    return node;
}

SearchNode make_range(NodeKind kind, std::int64_t first, std::int64_t end) {
    SearchNode node;
    node.kind = kind;
    node.first = first;
    node.end = end;
    return node;
}

SearchNode make_text(NodeKind kind, const SearchKey& key) {
    SearchNode node;
    node.kind = kind;
    node.name = key.name;
    node.needle.emplace(key.text);
    return node;
}

class Planner {
public:
    explicit Planner(const store::View& view) : view_(view) {}

    bool beyond_mailbox() const { return beyond_mailbox_; }

    SearchNode plan(const SearchKey& key) {
        switch (key.kind) {
            case SearchKey::Kind::kAll:
                return plan_and(key);
            case SearchKey::Kind::kNot:
            case SearchKey::Kind::kOr:
                return plan_composite(key);
            case SearchKey::Kind::kSet:
                return plan_set(key.set);
            case SearchKey::Kind::kHasFlags:
                return make_flags(key.flags, 0);
            case SearchKey::Kind::kLacksFlags:
                return make_flags(0, key.flags);
            case SearchKey::Kind::kKeyword:
            case SearchKey::Kind::kUnkeyword:
                return plan_keyword(key);
            case SearchKey::Kind::kRecent:
            case SearchKey::Kind::kOld: {
                auto node = make_constant(key.kind == SearchKey::Kind::kRecent);
                node.kind = NodeKind::kRecent;
                return node;
            }
            case SearchKey::Kind::kBefore:
                return make_range(NodeKind::kInternalDay, kLowest, key.day);
            case SearchKey::Kind::kOn:
                return make_range(NodeKind::kInternalDay, key.day, key.day + 1);
            case SearchKey::Kind::kSince:
                return make_range(NodeKind::kInternalDay, key.day, kHighest);
            case SearchKey::Kind::kSentBefore:
                return make_range(NodeKind::kSentDay, kLowest, key.day);
            case SearchKey::Kind::kSentOn:
                return make_range(NodeKind::kSentDay, key.day, key.day + 1);
            case SearchKey::Kind::kSentSince:
                return make_range(NodeKind::kSentDay, key.day, kHighest);
            case SearchKey::Kind::kLarger:
                return make_range(NodeKind::kSize, std::int64_t{key.number} + 1, kHighest);
            case SearchKey::Kind::kSmaller:
                return make_range(NodeKind::kSize, 0, key.number);
            case SearchKey::Kind::kHeader:
                return make_text(NodeKind::kHeader, key);
            case SearchKey::Kind::kBodyText:
                return make_text(NodeKind::kBody, key);
            case SearchKey::Kind::kText:
                return make_text(NodeKind::kText, key);
        }
        return make_constant(false);
    }

private:
    // Nested lists become one, flag keys one mask.
    SearchNode plan_and(const SearchKey& key) {
        SearchNode node;
        node.kind = NodeKind::kAnd;
        auto masks = make_flags(0, 0);
        for (const auto& child : key.children) {
            auto planned = plan(child);
            if (planned.kind == NodeKind::kFlags) {
                masks.all |= planned.all;
                masks.none |= planned.none;
            } else if (planned.kind == NodeKind::kAnd) {
                std::move(planned.children.begin(), planned.children.end(),
                          std::back_inserter(node.children));
            } else {
                node.children.push_back(std::move(planned));
            }
        }
        if (masks.all != 0 || masks.none != 0) {
            node.children.push_back(std::move(masks));
        }
        sort_by_cost(node.children);
        if (node.children.size() == 1) {
            auto only = std::move(node.children.front());
            return only;
        }
        return node;
    }

    SearchNode plan_composite(const SearchKey& key) {
        SearchNode node;
        node.kind = key.kind == SearchKey::Kind::kNot ? NodeKind::kNot : NodeKind::kOr;
        node.children.reserve(key.children.size());
        for (const auto& child : key.children) {
            node.children.push_back(plan(child));
        }
        sort_by_cost(node.children);
        return node;
    }

    SearchNode plan_set(const MessageSet& set) {
        if (view_.size() == 0) {
            return make_constant(false);
        }
        auto positions = resolve(view_, set);
        if (!positions) {
            beyond_mailbox_ = true;
            return make_constant(false);
        }
        SearchNode node;
        node.kind = NodeKind::kPositions;
        node.positions = std::move(*positions);
        return node;
    }

    SearchNode plan_keyword(const SearchKey& key) const {
        const bool wanted = key.kind == SearchKey::Kind::kKeyword;
        const auto& known = view_.keywords();
        for (std::size_t i = 0; i < known.size(); ++i) {
            if (iequals(known[i], key.name)) {
                const auto bit = store::FlagBits{1} << (store::kFirstKeyword + i);
                return wanted ? make_flags(bit, 0) : make_flags(0, bit);
            }
        }
        return make_constant(!wanted);
    }

    const store::View& view_;
    bool beyond_mailbox_ = false;
};

}  // namespace

std::optional<SearchPlan> plan_search(const store::View& view, const SearchKey& key) {
    Planner planner(view);
    SearchPlan plan{planner.plan(key), all_positions(view)};
    if (planner.beyond_mailbox()) {
        return std::nullopt;
    }
    if (plan.root.kind == NodeKind::kPositions) {
        plan.scan = std::move(plan.root.positions);
        plan.root = make_constant(true);
    } else if (plan.root.kind == NodeKind::kAnd) {
        std::erase_if(plan.root.children, [&](const SearchNode& node) {
            if (node.kind != NodeKind::kPositions) {
                return false;
            }
            plan.scan = intersect(plan.scan, node.positions);
            return true;
        });
    }
    return plan;
}

}  // namespace quorate::mail::imap
