#pragma once

#include <string_view>

// Faults that the simulator must notice (tests/mutation/lockmgr). The shipped library is compiled
// without QUORATE_MUTATIONS and contains none of them.
namespace quorate::lockmgr {

#ifdef QUORATE_MUTATIONS
inline std::string_view active_mutation;
inline bool mutated(std::string_view name) { return active_mutation == name; }
#else
constexpr bool mutated(std::string_view) { return false; }
#endif

}  // namespace quorate::lockmgr
