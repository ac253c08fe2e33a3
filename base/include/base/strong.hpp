#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace quorate {

// An integer that is not interchangeable with another integer: `using NodeId = Strong<struct
// NodeIdTag, uint32_t>;`.
template <class Tag, class Rep>
class Strong {
public:
    using rep = Rep;

    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}

    constexpr Rep value() const { return value_; }
    constexpr auto operator<=>(const Strong&) const = default;

private:
    Rep value_{};
};

}  // namespace quorate

template <class Tag, class Rep>
struct std::hash<quorate::Strong<Tag, Rep>> {
    std::size_t operator()(const quorate::Strong<Tag, Rep>& id) const noexcept {
        return std::hash<Rep>{}(id.value());
    }
};
