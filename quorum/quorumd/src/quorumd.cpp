#include "quorumd.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fmt/core.h>

#include "base/random.hpp"
#include "control.hpp"
#include "io/privileges.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "metrics.hpp"
#include "peer_keys.hpp"
#include "process.hpp"
#include "quorum/errc.hpp"
#include "refusal.hpp"
#include "version.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr const char* kRunDirectory = "run/quorate";
constexpr const char* kControlSocket = "run/quorate/quorumd.sock";
constexpr const char* kVoterSocket = "run/quorate/voter.sock";
constexpr milliseconds kFirstLook{4000};
constexpr milliseconds kEndTime{6000};
constexpr milliseconds kPublish{2000};

Uuid boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::getline(file, text);
    std::erase(text, '-');
    return parse_uuid(text).value_or(Uuid());
}

}  // namespace

Quorumd::Quorumd(io::Daemon& daemon, Config config)
    : daemon_(daemon),
      parts_(daemon.io(), std::move(config)),
      bound_mark_(boot_id()),
      seen_file_(parts_.scope, parts_.questions),
      conf_changed_(daemon.io()) {}

Quorumd::~Quorumd() = default;

Status Quorumd::open() {
    ::umask(0077);
    QUORATE_CHECK(lock_node());
    secure_time(log_);
    QUORATE_CHECK(io::make_directory(kRunDirectory, ""));
    parts_.started = io::wall_now();
    control_ = std::make_unique<io::ControlServer>(daemon_.io(), kControlSocket);
    add_control_routes(*control_, parts_, metrics_);
    add_metrics(metrics_, parts_);
    QUORATE_CHECK(control_->start());
    open_peers(parts_);
    log_.info("starting", "version", kVersion);
    parts_.events.add(io::wall_now(), "start", fmt::format("quorumd {}", kVersion));
    parts_.waiting = "starting";
    parts_.scope.spawn(live());
    return {};
}

// ---- until it votes

awaitable<void> Quorumd::live() {
    const bool configured = co_await await_configuration();
    if (!configured) {
        co_return;
    }
    auto begun = co_await begin();
    if (ending_) {
        co_return;
    }
    if (!begun) {
        parts_.waiting = begun.error().to_string();
        log_.error("refused", "why", begun.error().to_string());
        end_with(is_operators(begun.error()) ? io::kExitConfig : io::kExitFailed);
        co_return;
    }
    co_await follow_configuration();
}

awaitable<Status> Quorumd::open_disks() {
    auto& parts = parts_;
    parts.disks =
        std::make_unique<DiskBench>(parts.io, parts.scope, [this](const VoterInput& input) {
            if (parts_.voter) {
                parts_.voter->feed(input);
            }
        });
    static_cast<void>(parts.disks->use(*parts.settings, parts.config.disks));
    co_await parts.disks->first_look(io::after(kFirstLook));
    for (const auto* place : parts.disks->places()) {
        if (place->foreign) {
            co_return fail(errc::refused, place->problem);
        }
    }
    co_return Status();
}

awaitable<Status> Quorumd::register_device() {
    auto& parts = parts_;
    parts.votes = std::make_unique<Votes>(parts.io, parts.scope, parts.corosync,
                                          [this](const VoterInput& input) {
                                              if (parts_.voter) {
                                                  parts_.voter->feed(input);
                                              }
                                          });
    std::vector<std::uint32_t> nodes;
    for (const auto& node : parts.conf->nodes) {
        nodes.push_back(node.id);
    }
    auto opened = co_await parts.votes->open(std::move(nodes));
    co_return opened;
}

awaitable<Status> Quorumd::begin() {
    auto checked = check_conf();
    if (!checked) {
        co_return checked;
    }
    auto opened = co_await open_disks();
    if (!opened || ending_) {
        co_return opened;
    }
    if (auto watchdog = open_watchdog(); !watchdog) {
        co_return watchdog;
    }
    auto registered = co_await register_device();
    if (!registered) {
        if (parts_.watchdog) {
            parts_.watchdog->stop();
        }
        co_return registered;
    }
    start_voter();
    co_return Status();
}

Status Quorumd::open_watchdog() {
    const auto& timing = parts_.settings->timing;
    if (timing.mode() == StopMode::kSoft) {
        return {};
    }
    if (bound_mark_.is_set()) {
        log_.warn("was_bound", "hint",
                  "the last quorumd of this boot did not end in order: the watchdog is fed when "
                  "this one's page is on the disk");
        parts_.watchdog = open_when_fed(parts_.config.watchdog, timing.watchdog,
                                        [this] { parts_.voter->feed(Bound{false}); });
        return {};
    }
    auto watchdog = Watchdog::open(parts_.config.watchdog, timing.watchdog);
    if (!watchdog) {
        return fail(errc::refused, watchdog.error().to_string());
    }
    parts_.watchdog = std::move(*watchdog);
    return {};
}

