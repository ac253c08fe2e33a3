#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shadowing/served/export_name.hpp"

namespace quorate::shadowing {

// What shadowd tells the gate of a served disk, a line each: docs/protocols/shadow-disk.md.
struct GateOrder {
    enum class Kind : std::uint8_t { kDrop, kFloor, kList } kind = Kind::kList;
    std::uint64_t tag = 0;    // comes back with the answer
    ServedOpener opener;      // of kDrop
    std::uint64_t floor = 0;  // of kDrop and kFloor
    bool operator==(const GateOrder&) const = default;
};
// Without the end of the line.
std::string encode(const GateOrder& order);
std::optional<GateOrder> decode_gate_line(std::string_view line);

}  // namespace quorate::shadowing
