#include "heuristics.hpp"

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "io/task.hpp"
#include "io/time.hpp"

namespace quorate::quorum {

using boost::asio::awaitable;

Heuristics::Heuristics(boost::asio::io_context& io, io::Scope& scope, std::vector<Heuristic> all,
                       Scored scored, Run run)
    : scope_(scope),
      scored_(std::move(scored)),
      run_(std::move(run)),
      pool_(io, {"heuristic", std::max<std::size_t>(all.size(), 1), kMaxHeuristics}) {
    for (auto& one : all) {
        rows_.push_back({std::move(one), {}, {}, 0});
    }
}

void Heuristics::start() {
    for (std::size_t index = 0; index < rows_.size(); ++index) {
        scope_.spawn(repeat(index));
    }
}

awaitable<void> Heuristics::repeat(std::size_t index) {
    while (!stopping_) {
        auto& row = rows_[index];
        const auto& heuristic = row.heuristic;
        auto end = co_await pool_.run([this, &heuristic] {
            return Result<CommandEnd>(run_(heuristic.command, heuristic.timeout));
        });
        if (!end || stopping_) {
            co_return;
        }
        if (!row.last || row.last->ok != end->ok) {
            log_.info("heuristic", "name", heuristic.name, "ok", end->ok, "text", end->text);
        }
        row.last = std::move(*end);
        row.ended = io::mono_now();
        ++row.runs;
        add_up();
        auto slept = co_await io::sleep_until(io::mono_now() + heuristic.interval);
        static_cast<void>(slept);
    }
}

void Heuristics::add_up() {
    std::uint32_t sum = 0;
    for (const auto& row : rows_) {
        sum += row.last && row.last->ok ? row.heuristic.score : 0;
    }
    if (std::exchange(score_, sum) != sum) {
        scored_(sum);
    }
}

}  // namespace quorate::quorum
