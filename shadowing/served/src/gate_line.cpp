#include "shadowing/served/gate_line.hpp"

#include <fmt/core.h>

#include "base/text.hpp"
#include "words.hpp"

namespace quorate::shadowing {

std::string encode(const GateOrder& order) {
    switch (order.kind) {
        case GateOrder::Kind::kDrop:
            return fmt::format("drop {} {} {}", order.tag, words::opener(order.opener),
                               order.floor);
        case GateOrder::Kind::kFloor:
            return fmt::format("floor {} {}", order.tag, order.floor);
        case GateOrder::Kind::kList:
            break;
    }
    return fmt::format("list {}", order.tag);
}

std::optional<GateOrder> decode_gate_line(std::string_view line) {
    const auto parts = split(line, ' ');
    if (parts.size() < 2) {
        return std::nullopt;
    }
    const auto tag = words::parse_number<std::uint64_t>(parts[1]);
    if (!tag) {
        return std::nullopt;
    }
    if (parts[0] == "list" && parts.size() == 2) {
        return GateOrder{GateOrder::Kind::kList, *tag, {}, 0};
    }
    const auto floor = words::parse_number<std::uint64_t>(parts.back());
    if (parts[0] == "floor" && parts.size() == 3 && floor) {
        return GateOrder{GateOrder::Kind::kFloor, *tag, {}, *floor};
    }
    if (parts[0] != "drop" || parts.size() != 4 || !floor) {
        return std::nullopt;
    }
    const auto opener = words::parse_opener(parts[2]);
    return opener ? std::optional(GateOrder{GateOrder::Kind::kDrop, *tag, *opener, *floor})
                  : std::nullopt;
}

}  // namespace quorate::shadowing
