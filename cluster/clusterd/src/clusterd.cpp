#include "clusterd.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

#include "cluster/io/corosync.hpp"
#include "io/address.hpp"
#include "io/durable_file.hpp"
#include "io/errc.hpp"
#include "io/privileges.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "metrics.hpp"
#include "process.hpp"
#include "version.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr const char* kRunDirectory = "run/quorate";
constexpr const char* kControlSocket = "run/quorate/clusterd.sock";
constexpr const char* kVoterSocket = "run/quorate/voter.sock";
constexpr const char* kLockSocket = "run/quorate/lock.sock";
constexpr const char* kLeaseFile = "run/quorate/lease";
constexpr const char* kStateDirectory = "var/lib/quorate/cluster";
constexpr LevelRange kLevels{1, 1};
// A cluster of one has its own node id; Corosync's begin at 1 as well.
constexpr NodeId kSoloNode{1};
constexpr milliseconds kEndTime{3000};
constexpr milliseconds kPoliteTime{300};
constexpr milliseconds kDrainTime{1500};
constexpr milliseconds kPause{20};
constexpr milliseconds kAskAgain{5000};

}  // namespace

// In the order of their making; the machine's limbs refer to each other through it.
struct Clusterd::Parts {
    Parts(io::Daemon& daemon, io::Scope& scope, const Config& config, PeerKeys* keys, Hand* hand,
          MachineOptions options, lockmgr::LockManagerOptions lock_options, LeaseWriter lease_in,
          const std::string& port)
        : disk(daemon.io(), {"disk", 1, 1000}),
          questions(daemon.io(), {"corosync", 1, 1000}),
          events(daemon.io()),
          nodes(daemon.io(), keys, peers, {config.node, port}),
          chronicle(options.membership.self.id, events, nodes),
          machine(daemon.io(), options),
          floor(scope, disk, kStateDirectory),
          fencers(std::make_shared<Fencers>(daemon.io(), disk, kStateDirectory, events, chronicle)),
          lease(std::move(lease_in)),
          disk_votes(daemon.io(), kVoterSocket,
                     [this](const QuorumDisk& held) { machine.feed(held); }),
          messages(daemon.io(), options.membership.self.id,
                   [this](MemberId to, Channel channel, std::string_view payload) {
                       return machine.send(to, channel, payload);
                   }),
          ping(daemon.io(), messages, [this] { return machine.epoch(); }),
          locks(daemon.io(), messages, std::move(lock_options), config.locks.trace_bytes),
          interconnect(daemon.io(), scope, keys,
                       [this](const MachineInput& input) { machine.feed(input); }),
          conf(questions, hand, config.corosync_conf),
          change(nodes, questions),
          survey(
              daemon.io(), scope, questions, nodes,
              {config.solo ? 0 : options.membership.self.id.node.value(), config.corosync_conf}) {}

    // A membership's input is a machine's too, but for TakenOver, which nobody feeds.
    template <class Input>
    void feed(const Input& input) {
        if constexpr (std::is_constructible_v<MachineInput, const Input&>) {
            machine.feed(input);
        }
    }

    io::ThreadPool disk;
    io::ThreadPool questions;  // to Corosync, which may not answer: the disk must not wait for it
    EventLog events;
    io::ControlRouter peers;
    Nodes nodes;
    Chronicle chronicle;
    MachineShell machine;
    FloorKeeper floor;
    std::shared_ptr<Fencers> fencers;
    LeaseWriter lease;
    DiskVotes disk_votes;
    Messages messages;
    Ping ping;
    LockShell locks;
    Interconnect interconnect;
    ConfFile conf;
    ConfChange change;
    Survey survey;
    std::unique_ptr<GroupShell> group;
    std::unique_ptr<PeerListener> listener;
    std::unique_ptr<LockClients> lock_clients;
    std::unique_ptr<ControlContext> context;
};

Clusterd::Clusterd(io::Daemon& daemon, Config config)
    : daemon_(daemon), config_(std::move(config)), background_(daemon.io()) {}

Clusterd::~Clusterd() = default;

// ---- opening

