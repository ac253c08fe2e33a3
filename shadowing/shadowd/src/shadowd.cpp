#include "shadowd.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "io/event.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/rados_member.hpp"

namespace quorate::shadowing {

using boost::asio::awaitable;

namespace {

constexpr const char* kControlSocket = "run/quorate/shadowd.sock";
constexpr const char* kRunFolder = "run/quorate/shadow";
constexpr const char* kStateFolder = "var/lib/quorate/shadow";
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::milliseconds kDismountTime{10'000};

}  // namespace

Shadowd::Shadowd(io::Daemon& daemon)
    : daemon_(daemon),
      witness_files_(kStateFolder),
      served_(daemon.io(), local_),
      tools_(daemon.io(), {"disk_tools", 1, 16}) {}

Status Shadowd::open() {
    std::error_code error;
    std::filesystem::create_directories(kRunFolder, error);
    std::filesystem::create_directories(kStateFolder, error);
    if (error) {
        return tl::unexpected(Error{error, kStateFolder});
    }
    QUORATE_TRY(auto files, read_unit_files());
    for (auto& file : files) {
        try_to_begin(place(std::move(file)));
    }
    control_ = std::make_unique<io::ControlServer>(daemon_.io(), kControlSocket);
    add_control_routes(*control_, *this);
    add_disk_routes(*control_, *this);
    add_peer_routes(*control_, *this);
    QUORATE_CHECK(control_->start());
    QUORATE_CHECK(served_.load());
    join_if_wanted();
    io::spawn(daemon_.io(), look_after_all());
    return {};
}

void Shadowd::stop() {
    stopping_ = true;
    io::spawn(daemon_.io(), leave());
}

// Locks of a set whose end somebody was not told of are kept as orphans.
awaitable<void> Shadowd::leave() {
    std::vector<std::string> names;
    for (const auto& [name, unit] : units_) {
        names.push_back(name);
    }
    for (const auto& name : names) {
        co_await retire(name);
    }
    // Shared with the disks, which say so.
    const auto quiet = std::make_shared<io::Event>(daemon_.io());
    served_.stop([quiet] { quiet->set(); });
    auto ended = co_await quiet->wait(io::after(kDismountTime));
    if (!ended) {
        // Whoever opens one of them waits for that.
        Logger().warn("disk_does_not_answer", "hint", "it stays locked until it does");
    }
    if (units_.empty() && cluster_) {
        co_await cluster_->leave();
    }
    control_->stop();
    daemon_.finish();
}

// ---- openers that are lost

void Shadowd::drop(ServedOpener lost, std::uint64_t floor, std::function<void()> done) {
    io::spawn(daemon_.io(), drop_and_tell(lost, floor, std::move(done)));
}

awaitable<void> Shadowd::drop_and_tell(ServedOpener lost, std::uint64_t floor,
                                       std::function<void()> done) {
    const bool dropped = co_await drop_everywhere(lost, floor);
    if (dropped) {
        done();
    }
}

// However long it takes: until then it may have something under way.
awaitable<bool> Shadowd::drop_everywhere(ServedOpener lost, std::uint64_t floor) {
    constexpr std::chrono::seconds kDropAgain{1};
    // Shared with the drops, which may outlast this.
    const auto ended = std::make_shared<io::Event>(daemon_.io());
    served_.drop(lost, floor, [ended] { ended->set(); });
    auto quiet = co_await ended->wait();
    auto places = rados_places();
    while (quiet && !places.empty()) {
        ended->reset();
        const auto said = std::make_shared<Status>();
        drop_rados_opener(daemon_.io(), *places.begin(), lost, [ended, said](Status status) {
            *said = std::move(status);
            ended->set();
        });
        quiet = co_await ended->wait();
        if (*said) {
            places.erase(places.begin());
            continue;
        }
        Logger().warn("opener_not_shut_out", "disk", *places.begin(), "why",
                      said->error().to_string());
        quiet = co_await io::sleep_until(io::mono_now() + kDropAgain);
    }
    co_return quiet.has_value();
}

std::set<std::string> Shadowd::rados_places() const {
    std::set<std::string> places;
    for (const auto& [name, unit] : units_) {
        for (const auto& disk : unit.file.disks) {
            if (unit.file.cluster && is_rados_place(disk)) {
                places.insert(disk);
            }
        }
    }
    return places;
}

awaitable<void> Shadowd::retire(std::string name) {
    auto& unit = units_.at(name);
    unit.leaving = true;
    unit.exporter.reset();
    unit.ring.reset();
    if (!unit.set) {
        units_.erase(name);
        co_return;
    }
    // Shared with the set, which says so.
    const auto ended = std::make_shared<io::Event>(daemon_.io());
    unit.set->dismount([ended](bool) { ended->set(); });
    auto dismounted = co_await ended->wait(io::after(kDismountTime));
    if (dismounted) {
        units_.erase(name);
        co_return;
    }
    unit.set->retire([ended] { ended->set(); });
    auto quiet = co_await ended->wait(io::after(kDismountTime));
    bool told = true;
    if (quiet && unit.file.cluster) {
        told = co_await cluster_->tell_end(unit.set->set_id());
    }
    if (quiet && told) {
        units_.erase(name);
    } else {
        Logger().warn("locks_kept", "unit", name, "why", "the other nodes cannot be told");
    }
}

Unit* Shadowd::find(const std::string& name) {
    const auto it = units_.find(name);
    return it == units_.end() ? nullptr : &it->second;
}

void Shadowd::join_if_wanted() {
    const bool shares =
        std::ranges::any_of(units_, [](const auto& one) { return one.second.file.cluster; });
    if (!cluster_ && (shares || !served_.all().empty())) {
        join();
    }
}

void Shadowd::join() {
    std::vector<UnitFile> files;
    for (const auto& [name, unit] : units_) {
        if (unit.file.cluster) {
            files.push_back(unit.file);
        }
    }
    ClusterPart::Handlers handlers;
    handlers.joined = [this] {
        served_.start(cluster_->psk_file(), cluster_->epoch());
        begin_all();
    };
    handlers.fence = [this](cluster::MemberId lost, std::uint64_t epoch,
                            std::function<void()> done) {
        drop({lost, 0}, epoch, std::move(done));
    };
    handlers.drop = [this](ServedOpener lost) { return drop_everywhere(lost, 0); };
    handlers.lost = [this](OpenerSlot slot, cluster::MemberId lost) {
        for (const auto& [name, unit] : units_) {
            if (unit.set && unit.file.cluster) {
                unit.set->opener_lost(slot, lost);
            }
        }
    };
    handlers.lease_changed = [this] {
        for (const auto& [name, unit] : units_) {
            if (unit.set && unit.file.cluster) {
                unit.set->look();
            }
        }
    };
    cluster_ = std::make_unique<ClusterPart>(daemon_.io(), kStateFolder, witness_files_, local_,
                                             std::move(handlers));
    cluster_->start(std::move(files));
}

std::string Shadowd::waits_for(const Unit& unit) const {
    return !unit.problem.empty() ? unit.problem : cluster_ ? cluster_->waits_for() : "";
}

void Shadowd::opener_lost(Id128 set, OpenerSlot slot, cluster::MemberId opener) {
    for (const auto& [name, unit] : units_) {
        if (unit.set && unit.file.cluster && unit.set->set_id() == set) {
            unit.set->opener_lost(slot, opener);
        }
    }
}

// ---- units

Unit& Shadowd::place(UnitFile file) {
    auto& unit = units_[file.unit];
    unit.nbd_socket = std::filesystem::absolute(fmt::format("{}/{}.sock", kRunFolder, file.unit));
    unit.file = std::move(file);
    return unit;
}

// What cannot be begun is tried again.
void Shadowd::begin_all() {
    for (auto& [name, unit] : units_) {
        if (!unit.set && !unit.leaving) {
            try_to_begin(unit);
        }
    }
}

void Shadowd::try_to_begin(Unit& unit) {
    if (unit.file.cluster) {
        if (cluster_ && cluster_->joined() && !unit.opening) {
            io::spawn(daemon_.io(), try_to_begin_shared(unit.file.unit));
        }
        return;
    }
    const auto before = unit.problem;
    if (const auto begun = begin(unit); !begun && unit.problem != before) {
        Logger().error("not_mounted", "unit", unit.file.unit, "why", unit.problem);
    }
}

awaitable<void> Shadowd::try_to_begin_shared(std::string name) {
    const auto before = units_.at(name).problem;
    auto begun = co_await begin_shared(name);
    if (!begun && begun.error().to_string() != before) {
        Logger().error("not_mounted", "unit", name, "why", begun.error().to_string());
    }
}

// The unit may be gone when its disks have been looked at.
awaitable<Status> Shadowd::begin_shared(std::string name) {
    units_.at(name).opening = true;
    auto set = co_await cluster_->open(units_.at(name).file, units_.at(name).accept_loss);
    auto* unit = find(name);
    if (unit == nullptr || unit->leaving || stopping_) {
        co_return fail(errc::refused, name + ": is dismounted");
    }
    unit->opening = false;
    unit->problem = set ? "" : set.error().to_string();
    if (!set) {
        co_return tl::unexpected<Error>(std::move(set).error());
    }
    took_over(*unit, std::move(*set));
    co_return Status();
}

Status Shadowd::begin(Unit& unit) {
    const auto& file = unit.file;
    SoloOptions options{file.unit, file.disks,
                        fmt::format("{}/{}.witness", kStateFolder, file.unit)};
    options.accept_loss = unit.accept_loss;
    auto set = open_solo_set(daemon_.io(), std::move(options));
    unit.problem = set ? "" : set.error().to_string();
    if (!set) {
        return tl::unexpected(set.error());
    }
    took_over(unit, std::move(*set));
    return {};
}

void Shadowd::took_over(Unit& unit, std::unique_ptr<MountedSet> set) {
    unit.set = std::move(set);
    unit.set->when_mounted([this, name = unit.file.unit] {
        units_.at(name).accept_loss = false;
        serve(name);
    });
}

void Shadowd::serve(const std::string& name) {
    auto& unit = units_.at(name);
    const auto socket =
        std::filesystem::absolute(fmt::format("{}/{}.ring", kRunFolder, name)).string();
    unit.ring = std::make_unique<RingServer>(daemon_.io(), *unit.set, socket);
    unit.exporter = std::make_unique<Exporter>(daemon_.io(), name, socket, unit.nbd_socket);
    Logger log = Logger().with("unit", name);
    auto started = unit.ring->start();
    if (!started) {
        log.error("not_served", "why", started.error().to_string());
        return;
    }
    started = unit.exporter->start();
    if (!started) {
        log.error("not_exported", "why", started.error().to_string());
        return;
    }
    log.info("serves", "nbd", "nbd+unix:///?socket=" + unit.nbd_socket);
}

awaitable<Status> Shadowd::mount(UnitFile file, bool accept_loss) {
    const auto name = file.unit;
    if (units_.contains(name)) {
        co_return fail(errc::refused, name + ": is mounted, or waits to be");
    }
    auto& unit = place(file);
    unit.accept_loss = accept_loss;
    Status begun;
    if (!file.cluster) {
        begun = begin(unit);
    } else if (cluster_ && cluster_->joined()) {
        begun = co_await begin_shared(name);
    }
    if (!begun) {
        units_.erase(name);
        co_return begun;
    }
    join_if_wanted();
    co_return write_unit_file(file);
}

awaitable<Result<ClusterPlan>> Shadowd::plan(UnitFile file, bool accept_loss) {
    if (!cluster_) {
        join();
    }
    if (!cluster_->joined()) {
        co_return fail(errc::refused, cluster_->waits_for());
    }
    auto plan = co_await cluster_->plan(std::move(file), accept_loss);
    co_return plan;
}

awaitable<Status> Shadowd::dismount(std::string name) {
    if (!units_.contains(name)) {
        co_return fail(errc::refused, name + ": is not mounted");
    }
    co_await retire(name);
    if (units_.contains(name)) {
        co_return fail(errc::refused, name + ": another node cannot be told: try again");
    }
    co_return remove_unit_file(name);
}

// Exporters that ended, and what could not be begun.
awaitable<void> Shadowd::look_after_all() {
    while (!stopping_) {
        for (auto& [name, unit] : units_) {
            if (unit.exporter) {
                unit.exporter->look();
            }
        }
        served_.look();
        begin_all();
        auto slept = co_await io::sleep_until(io::mono_now() + kLookEvery);
        if (!slept) {
            co_return;
        }
    }
}

}  // namespace quorate::shadowing
