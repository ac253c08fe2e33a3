#include "solo_world.hpp"

#include <cstdlib>
#include <filesystem>

#include "base/assert.hpp"
#include "io/time.hpp"
#include "metrics.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

const MemberId kSelf{NodeId(1), Incarnation(0xa1)};
constexpr milliseconds kPause{1};

std::string make_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "quorate-solo-XXXXXX").string();
    QUORATE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
}

Config make_config(const std::string& folder) {
    Config config;
    config.solo = true;
    config.name = "one";
    config.node = "one";
    config.corosync_conf = folder + "/corosync.conf";
    return config;
}

MachineOptions make_options(LevelRange levels) {
    MachineOptions options;
    options.membership.self.id = kSelf;
    options.membership.self.name = "one";
    options.membership.self.software = "0.1.0";
    options.membership.self.directory_weight = 1;
    options.membership.self.levels = levels;
    options.membership.process = 1;
    options.membership.cluster_name = "one";
    options.membership.solo = true;
    return options;
}

LeaseWriter open_lease(const std::string& path) {
    auto writer = LeaseWriter::open(path);
    QUORATE_ASSERT(writer);
    return std::move(*writer);
}

}  // namespace

SoloWorld::SoloWorld(LevelRange levels, std::optional<Floor> before)
    : folder(make_folder()),
      config(make_config(folder)),
      nodes(io, nullptr, peers, {"one", ""}),
      chronicle(kSelf, events, nodes),
      machine(io, make_options(levels)),
      floor(scope, disk, folder),
      fencers(std::make_shared<Fencers>(io, disk, folder, events, chronicle)),
      lease(open_lease(folder + "/lease")),
      messages(io, kSelf,
               [this](MemberId to, Channel channel, std::string_view payload) {
                   return machine.send(to, channel, payload);
               }),
      ping(io, messages, [this] { return machine.epoch(); }),
      interconnect(io, scope, nullptr, [this](const MachineInput& input) { machine.feed(input); }),
      conf(disk, nullptr, config.corosync_conf),
      change(nodes, disk),
      survey(io, scope, disk, nodes, {0, config.corosync_conf}),
      local(io, folder + "/clusterd.sock") {
    context.reset(new ControlContext{io, config, disk, machine, nullptr, chronicle, events, ping,
                                     nodes, conf, change, survey, *fencers, nullptr, metrics, "",
                                     io::wall_now()});
    ControlRoutes routes(*context, local, peers);
    add_status_routes(routes);
    add_node_routes(routes);
    add_cluster_routes(routes);
    add_forward_routes(routes);
    add_fencer_routes(routes);
    add_fencer_metrics(metrics, fencers->desk());
    MachineShell::Limbs limbs;
    limbs.interconnect = &interconnect;
    limbs.floor = &floor;
    limbs.lease = &lease;
    limbs.lease_published = [](const LeasePage&) {};
    limbs.messages = &messages;
    limbs.chronicle = &chronicle;
    limbs.fencers = fencers.get();
    limbs.expelled = [] {};
    QUORATE_ASSERT(fencers->load());
    machine.start(std::move(limbs), std::move(before));
    QUORATE_ASSERT(wait(until_in_a_view()));
}

SoloWorld::~SoloWorld() {
    machine.stop();
    fencers->close();
    events.close();
    scope.stop();
    QUORATE_ASSERT(wait(end()));
    std::filesystem::remove_all(folder);
}

awaitable<bool> SoloWorld::until_in_a_view() {
    while (machine.view() == nullptr) {
        auto slept = co_await io::sleep_until(io::mono_now() + kPause);
        static_cast<void>(slept);
    }
    co_return true;
}

awaitable<bool> SoloWorld::end() {
    auto ended = co_await scope.wait(milliseconds(5000));
    co_return ended;
}

io::ControlResponse SoloWorld::ask(std::string method, std::string target, std::string body,
                                   std::uint32_t uid) {
    return wait(local.router().dispatch(
        {std::move(method), std::move(target), std::move(body), uid, 4711}));
}

io::ControlResponse SoloWorld::ask_as_peer(io::RawRequest request) {
    return wait(peers.dispatch(std::move(request)));
}

std::string SoloWorld::next_piece(const io::ControlResponse& response) {
    return wait(response.stream());
}

}  // namespace quorate::cluster
