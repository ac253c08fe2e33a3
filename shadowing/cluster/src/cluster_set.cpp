#include "shadowing/cluster/cluster_set.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/cluster/lock_value.hpp"
#include "shadowing/cluster/set_locks.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/served_member.hpp"

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

// Whether nobody serves the disk: its node has left, by itself or as a lost one, has no shadowd, or
// one that does not have it.
awaitable<bool> is_unserved(ClusterNode& node, DiskPlace place) {
    auto members = co_await node.members();
    if (!members) {
        co_return false;
    }
    if (std::ranges::find(*members, place.node) == members->end()) {
        co_return true;
    }
    boost::json::object body{{"path", place.path}};
    auto answer = co_await node.ask(place.node, "POST", "/v1/shadow/cluster/disk", std::move(body));
    const bool no_shadowd =
        answer && answer->status == 502 && answer->text.find("\"no_shadowd\"") != std::string::npos;
    co_return no_shadowd || (answer && answer->status == 404);
}

awaitable<void> ask_for_end(ClusterNode& node, DiskPlace place, std::function<void(bool)> answer) {
    auto ended = co_await is_unserved(node, std::move(place));
    answer(ended);
}

class ClusterSurroundings final : public Surroundings {
public:
    ClusterSurroundings(ClusterNode& node, WitnessKeeper& witness, LocalDisks& local, Id128 set,
                        const ClusterSetOptions& options)
        : node_(node),
          witness_(witness),
          local_(local),
          set_(set),
          shared_(options.shared),
          psk_file_(options.psk_file) {}

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

    void open_member(io::Uring& ring, const std::string& disk, Opened done) override {
        if (shared_) {
            done(open_shared_member(ring, node_.io(), disk, slot_of(node_.self().node)));
            return;
        }
        const auto place = parse_disk_place(disk);
        if (place->node != node_.name()) {
            io::spawn(node_.io(), open_served(*place, std::move(done)));
            return;
        }
        auto opened = local_.open(place->path);
        if (opened) {
            done(make_file_member(ring, node_.io(), std::move(*opened)));
        } else {
            done(tl::unexpected(opened.error()));
        }
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

    // Where it is served its node's shadowd knows.
    awaitable<void> open_served(DiskPlace place, Opened done) {
        const auto link = link_;
        auto found = co_await find_served(place);
        if (!link->feed) {
            co_return;
        }
        if (!found) {
            done(tl::unexpected<Error>(std::move(found).error()));
            co_return;
        }
        found->set = set_;
        found->opener = {node_.self(), node_.process()};
        found->psk_file = psk_file_;
        found->epoch = [&node = node_] { return node.lease(io::exact_boot_now()).epoch.value(); };
        found->has_ended = [&node = node_, place](std::function<void(bool)> answer) {
            io::spawn(node.io(), ask_for_end(node, place, std::move(answer)));
        };
        open_served_member(node_.io(), std::move(*found), std::move(done));
    }

    awaitable<Result<ServedDisk>> find_served(DiskPlace place) {
        boost::json::object body{{"path", place.path}};
        auto answer =
            co_await node_.ask(place.node, "POST", "/v1/shadow/cluster/disk", std::move(body));
        if (!answer) {
            co_return tl::unexpected<Error>(std::move(answer).error());
        }
        if (answer->status != 200 || !answer->body.is_object()) {
            co_return fail(errc::refused, fmt::format("{}: {}", place.node, answer->text));
        }
        const auto& object = answer->body.as_object();
        ServedDisk disk;
        disk.disk = object.at("name").as_string();
        disk.address = object.at("address").as_string();
        co_return disk;
    }

    ClusterNode& node_;
    WitnessKeeper& witness_;
    LocalDisks& local_;
    Id128 set_;
    bool shared_;
    std::string psk_file_;
    std::shared_ptr<Link> link_ = std::make_shared<Link>();
    std::unique_ptr<SetLocks> locks_;
};

}  // namespace

OpenerSlot slot_of(cluster::NodeId node) {
    return OpenerSlot(static_cast<std::uint16_t>(node.value() - 1));
}

std::optional<DiskPlace> parse_disk_place(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size() ||
        text.substr(0, colon).find('/') != std::string_view::npos) {
        return std::nullopt;
    }
    return DiskPlace{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Result<Label> find_cluster_set(const ClusterNode& node, const ClusterSetOptions& options) {
    if (options.shared) {
        return find_set(options.disks);
    }
    std::vector<std::string> own;
    for (const auto& disk : options.disks) {
        const auto place = parse_disk_place(disk);
        if (!place) {
            return fail(errc::refused, disk + ": wants NODE:PATH, or shared disks");
        }
        if (place->node == node.name()) {
            own.push_back(place->path);
        }
    }
    if (own.empty()) {
        return fail(errc::refused,
                    "none of its disks is of this node: it cannot be mounted here yet");
    }
    return find_set(own);
}

Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     LocalDisks& local, ClusterSetOptions options) {
    QUORATE_TRY(const auto label, find_cluster_set(node, options));
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
                       /*accept_loss=*/false,
                       kWaitForDisks};
    return MountedSet::open(node.io(), std::move(mount), std::move(surroundings));
}

}  // namespace quorate::shadowing
