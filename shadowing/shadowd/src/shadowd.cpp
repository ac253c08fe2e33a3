#include "shadowd.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kControlSocket = "run/quorate/shadowd.sock";
constexpr const char* kRunFolder = "run/quorate/shadow";
constexpr const char* kStateFolder = "var/lib/quorate/shadow";
constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

Status Shadowd::open() {
    std::error_code error;
    std::filesystem::create_directories(kRunFolder, error);
    std::filesystem::create_directories(kStateFolder, error);
    if (error) {
        return tl::unexpected(Error{error, kStateFolder});
    }
    QUORATE_TRY(auto files, read_unit_files());
    for (auto& file : files) {
        const auto name = file.unit;
        if (const auto begun = begin(std::move(file)); !begun) {
            Logger().error("not_mounted", "unit", name, "why", begun.error().to_string());
        }
    }
    control_ = std::make_unique<io::ControlServer>(daemon_.io(), kControlSocket);
    add_control_routes(*control_, *this);
    QUORATE_CHECK(control_->start());
    io::spawn(daemon_.io(), watch_exporters());
    return {};
}

void Shadowd::stop() {
    stopping_ = true;
    units_.clear();
    control_->stop();
    daemon_.finish();
}

Unit* Shadowd::find(const std::string& name) {
    const auto it = units_.find(name);
    return it == units_.end() ? nullptr : &it->second;
}

Status Shadowd::begin(UnitFile file) {
    const auto name = file.unit;
    SoloOptions options{name, file.disks, fmt::format("{}/{}.witness", kStateFolder, name)};
    QUORATE_TRY(auto set, open_solo_set(daemon_.io(), std::move(options)));
    auto& unit = units_[name];
    unit.file = std::move(file);
    unit.set = std::move(set);
    unit.nbd_socket = std::filesystem::absolute(fmt::format("{}/{}.sock", kRunFolder, name));
    unit.set->when_mounted([this, name] { serve(name); });
    return {};
}

void Shadowd::serve(const std::string& name) {
    auto& unit = units_.at(name);
    const auto socket = std::filesystem::absolute(fmt::format("{}/{}.data", kRunFolder, name));
    unit.server = std::make_unique<DataServer>(daemon_.io(), *unit.set, socket);
    unit.exporter = std::make_unique<Exporter>(name, socket, unit.nbd_socket);
    Logger log = Logger().with("unit", name);
    if (const auto started = unit.server->start(); !started) {
        log.error("not_served", "why", started.error().to_string());
        return;
    }
    if (const auto started = unit.exporter->start(); !started) {
        log.error("not_exported", "why", started.error().to_string());
        return;
    }
    log.info("serves", "nbd", "nbd+unix:///?socket=" + unit.nbd_socket);
}

Status Shadowd::mount(UnitFile file) {
    if (units_.contains(file.unit)) {
        return fail(errc::refused, file.unit + ": is mounted, or waits to be");
    }
    QUORATE_CHECK(begin(file));
    return write_unit_file(file);
}

Status Shadowd::dismount(const std::string& name) {
    if (units_.erase(name) == 0) {
        return fail(errc::refused, name + ": is not mounted");
    }
    return remove_unit_file(name);
}

boost::asio::awaitable<void> Shadowd::watch_exporters() {
    while (!stopping_) {
        for (auto& [name, unit] : units_) {
            if (unit.exporter) {
                unit.exporter->look();
            }
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kLookEvery);
        if (!slept) {
            co_return;
        }
    }
}

}  // namespace quorate::shadowing
