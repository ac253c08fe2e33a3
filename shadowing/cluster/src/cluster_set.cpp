#include "shadowing/cluster/cluster_set.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/cluster/lock_value.hpp"
#include "shadowing/cluster/set_locks.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/disk_tools.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;

// Owned by its set and by what it waits for.
struct Link {
    Surroundings::Feed feed;  // none: the set is gone
    void tell(SetInput input) const {
        if (feed) {
            feed(std::move(input));
        }
    }
};

Lease::State state_of(cluster::LeaseState state) {
    switch (state) {
        case cluster::LeaseState::kRunning:
            return Lease::State::kRunning;
        case cluster::LeaseState::kExpelled:
            return Lease::State::kExpelled;
        case cluster::LeaseState::kStalled:
            break;
    }
    return Lease::State::kStalled;
}

class ClusterSurroundings final : public Surroundings {
public:
    ClusterSurroundings(ClusterNode& node, WitnessKeeper& witness, Id128 set, bool shared)
        : node_(node), witness_(witness), set_(set), shared_(shared) {}

    void start(Feed feed) override {
        link_->feed = std::move(feed);
        locks_ = std::make_unique<SetLocks>(
            node_.io(), node_.locks().domain(kLockDomain), set_,
            [link = link_](SetInput input) { link->tell(std::move(input)); });
    }

    void stop() override {
        link_->feed = nullptr;
        locks_.reset();
    }

    // The deadline has been looked at: a lease that runs, runs now.
    Moment now() override {
        const auto at = io::exact_boot_now();
        const auto lease = node_.lease(at);
        return {at, {state_of(lease.state), lease.epoch.value(), BootTime::max()}};
    }

    void ask(const ReadWitness& output) override { io::spawn(node_.io(), read(output.op)); }
    void ask(const ReserveGeneration& output) override {
        WitnessBlock block;
        block.set = set_;
        block.reserved = output.number;
        io::spawn(node_.io(), tell(output.op, block));
    }
    void ask(const WriteWitness& output) override {
        WitnessBlock block;
        block.set = set_;
        block.word = output.word;
        io::spawn(node_.io(), tell(output.op, block));
    }
    void ask(const Lock& output) override { locks_->ask(output); }

    Result<std::unique_ptr<Member>> open_member(io::Uring& ring, const std::string& disk) override {
        if (shared_) {
            return open_shared_member(ring, node_.io(), disk, slot_of(node_.self().node));
        }
        return open_file_member(ring, node_.io(), disk);
    }

private:
    awaitable<void> read(OpId op) {
        const auto link = link_;
        auto witness = co_await witness_.read(set_);
        link->tell(WitnessRead{op, witness});
    }
    awaitable<void> tell(OpId op, WitnessBlock block) {
        const auto link = link_;
        auto told = co_await witness_.tell(block);
        if (!told) {
            Logger().warn("witness_not_told", "set", block.set.to_hex(), "why",
                          told.error().to_string());
        }
        link->tell(Done{op, told ? Outcome::kOk : Outcome::kFailed});
    }

    ClusterNode& node_;
    WitnessKeeper& witness_;
    Id128 set_;
    bool shared_;
    std::shared_ptr<Link> link_ = std::make_shared<Link>();
    std::unique_ptr<SetLocks> locks_;
};

}  // namespace

OpenerSlot slot_of(cluster::NodeId node) {
    return OpenerSlot(static_cast<std::uint16_t>(node.value() - 1));
}

Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     ClusterSetOptions options) {
    QUORATE_TRY(const auto label, find_set(options.disks));
    const auto id = node.self().node.value();
    if (id == 0 || id > label.layout.openers) {
        return fail(errc::refused,
                    fmt::format("the set has room for {} nodes: node id {} is too high; give this "
                                "node a lower one in corosync.conf",
                                label.layout.openers, id));
    }
    auto surroundings =
        std::make_unique<ClusterSurroundings>(node, witness, label.set, options.shared);
    MountOptions mount{options.unit,
                       label.set,
                       label.layout.block_shift,
                       std::move(options.disks),
                       slot_of(node.self().node),
                       node.self()};
    return MountedSet::open(node.io(), std::move(mount), std::move(surroundings));
}

}  // namespace quorate::shadowing
