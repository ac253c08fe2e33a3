#include "shadowing/cluster/cluster_set.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/cluster/set_locks.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/locks/lock_value.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kWaitForDisks{20'000};

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
    ClusterSurroundings(ClusterNode& node, WitnessKeeper& witness, LocalDisks& local, Id128 set,
                        const ClusterSetOptions& options)
        : node_(node), witness_(witness), set_(set), opener_(node, local, options.ways) {}

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
        block.reserved = output.word.generation.number;
        io::spawn(node_.io(), tell(output.op, block));
    }
    void ask(const Lock& output) override { locks_->ask(output); }

    void open_member(io::Uring& ring, const std::string& disk, Opened done) override {
        opener_.open(ring, set_, disk, std::move(done));
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
    DiskOpener opener_;
    std::shared_ptr<Link> link_ = std::make_shared<Link>();
    std::unique_ptr<SetLocks> locks_;
};

}  // namespace

Result<Label> set_of(const std::vector<SeenDisk>& disks) {
    std::string problems;
    std::optional<Label> label;
    for (const auto& disk : disks) {
        if (!disk.label) {
            problems +=
                fmt::format("{}{}: {}", problems.empty() ? "" : "; ", disk.name, disk.problem);
        } else if (label && label->set != disk.label->set) {
            return fail(errc::refused, disk.name + ": a disk of another set");
        } else {
            label = disk.label;
        }
    }
    if (!label) {
        return fail(errc::refused, problems.empty() ? "no disks" : problems);
    }
    return std::move(*label);
}

Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     LocalDisks& local, const Label& label,
                                                     ClusterSetOptions options) {
    const auto id = node.self().node.value();
    if (id == 0 || id > label.layout.openers) {
        return fail(errc::refused,
                    fmt::format("the set has room for {} nodes: node id {} is too high; give this "
                                "node a lower one in corosync.conf",
                                label.layout.openers, id));
    }
    auto surroundings =
        std::make_unique<ClusterSurroundings>(node, witness, local, label.set, options);
    MountOptions mount{options.unit,
                       label.set,
                       label.layout.block_shift,
                       std::move(options.disks),
                       slot_of(node.self().node),
                       node.self(),
                       options.accept_loss,
                       kWaitForDisks};
    return MountedSet::open(node.io(), std::move(mount), std::move(surroundings));
}

}  // namespace quorate::shadowing
