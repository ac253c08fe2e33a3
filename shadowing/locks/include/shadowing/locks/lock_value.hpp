#pragma once

#include <string>

#include "lockmgr/types.hpp"
#include "shadowing/set.hpp"

// How the locks of a set are named and what the membership lock's value block has
// (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing {

inline constexpr const char* kLockDomain = "shadow";

std::string lock_name(Id128 set, const LockName& lock);
lockmgr::LockMode mode_of(Hold hold);

lockmgr::ValueBlock encode_value(const WitnessWord& word);
struct SetValue {
    ValueState state = ValueState::kFresh;
    WitnessWord word;
};
// `valid`: as the lock manager says.
SetValue decode_value(const lockmgr::ValueBlock& block, bool valid);

}  // namespace quorate::shadowing