// Without them the disk is of no use to clusterd, but to Corosync.
void Quorumd::open_clients(Incarnation incarnation) {
    if (!parts_.config.clusterd) {
        return;
    }
    auto clients = std::make_unique<VoterSocket>(
        parts_.io, parts_.scope, incarnation,
        [this](const VoterInput& input) { parts_.voter->feed(input); });
    if (auto opened = clients->open(kVoterSocket, parts_.config.group); !opened) {
        log_.error("no_clients", "why", opened.error().to_string());
        return;
    }
    parts_.clients = std::move(clients);
}

void Quorumd::start_voter() {
    VoterOptions options;
    options.self = NodeId(parts_.conf->local);
    options.incarnation = Incarnation(std::max<std::uint64_t>(io::random_seed(), 1));
    options.boot = boot_id();
    options.bound = parts_.watchdog != nullptr && bound_mark_.is_set();
    auto seen = seen_file_.load();
    options.forgot = !seen;
    if (seen) {
        options.remembered = std::move(*seen);
    } else {
        log_.error("seen_not_read", "why", seen.error().to_string());
    }
    options.resets = parts_.config.reset_when_fenced;
    options.cluster = parts_.settings->cluster;
    options.timing = parts_.settings->timing;
    options.publish = parts_.config.clusterd ? kPublish : milliseconds::zero();
    parts_.voter = std::make_unique<VoterShell>(parts_.io, options);
    VoterShell::Limbs limbs;
    limbs.disks = parts_.disks.get();
    limbs.votes = parts_.votes.get();
    limbs.watchdog = parts_.watchdog.get();
    limbs.events = &parts_.events;
    limbs.say = [this](const Say& say) {
        if (parts_.peers) {
            parts_.peers->say(say.to, say.bytes);
        }
    };
    limbs.publish = [this](const VoterOutput& output) {
        if (parts_.clients) {
            parts_.clients->tell(output);
        }
    };
    limbs.binds = [this] {
        const auto set = bound_mark_.set();
        if (!set) {
            log_.error("mark_not_written", "why", set.error().to_string());
        }
        parts_.voter->feed(Bound{set.has_value()});
    };
    limbs.remember = [this](std::string bytes) { seen_file_.keep(std::move(bytes)); };
    limbs.evicted = [this](bool fenced, const std::string& why) { on_evicted(fenced, why); };
    parts_.voter->start(std::move(limbs));
    parts_.waiting.clear();
    open_clients(options.incarnation);
    log_.info("voting", "node", options.self.value(), "incarnation", options.incarnation.value(),
              "mode", options.timing.mode() == StopMode::kSoft ? "soft" : "watchdog");
    parts_.voter->feed(configured());
    parts_.voter->feed(parts_.disks->use(*parts_.settings, parts_.config.disks));
    parts_.scope.spawn(parts_.votes->run());
    parts_.heuristics = std::make_unique<Heuristics>(
        parts_.io, parts_.scope, parts_.config.heuristics,
        [this](std::uint32_t score) { parts_.voter->feed(Scored{score}); });
    parts_.heuristics->start();
}

void Quorumd::on_evicted(bool fenced, const std::string& why) {
    log_.error("evicted", "why", why);
    parts_.events.add(io::wall_now(), "evicted", why);
    if (fenced && parts_.config.reset_when_fenced) {
        log_.error("fenced", "why", why, "hint", "this machine is reset");
        reset_machine();
        // It was forbidden. The page goes on saying that this life has ended, and nobody takes the
        // machine for reset before the watchdog, fed no more, has done it; without one, ever.
        log_.error("reset_refused", "hint", "reset this machine");
        return;
    }
    const bool anew = fenced || parts_.voter->prevails();
    end_with(anew ? kExitAnew : io::kExitConfig);
}

// ---- the end

void Quorumd::end_with(int exit_code) {
    if (std::exchange(ending_, true)) {
        return;
    }
    exit_code_ = exit_code;
    conf_changed_.set();
    io::spawn(daemon_.io(), end());
}

// Out of votequorum: when the page says so, or when there was no time for it.
awaitable<void> Quorumd::leave() {
    if (!parts_.voter) {
        co_return;
    }
    const bool stopped = co_await parts_.voter->stop(io::after(kEndTime));
    parts_.voter->halt();
    const bool out = stopped || parts_.votes->withdrawn();
    if (!stopped) {
        log_.warn("not_released", "hint",
                  "the disk was not told: other nodes wait, and this one's next start does");
    }
    if (out) {
        co_await parts_.votes->leave();
    }
    if (!parts_.watchdog) {
        co_return;
    }
    const bool bound = !stopped && parts_.voter->status().bound;
    if (out && !bound) {
        parts_.watchdog->stop();
        bound_mark_.clear();
    } else {
        log_.error("watchdog_left_armed", "hint",
                   out ? "the disk still says that the watchdog binds this node: unless quorumd "
                         "starts again at once, this machine is reset"
                       : "votes may still count: this machine is reset");
    }
}

awaitable<void> Quorumd::end() {
    log_.info("stopping", "exit_code", exit_code_);
    if (parts_.heuristics) {
        parts_.heuristics->stop();
    }
    co_await leave();
    control_->stop();
    log_.info("stopped");
    // A thread may wait for a disk or a Corosync that never answers.
    std::_Exit(exit_code_);
}

}  // namespace quorate::quorum
