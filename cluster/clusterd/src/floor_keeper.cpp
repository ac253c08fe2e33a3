#include "floor_keeper.hpp"

#include <utility>

#include "io/durable_file.hpp"
#include "io/task.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kRetry{500};

}  // namespace

Result<std::optional<Floor>> FloorKeeper::load_floor() const {
    QUORATE_TRY(const auto bytes, io::read_file(floor_path()));
    if (!bytes) {
        return std::optional<Floor>();
    }
    auto floor = decode_floor(*bytes);
    if (!floor) {
        return fail(floor.error().code,
                    floor_path() + ": " + floor.error().detail +
                        "; restore it, or remove this node from the cluster, delete the file and "
                        "let it join as a new one");
    }
    return std::optional<Floor>(std::move(*floor));
}

Result<bool> FloorKeeper::load_draining() const {
    QUORATE_TRY(const auto bytes, io::read_file(draining_path()));
    return bytes.has_value();
}

void FloorKeeper::write(WriteFloor write, std::function<void(FloorWritten)> done) {
    scope_.spawn(write_until_done(std::move(write), std::move(done)));
}

awaitable<void> FloorKeeper::write_until_done(WriteFloor write,
                                              std::function<void(FloorWritten)> done) {
    const auto path = floor_path();
    const auto bytes = encode(write.floor);
    for (;;) {
        auto written = co_await disk_.run([&] { return io::replace_durably(path, bytes); });
        if (written) {
            break;
        }
        log_.error("floor_not_written", "why", written.error().to_string(), "hint",
                   "until it can be written this node joins no view");
        auto slept = co_await io::sleep_until(io::mono_now() + kRetry);
        if (!slept || scope_.stopping()) {
            co_return;
        }
    }
    done(FloorWritten{write.floor.epoch, false});
}

awaitable<Status> FloorKeeper::write_draining(bool draining) {
    const auto path = draining_path();
    auto written = co_await disk_.run(
        [&] { return draining ? io::replace_durably(path, "1\n") : io::remove_durably(path); });
    co_return written;
}

}  // namespace quorate::cluster
