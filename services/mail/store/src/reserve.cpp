#include "reserve.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::string_view kReservePath = "journal/reserve";

}  // namespace

bool Reserve::whole() {
    std::lock_guard lock(mutex_);
    if (whole_) {
        return true;
    }
    // Filling it to the last octet would make the next write fail: twice as much must be free.
    const auto space = volume_.space();
    if (space && space->free >= 2 * bytes_ && fill()) {
        whole_ = true;
        if (warned_) {
            warned_ = false;
            log_.info("volume_has_space", "free", space->free);
        }
    }
    return whole_;
}

bool Reserve::release() {
    std::lock_guard lock(mutex_);
    if (!warned_) {
        warned_ = true;
        log_.error("volume_full", "effect", "new mail is refused until space returns");
    }
    if (!whole_) {
        return false;
    }
    whole_ = false;
    return volume_.remove(kReservePath).has_value();
}

Status Reserve::fill() {
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(auto file, volume_.open(kReservePath, mode));
    if (auto allocated = file->allocate(bytes_); !allocated) {
        file.reset();
        static_cast<void>(volume_.remove(kReservePath));
        return allocated;
    }
    return {};
}

}  // namespace quorate::mail::store
