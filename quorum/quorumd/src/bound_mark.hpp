#pragma once

#include <functional>
#include <memory>

#include "quorum/io/watchdog.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// Remembers, as long as this machine runs, that a voter's page may say that the watchdog binds it:
// the next voter of the same boot must not keep the machine alive before its own page is there.
class BoundMark {
public:
    explicit BoundMark(Uuid boot) : boot_(boot) {}

    bool is_set() const;
    // Errors: errno's values.
    Status set() const;
    void clear() const;

private:
    Uuid boot_;
};

// A watchdog that is opened when it is fed for the first time: to open one feeds it, and that is
// not due yet to a voter that follows one that was bound. What the last one opened goes on running.
// `failed`: it cannot be, and nothing binds the voter beyond what the last one opened.
std::unique_ptr<Watchdog> open_when_fed(std::string where, std::chrono::milliseconds timeout,
                                        std::function<void()> failed);

}  // namespace quorate::quorum