Status Clusterd::open_conf() {
    if (config_.solo) {
        node_ = kSoloNode;
        return {};
    }
    QUORATE_TRY(const auto text, io::read_file(config_.corosync_conf));
    if (!text) {
        return fail(io::Errc::kConfig,
                    config_.corosync_conf +
                        ": no such file; make or join a cluster: clusterctl cluster create|join");
    }
    const auto conf = CorosyncConf::parse(*text, config_.corosync_conf);
    if (!conf) {
        return fail(io::Errc::kConfig, conf.error().detail);
    }
    configured_ = conf->nodes();
    const auto self = std::ranges::find(configured_, config_.node, &CorosyncConf::Node::name);
    if (self == configured_.end()) {
        return fail(io::Errc::kConfig,
                    fmt::format("{} has no node named {}: set [cluster] node to this machine's "
                                "name there",
                                config_.corosync_conf, config_.node));
    }
    node_ = NodeId(self->id);
    return {};
}

Status Clusterd::open_keys() {
    if (config_.solo) {
        return {};
    }
    auto key = ClusterKey::load(config_.key_file);
    if (!key) {
        return fail(io::Errc::kConfig, key.error().detail);
    }
    QUORATE_TRY(keys_, PeerKeys::make(*key));
    key_ = std::move(*key);
    return {};
}

// What only root may do, and what must come before threads.
Status Clusterd::open_as_root() {
    if (!config_.solo || config_.run_commands) {
        QUORATE_TRY(hand_, Hand::start(daemon_.io(), config_.corosync_conf));
    }
    QUORATE_CHECK(io::make_directory(kRunDirectory, config_.user));
    QUORATE_CHECK(io::make_directory(kStateDirectory, config_.user));
    // After the hand was started, which would go on holding the lock.
    QUORATE_CHECK(lock_directory(kStateDirectory, config_.user));
    if (!config_.solo) {
        QUORATE_CHECK(lock_node());
    }
    for (const auto& address : config_.solo ? std::vector<std::string>() : config_.addresses) {
        QUORATE_TRY(auto listener, io::Listener::open(daemon_.io(), address));
        listeners_.push_back(std::move(listener));
    }
    if (!config_.solo) {
        secure_heartbeats(log_, io::is_root() && config_.user.empty());
    }
    if (io::is_root() && !config_.user.empty()) {
        QUORATE_CHECK(io::drop_privileges(config_.user, config_.group));
    }
    return {};
}

Result<MachineOptions> Clusterd::machine_options() const {
    MachineOptions options;
    auto& membership = options.membership;
    auto& self = membership.self;
    self.id = {node_, Incarnation(std::max<std::uint64_t>(io::random_seed(), 1))};
    self.name = config_.node;
    self.software = kVersion;
    self.addresses = config_.addresses;
    self.directory_weight = config_.directory_weight;
    self.levels = kLevels;
    QUORATE_TRY(const auto draining, io::read_file(std::string(kStateDirectory) + "/draining"));
    self.draining = draining.has_value();
    membership.process = static_cast<std::uint32_t>(::getpid());
    membership.cluster_name = config_.name;
    membership.key_fingerprint = key_ ? key_->fingerprint() : "";
    membership.solo = config_.solo;
    options.lease = config_.lease;
    return options;
}

Status Clusterd::open_parts() {
    std::string port;
    for (const auto& text : config_.addresses) {
        QUORATE_TRY(const auto address, io::Address::parse(text));
        port = port.empty() ? std::to_string(address.port) : port;
    }
    QUORATE_TRY(auto options, machine_options());
    QUORATE_TRY(auto lease, LeaseWriter::open(kLeaseFile));
    auto locks = lock_options(options.membership.self.id);
    parts_ = std::make_unique<Parts>(daemon_, background_, config_, keys_ ? &*keys_ : nullptr,
                                     hand_.get(), std::move(options), std::move(locks),
                                     std::move(lease), port);
    auto& parts = *parts_;
    parts.nodes.set_configured(configured_);
    parts.listener = std::make_unique<PeerListener>(
        std::move(listeners_), keys_ ? &*keys_ : nullptr, parts.peers, parts.nodes,
        [&parts](io::Stream stream) { parts.interconnect.accept(std::move(stream)); });
    if (!config_.solo) {
        parts.group = std::make_unique<GroupShell>(
            daemon_.io(), background_, parts.questions, node_,
            [&parts](const MembershipInput& input) {
                std::visit([&parts](const auto& one) { parts.feed(one); }, input);
            },
            [this](std::uint32_t local_node) { on_wrong_node(local_node); });
        parts.group->set_disk_published([&parts] { return parts.disk_votes.connected(); });
    }
    return {};
}

