#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "lockmgr/types.hpp"
#include "shadowing/set.hpp"

// One lock of an opener at the lock manager, as a machine: what the set's machine asks for, as
// operations of a lock that is taken in NL and converted (docs/protocols/shadow-cluster.md). The
// shell carries out what comes out, in order; every TakeLock and ConvertLock ends with ended(), one
// that was overtaken by ReleaseLock too.
namespace quorate::shadowing {

// Anew, in NL, by the name of lock_name(). It asks for blocking events.
struct TakeLock {
    std::uint32_t flags = 0;
};
// `value` is written on the way down, where the modes say so.
struct ConvertLock {
    lockmgr::LockMode mode = lockmgr::LockMode::NL;
    std::uint32_t flags = 0;
    std::optional<lockmgr::ValueBlock> value;
};
// Whatever is under way for it.
struct ReleaseLock {};
// again() is to be called after kLockAgain: the lock manager refused, for the reader of a log.
struct LockRefused {
    lockmgr::LockStatus status = lockmgr::LockStatus::kGranted;
};
inline constexpr std::chrono::milliseconds kLockAgain{500};

using SetLockOutput = std::variant<TakeLock, ConvertLock, ReleaseLock, LockRefused, SetInput>;
using SetLockOutputs = std::vector<SetLockOutput>;

// How an operation ended.
struct LockEnd {
    lockmgr::LockStatus status = lockmgr::LockStatus::kGranted;
    bool held = true;             // the lock is, in whatever mode
    lockmgr::ValueBlock value{};  // the last one read or written
    bool value_valid = true;
};

// Thread rule: one caller at a time.
class SetLock {
public:
    explicit SetLock(LockName name) : name_(name) {}

    // What is asked for while an earlier request waits takes that one's place.
    SetLockOutputs ask(const Lock& lock);
    SetLockOutputs ended(const LockEnd& end);
    SetLockOutputs again();
    // Somebody waits for it. The word of a new mode may come before its grant, and comes once.
    SetLockOutputs blocking();

    // Neither held nor asked for: it may be forgotten.
    bool idle() const { return !held_ && state_ == State::kIdle; }

private:
    enum class State : std::uint8_t { kIdle, kTaking, kConverting, kReplaced, kPausing };

    void work(SetLockOutputs& out);
    void begin(const Lock& next, SetLockOutputs& out);
    void convert(const Lock& next, SetLockOutputs& out);
    void converted(const LockEnd& end, SetLockOutputs& out);

    LockName name_;
    State state_ = State::kIdle;
    std::deque<Lock> asked_;
    Lock next_;  // under way
    bool held_ = false;
    lockmgr::LockMode mode_ = lockmgr::LockMode::NL;
    bool waits_ = false;  // the conversion under way is to a higher mode
    bool blocks_ =
        false;  // heard while something was under way: of the mode that is granted, perhaps
};

}  // namespace quorate::shadowing
