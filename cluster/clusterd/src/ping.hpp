#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "messages.hpp"

namespace quorate::cluster {

struct PingOptions {
    std::size_t count = 5;
    std::size_t bytes = 100;
    std::size_t at_once = 1;  // under way at the same time
};

// Messages that come back, over the circuits and by the way that all messages take. They come back
// once and in order, or the run fails. What a change of the view made void is sent again; so that
// this hides no loss, all that one member sends another in one epoch is numbered besides, and both
// ends check every message. Thread rule: io thread.
class Ping {
public:
    // `epoch_now`: under which a message goes out that is sent now.
    Ping(boost::asio::io_context& io, Messages& messages, std::function<Epoch()> epoch_now);

    // Round trips. Errors: errc::refused when it is no member or leaves; errc::damaged when an
    // answer is not the one that is due; kTimedOut when none comes for 10 s.
    boost::asio::awaitable<Result<std::vector<std::chrono::microseconds>>> ping(
        MemberId to, PingOptions options);

    // Ends all runs.
    void stop();

    // Messages that came where another was due: the interconnect lost, repeated or reordered some.
    std::uint64_t out_of_sequence() const { return out_of_sequence_; }

private:
    struct Run;
    // Messages of one epoch in one direction.
    struct Sequence {
        Epoch epoch;
        std::uint64_t next = 0;
    };
    struct Peer {
        Sequence sent;
        Sequence received;
    };

    void send(std::uint64_t id, Run& run, std::uint64_t number);
    void send_on(std::uint64_t id, Run& run);
    Status send_numbered(MemberId to, std::uint8_t kind, std::uint64_t id, std::uint64_t number,
                         std::string_view filling);
    void check_sequence(MemberId from, Epoch epoch, std::uint64_t sequence);
    void on_message(MemberId from, Epoch epoch, std::string_view payload);
    void on_answer(std::uint64_t id, Run& run, std::uint64_t number, std::string_view filling);
    void on_view(const View& view);

    boost::asio::io_context& io_;
    Messages& messages_;
    std::function<Epoch()> epoch_;
    Logger log_{};
    std::map<std::uint64_t, Run*> runs_;  // in the frames of ping()
    std::uint64_t last_ = 0;
    std::map<MemberId, Peer> peers_;  // members of the view
    std::uint64_t out_of_sequence_ = 0;
};

}  // namespace quorate::cluster
