#include "housekeeping.hpp"

#include <malloc.h>

#include <algorithm>

#include "io/time.hpp"

namespace quorate::mail {

using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kSettlePause{250};
// Settling takes at most this share of one worker: one part work, so many parts rest.
constexpr int kSettleRest = 4;
constexpr milliseconds kCompactionPause{60'000};
constexpr milliseconds kCompactionStepPause{1'000};
constexpr milliseconds kTrimPause{10'000};

// False when the daemon stops.
awaitable<bool> rest(ServerContext& server, milliseconds pause) {
    auto stopped = co_await server.stopping.wait(io::after(pause));
    co_return !stopped.has_value();
}

}  // namespace

awaitable<void> run_settling(ServerContext& server) {
    auto pause = kSettlePause;
    for (;;) {
        const bool running = co_await rest(server, pause);
        if (!running) {
            co_return;
        }
        const auto started = io::mono_now();
        co_await server.desk.settle_all();
        pause = std::max(kSettlePause, (io::mono_now() - started) * kSettleRest);
    }
}

awaitable<void> run_compaction(ServerContext& server) {
    auto pause = kCompactionPause;
    for (;;) {
        const bool running = co_await rest(server, pause);
        if (!running) {
            co_return;
        }
        auto more = co_await server.workers.run([&server] { return server.store.compact_step(); });
        if (!more) {
            server.log.warn("compaction_failed", "why", more.error().to_string());
        }
        pause = more && *more ? kCompactionStepPause : kCompactionPause;
    }
}

awaitable<void> run_trimming(ServerContext& server) {
    for (;;) {
        const bool running = co_await rest(server, kTrimPause);
        if (!running) {
            co_return;
        }
        auto trimmed = co_await server.workers.run([]() -> Status {
            ::malloc_trim(0);
            return {};
        });
        static_cast<void>(trimmed);
    }
}

}  // namespace quorate::mail
