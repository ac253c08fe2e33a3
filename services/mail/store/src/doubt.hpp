#pragma once

#include <atomic>
#include <mutex>

#include "base/log.hpp"
#include "base/result.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

// Whether a flush of the account databases failed. What it should have kept may be lost and yet be
// readable from the page cache, and a later flush that succeeds says nothing about it. So from then
// on no checkpoint is made, neither the store's, and the journal keeps all that the databases may
// lack, nor SQLite's; a file, "journal/doubt", says so to the next start, which writes all
// databases anew before it trusts them. (The journal's own flushes: Journal.) Any thread.
class Doubt {
public:
    Doubt(Volume& volume, Logger log) : volume_(volume), log_(std::move(log)) {}

    bool raised() const { return raised_.load(std::memory_order_acquire); }
    void raise(const Error& why);

    // At a start, before any database is opened: brings everything under "accounts" to the volume
    // once more if the process before was in doubt.
    static Status settle(Volume& volume, const Logger& log);

private:
    Status leave_mark();

    Volume& volume_;
    Logger log_;
    std::mutex mutex_;
    std::atomic<bool> raised_{false};
};

}  // namespace quorate::mail::store
