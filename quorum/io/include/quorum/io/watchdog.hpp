#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace quorate::quorum {

// What resets this machine unless it is fed: a watchdog device of Linux, or a program behind a Unix
// socket that does the same to it from outside (a hypervisor's agent, a multiplexer): it is told
// the time in milliseconds as a line of text, then gets a line for each feeding, and an empty one
// when it shall stop. Source: Documentation/watchdog/watchdog-api.rst.
//
// Thread rule: none blocks but open().
class Watchdog {
public:
    // `where`: a device's path, or "unix:PATH". Errors: it is in use, or cannot be set to this
    // time; the detail says what to do.
    static Result<std::unique_ptr<Watchdog>> open(const std::string& where,
                                                  std::chrono::milliseconds timeout);
    virtual ~Watchdog() = default;

    // Not after `before`: looked at last of all. False: it was not fed.
    virtual bool feed(BootTime before) = 0;
    // An orderly end: the machine goes on without.
    virtual void stop() = 0;
};

}  // namespace quorate::quorum