lockmgr::LockManagerOptions Clusterd::lock_options(MemberId self) const {
    lockmgr::LockManagerOptions options;
    options.self = self;
    options.locks_max = config_.locks.locks_max;
    options.client_locks_max = config_.locks.client_locks_max;
    options.domains = config_.locks.domains;
    return options;
}

Status Clusterd::open_locks() {
    auto& parts = *parts_;
    LockClients::Options options;
    options.path = kLockSocket;
    options.clients_max = config_.locks.clients_max;
    options.patience = std::chrono::seconds(config_.locks.client_patience_s);
    options.limits.locks = config_.locks.client_locks_max;
    options.welcome.node = node_;
    options.welcome.node_name = config_.node;
    options.welcome.incarnation = parts.machine.self().incarnation.value();
    parts.lock_clients = std::make_unique<LockClients>(daemon_.io(), background_, parts.locks,
                                                       parts.events, std::move(options));
    parts.lock_clients->add_metrics(metrics_);
    LockShell::Limbs limbs;
    limbs.tell_client = [&clients = *parts.lock_clients](MonoTime now,
                                                         lockmgr::LockOutput& output) {
        clients.tell(now, output);
    };
    limbs.flush_clients = [&clients = *parts.lock_clients] { clients.flush(); };
    parts.locks.start(std::move(limbs));
    return parts.lock_clients->open();
}

Status Clusterd::open_control() {
    auto& parts = *parts_;
    parts.context.reset(new ControlContext{
        daemon_.io(), config_, parts.questions, parts.machine, parts.group.get(), parts.chronicle,
        parts.events, parts.ping, parts.nodes, parts.conf, parts.change, parts.survey,
        *parts.fencers, hand_.get(), metrics_, key_ ? key_->fingerprint() : "", io::wall_now()});
    control_ = std::make_unique<io::ControlServer>(daemon_.io(), kControlSocket);
    ControlRoutes routes(*parts.context, *control_, parts.peers);
    add_status_routes(routes);
    add_node_routes(routes);
    add_cluster_routes(routes);
    add_lock_routes(routes, parts.locks, *parts.lock_clients);
    add_forward_routes(routes);
    add_relay_routes(routes);
    add_fencer_routes(routes);
    add_metrics(metrics_, parts.machine, *parts.listener, parts.chronicle);
    add_ping_metrics(metrics_, parts.ping);
    add_lock_metrics(metrics_, parts.locks.manager());
    add_fencer_metrics(metrics_, parts.fencers->desk());
    add_busy_poll_metrics(metrics_, daemon_.busy_poll_counts());
    return control_->start();
}

void Clusterd::start_machine(std::optional<Floor> floor) {
    auto& parts = *parts_;
    MachineShell::Limbs limbs;
    limbs.group = parts.group.get();
    limbs.interconnect = &parts.interconnect;
    limbs.floor = &parts.floor;
    limbs.disk = config_.solo ? nullptr : &parts.disk_votes;
    limbs.lease = &parts.lease;
    limbs.lease_published = [&locks = parts.locks](const LeasePage& page) {
        if (page.state == LeaseState::kRunning) {
            locks.set_lease(page.deadline);
        }
    };
    limbs.messages = &parts.messages;
    limbs.chronicle = &parts.chronicle;
    limbs.fencers = parts.fencers.get();
    limbs.expelled = [this] { on_expelled(); };
    parts.events.add("start", fmt::format("clusterd {} on {}", kVersion, config_.node), Epoch());
    parts.machine.start(std::move(limbs), std::move(floor));
    parts.listener->start(background_);
    if (parts.group) {
        background_.spawn(parts.group->run());
        background_.spawn(parts.disk_votes.run());
        background_.spawn(compare_lease());
    }
}

