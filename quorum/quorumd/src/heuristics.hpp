#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "command.hpp"
#include "heuristic.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"

namespace quorate::quorum {

// Runs the heuristics, each on a thread of its own, over and over, and adds up the scores of those
// that succeeded last. The sum decides which of two partitions is preferred, and nothing else.
//
// Thread rule: io thread; outlives the scope's children.
class Heuristics {
public:
    using Run = std::function<CommandEnd(const std::vector<std::string>& command,
                                         std::chrono::milliseconds timeout)>;
    using Scored = std::function<void(std::uint32_t score)>;
    // `scored` is called whenever the sum changes. `run` blocks, on another thread.
    Heuristics(boost::asio::io_context& io, io::Scope& scope, std::vector<Heuristic> all,
               Scored scored, Run run = run_command);

    void start();
    // Those that wait run no more.
    void stop() { stopping_ = true; }

    struct Row {
        Heuristic heuristic;
        std::optional<CommandEnd> last;
        MonoTime ended;
        std::uint64_t runs = 0;
    };
    const std::vector<Row>& rows() const { return rows_; }
    std::uint32_t score() const { return score_; }

private:
    boost::asio::awaitable<void> repeat(std::size_t index);
    void add_up();

    io::Scope& scope_;
    std::vector<Row> rows_;
    Scored scored_;
    Run run_;
    io::ThreadPool pool_;
    std::uint32_t score_ = 0;
    bool stopping_ = false;
    Logger log_{};
};

}  // namespace quorate::quorum
