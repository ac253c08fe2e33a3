#include <utility>

#include <fmt/core.h>

#include "io/task.hpp"
#include "io/time.hpp"
#include "peer_keys.hpp"
#include "process.hpp"
#include "quorum/errc.hpp"
#include "quorumd.hpp"

// What Corosync's configuration says: waited for, checked, followed.
namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kAgain{1000};
// A change of the configuration is several: read when they are over.
constexpr milliseconds kSettle{300};

}  // namespace

// The other nodes may ask from now on, and are told what the voter says.
void Quorumd::use_nodes() {
    start_peers(parts_);
    if (parts_.peers) {
        parts_.peers->use(parts_.conf->nodes);
    }
}

// False: the daemon ends first.
awaitable<bool> Quorumd::await_configuration() {
    while (!ending_) {
        auto question = [] { return read_live_conf(); };
        auto conf = co_await parts_.questions.run(question);
        auto why = std::string();
        if (!conf) {
            why = conf.error().to_string();
        } else if (!conf->device.contains("model")) {
            why = "corosync.conf has no quorum device: quorumctl setup DISK";
            parts_.conf = std::move(*conf);
            use_nodes();
        } else {
            parts_.conf = std::move(*conf);
            use_nodes();
            co_return true;
        }
        if (why != parts_.waiting) {
            parts_.waiting = why;
            log_.info("waiting", "why", why);
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kAgain);
        static_cast<void>(slept);
    }
    co_return false;
}

Status Quorumd::check_conf() {
    const auto& conf = *parts_.conf;
    const auto& model = conf.device.at("model");
    if (model != kModel) {
        return fail(errc::refused,
                    fmt::format("corosync.conf has a quorum device of model {}, and a cluster has "
                                "one: stop its program on all nodes, then quorumctl setup",
                                model));
    }
    QUORATE_TRY(parts_.settings, parse_device(conf.device));
    for (const auto& option : conf.against) {
        return fail(errc::refused, fmt::format("quorum.{} does not go with a quorum device: take "
                                               "it out of corosync.conf",
                                               option));
    }
    if (conf.two_node) {
        return fail(errc::refused,
                    "quorum.two_node does not go with a quorum device: take it out "
                    "of corosync.conf");
    }
    for (const auto& node : conf.nodes) {
        if (!has_place(NodeId(node.id))) {
            return fail(errc::refused, fmt::format("node {} has nodeid {}; the disk has places for "
                                                   "1 to {}",
                                                   node.name, node.id, kMaxNodes));
        }
    }
    const auto& timing = parts_.settings->timing;
    const bool watchdog = timing.mode() == StopMode::kWatchdog;
    if (watchdog && parts_.config.watchdog == "none") {
        return fail(errc::refused,
                    "the disk is formatted for watchdog mode, and this node has "
                    "none ([quorum] watchdog)");
    }
    if (auto rival = rival_programs(watchdog, timing.sync_timeout.count()); !rival.empty()) {
        return fail(errc::refused, std::move(rival));
    }
    return {};
}

Configured Quorumd::configured() const {
    Configured input;
    for (const auto& node : parts_.conf->nodes) {
        input.nodes.push_back({NodeId(node.id), node.votes});
    }
    input.disk_votes = parts_.settings->votes;
    input.tie_breaker = parts_.settings->tie_breaker;
    return input;
}

// ---- while it votes

awaitable<void> Quorumd::follow_configuration() {
    while (!ending_) {
        if (!watch_ || watch_lost_) {
            watch_.reset();
            watch_lost_ = false;
            auto question = [this] { return ConfWatch::open(daemon_.io()); };
            auto watch = co_await parts_.questions.run(question);
            if (watch) {
                watch_ = std::move(*watch);
                watch_->start([this] { conf_changed_.set(); },
                              [this] {
                                  watch_lost_ = true;
                                  conf_changed_.set();
                              });
                conf_changed_.set();  // what changed meanwhile
            }
        }
        const auto until = watch_ ? io::Deadline() : io::after(kAgain);
        auto woken = co_await conf_changed_.wait(until);
        auto slept = co_await io::sleep_until(io::mono_now() + kSettle);
        static_cast<void>(slept);
        conf_changed_.reset();
        if (woken && !ending_ && !watch_lost_) {
            co_await reread();
        }
    }
}

awaitable<void> Quorumd::reread() {
    auto question = [] { return read_live_conf(); };
    auto conf = co_await parts_.questions.run(question);
    if (!conf || *conf == *parts_.conf || ending_) {
        co_return;
    }
    if (!conf->device.contains("model")) {
        log_.warn("device_removed", "hint", "this node votes no more");
        end_with(kExitAnew);
        co_return;
    }
    auto settings = parse_device(conf->device);
    if (!settings) {
        log_.error("configuration_refused", "why", settings.error().to_string(), "hint",
                   "going on with the last one");
        co_return;
    }
    change(std::move(*conf), std::move(*settings));
}

void Quorumd::change(LiveConf conf, DeviceSettings settings) {
    const auto& now = *parts_.settings;
    if (settings.cluster != now.cluster || settings.timing != now.timing ||
        conf.local != parts_.conf->local) {
        log_.warn("configuration_changed", "hint", "starting anew");
        end_with(kExitAnew);
        return;
    }
    const bool other_disks = settings.disks != now.disks || settings.next != now.next;
    if (other_disks && settings.step <= now.step) {
        log_.error("configuration_refused", "why", "other disks without a greater step", "hint",
                   "use quorumctl replace");
        return;
    }
    log_.info("configuration_changed", "nodes", conf.nodes.size(), "disks", settings.disks.size(),
              "step", settings.step);
    const bool use = settings.step != now.step;
    parts_.conf = std::move(conf);
    parts_.settings = std::move(settings);
    use_nodes();
    parts_.voter->feed(configured());
    if (use) {
        parts_.voter->feed(parts_.disks->use(*parts_.settings, parts_.config.disks));
    }
}

}  // namespace quorate::quorum