Status Clusterd::open() {
    ::umask(0077);
    QUORATE_CHECK(open_conf());
    QUORATE_CHECK(open_keys());
    QUORATE_CHECK(open_as_root());
    QUORATE_CHECK(open_parts());
    QUORATE_TRY(auto floor, parts_->floor.load_floor());
    QUORATE_CHECK(open_locks());
    QUORATE_CHECK(parts_->fencers->load());
    QUORATE_CHECK(open_control());
    log_.info("starting", "cluster", config_.name, "node", config_.node, "id", node_.value(),
              "membership", config_.solo ? "solo" : "corosync", "epoch_floor",
              floor ? floor->epoch.value() : 0);
    start_machine(std::move(floor));
    return {};
}

// Corosync tells its timeouts only while it runs.
awaitable<void> Clusterd::compare_lease() {
    for (;;) {
        auto detection = co_await parts_->questions.run([] { return query_detection_time(); });
        if (detection && *detection <= config_.lease) {
            log_.warn("lease_long", "lease_ms", config_.lease.count(), "detection_ms",
                      detection->count(), "hint",
                      "takeovers wait for it: make lease_ms smaller than Corosync's token and "
                      "consensus together");
        }
        if (detection || background_.stopping()) {
            co_return;
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kAskAgain);
        if (!slept) {
            co_return;
        }
    }
}

// ---- the end

void Clusterd::stop() { end_with(io::kExitOk); }

void Clusterd::on_expelled() {
    using Cause = Refusal::Cause;
    const auto cause = parts_->chronicle.own_refusal();
    const bool operators =
        cause && (*cause == Cause::kClusterName || *cause == Cause::kKey ||
                  *cause == Cause::kNodeIdTaken || *cause == Cause::kProtocolLevel);
    if (operators) {
        log_.error("not_a_member", "hint", "see why above; then start clusterd again");
    }
    end_with(operators ? io::kExitConfig : kExitExpelled);
}

void Clusterd::on_wrong_node(std::uint32_t local_node) {
    log_.error("wrong_node", "why",
               fmt::format("Corosync runs this machine as node {}, {} calls {} node {}", local_node,
                           config_.corosync_conf, config_.node, node_.value()));
    end_with(io::kExitConfig);
}

void Clusterd::end_with(int exit_code) {
    if (std::exchange(ending_, true)) {
        return;
    }
    exit_code_ = exit_code;
    io::spawn(daemon_.io(), end());
}

awaitable<void> Clusterd::end() {
    auto& parts = *parts_;
    log_.info("stopping", "exit_code", exit_code_);
    parts.context->stopping = exit_code_ == io::kExitOk;
    parts.lock_clients->stop();
    if (exit_code_ == io::kExitOk && parts.machine.quorate()) {
        co_await parts.locks.drain(kDrainTime);
    }
    parts.machine.stop();
    parts.ping.stop();
    parts.listener->stop();
    if (parts.group) {
        parts.group->stop();
    }
    parts.disk_votes.stop();
    parts.events.close();
    parts.fencers->close();
    // What the peers and the operator are told last.
    auto slept = co_await io::sleep_until(io::mono_now() + kPoliteTime);
    parts.interconnect.close_all();
    control_->stop();
    background_.stop();
    const auto until = io::mono_now() + kEndTime;
    while ((background_.size() > 0 || parts.context->requests > 0) && io::mono_now() < until) {
        slept = co_await io::sleep_until(io::mono_now() + kPause);
    }
    static_cast<void>(slept);
    if (background_.size() > 0 || parts.context->requests > 0) {
        log_.warn("stopped_with_work_under_way", "requests", parts.context->requests);
        std::_Exit(exit_code_);
    }
    log_.info("stopped");
    daemon_.finish();
}

}  // namespace quorate::cluster
