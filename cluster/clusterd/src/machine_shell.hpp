#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "chronicle.hpp"
#include "cluster/lease_writer.hpp"
#include "cluster/machine.hpp"
#include "disk_votes.hpp"
#include "fencers.hpp"
#include "floor_keeper.hpp"
#include "group_shell.hpp"
#include "interconnect.hpp"
#include "io/event.hpp"
#include "messages.hpp"

namespace quorate::cluster {

// The machine at work: inputs in, outputs carried out in order, its timer. Thread rule: io thread.
// Inputs may be fed at any time, by what is carried out too: its outputs then queue behind.
class MachineShell {
public:
    // Who carries out. They outlive the shell's work.
    struct Limbs {
        GroupShell* group = nullptr;  // null when solo
        Interconnect* interconnect = nullptr;
        FloorKeeper* floor = nullptr;
        DiskVotes* disk = nullptr;  // null when solo
        LeaseWriter* lease = nullptr;
        std::function<void(const LeasePage&)> lease_published;
        Messages* messages = nullptr;
        Chronicle* chronicle = nullptr;
        Fencers* fencers = nullptr;
        std::function<void()> expelled;  // after everything else that it led to
    };
    MachineShell(boost::asio::io_context& io, MachineOptions options);

    // Begins: what the last start left.
    void start(Limbs limbs, std::optional<Floor> floor);
    void feed(const MachineInput& input);
    Status send(MemberId to, Channel channel, std::string_view payload);
    // The lease ends now, the peers are told.
    void stop();

    // Kept over restarts, then announced; returns when the cluster knows, or after 5 s.
    boost::asio::awaitable<Status> set_draining(bool draining);
    // Errors: errc::refused with the machine's reason.
    boost::asio::awaitable<Status> raise_level(std::uint16_t level);

    MemberId self() const { return self_; }
    const View* view() const { return machine_.view(); }
    bool quorate() const { return machine_.quorate(); }
    bool draining() const { return draining_; }
    Epoch epoch() const { return view() == nullptr ? Epoch() : view()->epoch; }
    MachineStatus status() const;

private:
    void carry(MachineOutputs outputs);
    void arm_timer();
    boost::asio::awaitable<void> write_on_disk(Floor floor);

    void carry_out(Multicast& multicast);
    void carry_out(WriteFloor& write);
    void carry_out(ReadDisk& read) {
        if (limbs_.disk != nullptr) {
            limbs_.disk->read(read);
        }
    }
    void carry_out(ViewCommitted& committed);
    void carry_out(QuorumLost& lost);
    void carry_out(TakeoverAllowed& allowed);
    void carry_out(Expelled& expelled);
    void carry_out(Refusal& refusal) { limbs_.chronicle->note(refusal); }
    void carry_out(LevelRefused& refused) { limbs_.chronicle->note(refused); }
    void carry_out(Note& note) { limbs_.chronicle->note(note); }
    void carry_out(Dial& dial) { limbs_.interconnect->dial(std::move(dial)); }
    void carry_out(Write& write) { limbs_.interconnect->write(std::move(write)); }
    void carry_out(Close& close) { limbs_.interconnect->close(close); }
    void carry_out(Deliver& message) { limbs_.messages->deliver(message); }
    void carry_out(BackPressure& pressure) { limbs_.messages->tell(pressure); }
    void carry_out(RingChanged& changed) { limbs_.chronicle->note(changed); }
    void carry_out(PublishLease& publish) {
        limbs_.lease->publish(publish.page);
        limbs_.chronicle->note(publish.page);
        limbs_.lease_published(publish.page);
    }
    void carry_out(Fence& fence) { limbs_.fencers->ask(fence); }

    boost::asio::io_context& io_;
    Limbs limbs_;
    MemberId self_;
    bool draining_;
    Machine machine_;
    boost::asio::steady_timer timer_;
    std::optional<BootTime> armed_until_;
    std::deque<MachineOutput> waiting_;
    bool carrying_ = false;
    io::Event changed_;  // a view was committed
};

}  // namespace quorate::cluster
