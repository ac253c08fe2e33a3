#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "disk_bench.hpp"
#include "event_list.hpp"
#include "io/event.hpp"
#include "page_board.hpp"
#include "place_watch.hpp"
#include "quorum/io/watchdog.hpp"
#include "quorum/voter.hpp"
#include "votes.hpp"

namespace quorate::quorum {

// The machine at work: inputs in, outputs carried out in order, its timer. Thread rule: io thread;
// inputs may be fed at any time.
class VoterShell {
public:
    // Who carries out. They outlive the shell's work.
    struct Limbs {
        DiskBench* disks = nullptr;
        Votes* votes = nullptr;
        Watchdog* watchdog = nullptr;  // null in soft mode
        EventList* events = nullptr;
        std::function<void(const Say&)> say;
        std::function<void(const VoterOutput&)> publish;  // Publish, RiderWritten, ReadDone, ...
        std::function<void()> binds;                      // remembers that it is bound
        std::function<void(std::string)> remember;
        // This life is to end: fenced, or its place is another's. The page says so already, or
        // cannot.
        std::function<void(bool fenced, const std::string& why)> evicted;
    };
    VoterShell(boost::asio::io_context& io, VoterOptions options);

    void start(Limbs limbs) { limbs_ = std::move(limbs); }
    void feed(const VoterInput& input);
    // Leave in order; returns when the page says so, or at `deadline` with false.
    boost::asio::awaitable<bool> stop(io::Deadline deadline);
    // Nothing is carried out any more.
    void halt();

    // Ends the present life of a node. Errors: errc::refused with the reason.
    boost::asio::awaitable<Result<FenceDone>> fence(NodeId target, std::string reason);

    // What this node knows of a shadow set onto its page, and what all pages show, read after this
    // moment. Errors: errc::refused, the disk does not answer; what was to be written may get
    // there yet.
    boost::asio::awaitable<Result<WitnessWritten>> write_witness(Witness witness);
    boost::asio::awaitable<Result<ReadDone>> read_anew();

    VoterStatus status() const;
    const VoterOptions& options() const { return options_; }
    // The life of that node that is proven to be over, with its machine; 0: none.
    Incarnation proven_over(NodeId node) const {
        const auto it = over_.find(node);
        return it == over_.end() ? Incarnation() : it->second;
    }
    const PageBoard& board() const { return board_; }
    // This voter is the one of two in its place that goes on.
    bool prevails() const { return place_watch_.prevails(); }

private:
    void carry(VoterOutputs outputs);
    void carry_out(ReadPages& output);
    void carry_out(WritePage& output);
    void carry_out(Poll& output) { limbs_.votes->poll(output); }
    void carry_out(Say& output) { limbs_.say(output); }
    void carry_out(FeedWatchdog& output);
    void carry_out(Binds&) { limbs_.binds(); }
    void carry_out(Remember& output) { limbs_.remember(std::move(output.bytes)); }
    void carry_out(Publish& output) { limbs_.publish(output); }
    void carry_out(RiderWritten& output) { limbs_.publish(output); }
    void carry_out(WitnessWritten& output) { answer(output.number, output); }
    void carry_out(ReadDone& output) { answer(output.number, output); }
    void carry_out(FenceDone& output);
    void carry_out(Stopped& output);
    void carry_out(Note& output);
    // To who asked here, or to others.
    void answer(std::uint64_t number, const VoterOutput& output);
    boost::asio::awaitable<Result<VoterOutput>> ask(std::uint64_t number, VoterInput input);
    void look_at_io(const VoterInput& input);
    void arm_timer();
    boost::asio::awaitable<void> end_evicted();

    boost::asio::io_context& io_;
    VoterOptions options_;
    Voter voter_;
    Limbs limbs_;
    boost::asio::steady_timer timer_;
    std::optional<BootTime> armed_until_;
    std::deque<VoterOutput> waiting_;
    bool carrying_ = false;
    bool halted_ = false;
    PageBoard board_;
    PlaceWatch place_watch_;
    std::map<IoId, DiskNumber> reading_;
    std::map<IoId, bool> last_words_;  // writings of the page that says EVICTED
    io::Event stopped_;

    struct Fencing {
        explicit Fencing(boost::asio::io_context& io) : ended(io) {}
        io::Event ended;
        FenceDone done;
    };
    std::map<NodeId, std::shared_ptr<Fencing>> fencing_;  // shared with those who wait
    std::map<NodeId, Incarnation> over_;
    struct Question {
        explicit Question(boost::asio::io_context& io) : answered(io) {}
        io::Event answered;
        VoterOutput answer;
    };
    std::map<std::uint64_t, std::shared_ptr<Question>> questions_;  // shared with who asks
    std::uint64_t last_question_;
    std::string eviction_;  // by whom and why; empty: not evicted
    bool fenced_ = false;
    bool evicted_told_ = false;
    Logger log_;
};

}  // namespace quorate::quorum
