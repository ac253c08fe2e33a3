#include "device_change.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/json/value_to.hpp>

#include "cluster/corosync_conf.hpp"
#include "io/durable_file.hpp"
#include "io/time.hpp"
#include "peers.hpp"
#include "process.hpp"
#include "quorum/errc.hpp"
#include "quorum/header.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kNodeTime{15'000};
constexpr milliseconds kDiskTime{5000};
constexpr unsigned kRefusedFrom = 300;

Result<cluster::CorosyncConf> read_conf(const std::string& path) {
    QUORATE_TRY(const auto text, io::read_file(path));
    if (!text) {
        return fail(errc::refused, path + ": no such file");
    }
    return cluster::CorosyncConf::parse(*text, path);
}

// The file first: what is only live is gone with the next start.
Status write_both(const std::string& path, const DeviceKeys& keys) {
    QUORATE_TRY(auto conf, read_conf(path));
    struct stat info {};
    ::stat(path.c_str(), &info);
    if (keys.empty()) {
        conf.set_quorum_device(std::nullopt);
    } else {
        conf.set_quorum_device(
            std::vector<std::pair<std::string, std::string>>(keys.begin(), keys.end()));
        conf.set("quorum", "two_node", std::nullopt);
    }
    QUORATE_CHECK(io::replace_durably(path, conf.text()));
    ::chmod(path.c_str(), info.st_mode & 0777);
    return write_live_device(keys);
}

std::string text_of_refusal(const io::ControlResponse& answer) {
    const auto* error =
        answer.body.is_object() ? answer.body.get_object().if_contains("error") : nullptr;
    const auto* message = error != nullptr && error->is_object()
                              ? error->get_object().if_contains("message")
                              : nullptr;
    return message != nullptr && message->is_string() ? boost::json::value_to<std::string>(*message)
                                                      : fmt::format("status {}", answer.status);
}

}  // namespace

boost::json::object to_json(const DeviceKeys& keys) {
    boost::json::object object;
    for (const auto& [key, value] : keys) {
        object[key] = value;
    }
    return object;
}

Result<DeviceKeys> keys_from(const boost::json::object& object) {
    DeviceKeys keys;
    for (const auto& field : object) {
        if (!field.value().is_string()) {
            return fail(std::make_error_code(std::errc::invalid_argument),
                        fmt::format("{}: wants a text", std::string(field.key())));
        }
        keys[std::string(field.key())] = boost::json::value_to<std::string>(field.value());
    }
    return keys;
}

// ---- here

bool DeviceChange::in_use(const DeviceDisk& disk) const {
    const auto places =
        parts_.disks ? parts_.disks->places() : std::vector<const DiskBench::Place*>();
    return std::ranges::any_of(places, [&](const auto* place) { return place->disk == disk; });
}

awaitable<Status> DeviceChange::look_at_disks(DeviceSettings settings) {
    auto disks = settings.disks;
    for (std::size_t n = 0; n < disks.size() && n < parts_.config.disks.size(); ++n) {
        disks[n].path = parts_.config.disks[n];
    }
    disks.insert(disks.end(), settings.next.begin(), settings.next.end());
    for (const auto& wanted : disks) {
        if (in_use(wanted)) {
            continue;  // it may be what the change is to be rid of
        }
        auto disk =
            co_await parts_.questions.run([&] { return open_disk(parts_.io, wanted.path); });
        if (!disk) {
            co_return fail(errc::refused, disk.error().to_string());
        }
        io::Event answered(parts_.io);
        Result<std::string> pages = fail({}, "its header is not read in time");
        (*disk)->read(0, kHeaderCopies, [&](Result<std::string> result) {
            pages = std::move(result);
            answered.set();
        });
        auto heard = co_await answered.wait(io::after(kDiskTime));
        static_cast<void>(heard);
        const auto bytes = pages ? std::string_view(*pages) : std::string_view();
        const auto header =
            pages ? decode_header(bytes.substr(0, kPageBytes), bytes.substr(kPageBytes))
                  : Result<Header>(tl::unexpected<Error>(pages.error()));
        const auto why =
            header ? difference(*header, settings, wanted.uuid) : header.error().to_string();
        if (!why.empty()) {
            co_return fail(errc::refused, fmt::format("{}: {}", wanted.path, why));
        }
    }
    co_return Status();
}

awaitable<Status> DeviceChange::check_here(DeviceKeys keys) {
    const auto conf =
        co_await parts_.questions.run([this] { return read_conf(parts_.config.corosync_conf); });
    if (!conf) {
        co_return fail(errc::refused, conf.error().detail);
    }
    if (keys.empty()) {
        co_return Status();
    }
    auto settings = parse_device(keys);
    if (!settings) {
        co_return fail(errc::refused, settings.error().detail);
    }
    for (const char* option :
         {"last_man_standing", "auto_tie_breaker", "allow_downscale", "expected_votes"}) {
        const auto value = conf->value("quorum", option);
        if (!value.empty() && value != "0") {
            co_return fail(errc::refused, fmt::format("quorum.{} in {} does not go with a quorum "
                                                      "disk: take it out",
                                                      option, parts_.config.corosync_conf));
        }
    }
    for (const auto& node : conf->nodes()) {
        if (!has_place(NodeId(node.id))) {
            co_return fail(errc::refused,
                           fmt::format("node {} has nodeid {}; the disk has places for 1 to {}",
                                       node.name, node.id, kMaxNodes));
        }
    }
    const auto& timing = settings->timing;
    const bool watchdog = timing.mode() == StopMode::kWatchdog;
    const auto& place = parts_.config.watchdog;
    if (watchdog && !place.starts_with("unix:") && ::access(place.c_str(), W_OK) != 0) {
        co_return fail(errc::refused, fmt::format("there is no watchdog {}: load a driver (softdog "
                                                  "at least), or format the disk with --soft",
                                                  place));
    }
    if (auto rival = rival_programs(watchdog, timing.sync_timeout.count()); !rival.empty()) {
        co_return fail(errc::refused, std::move(rival));
    }
    auto looked = co_await look_at_disks(std::move(*settings));
    co_return looked;
}

awaitable<Status> DeviceChange::change_here(DeviceKeys keys) {
    const auto& path = parts_.config.corosync_conf;
    auto written = co_await parts_.questions.run([&] { return write_both(path, keys); });
    if (written) {
        parts_.events.add(io::wall_now(), "device_changed",
                          keys.empty() ? "no quorum device" : "quorum.device is changed");
    }
    co_return written;
}

// ---- everywhere

awaitable<Status> DeviceChange::on(ConfNode node, bool only_check, DeviceKeys keys) {
    Status done;
    if (node.id == parts_.conf->local) {
        done = fail({}, "");
        if (only_check) {
            done = co_await check_here(std::move(keys));
        } else {
            done = co_await change_here(std::move(keys));
        }
    } else if (!parts_.peers) {
        done = fail(errc::refused, "there is no key to reach it with: see KEYS in quorumd(8)");
    } else {
        cluster::PeerRequest request;
        request.method = only_check ? "POST" : "PUT";
        request.target = only_check ? "/v1/device/check" : "/v1/device/here";
        request.body = boost::json::object{{"keys", to_json(keys)}};
        auto answer = co_await parts_.peers->ask(node, std::move(request), kNodeTime);
        if (!answer) {
            done = fail(errc::refused,
                        "does not answer (" + answer.error().detail + "): start quorumd there");
        } else if (answer->status >= kRefusedFrom) {
            done = fail(errc::refused, text_of_refusal(*answer));
        }
    }
    if (!done) {
        co_return fail(errc::refused, fmt::format("{}: {}", node.name, done.error().detail));
    }
    co_return done;
}

awaitable<Status> DeviceChange::give_back(std::vector<ConfNode> done, DeviceKeys old,
                                          std::string why) {
    for (const auto& node : done) {
        auto undone = co_await on(node, /*only_check=*/false, old);
        if (!undone) {
            why += "; it keeps the new device: " + undone.error().detail;
        }
    }
    co_return fail(errc::refused, std::move(why));
}

awaitable<Status> DeviceChange::change_all(DeviceKeys keys) {
    if (std::exchange(busy_, true)) {
        co_return fail(errc::refused, "another change is under way: repeat it");
    }
    const auto nodes = parts_.conf->nodes;
    const auto old = parts_.conf->device;
    Status changed;
    if (old.contains("model") && old.at("model") != kModel) {
        changed = fail(errc::refused, fmt::format("this cluster has a quorum device of model {}: "
                                                  "take it out of corosync.conf first",
                                                  old.at("model")));
    }
    for (const auto& node : nodes) {
        if (!changed) {
            break;
        }
        changed = co_await on(node, /*only_check=*/true, keys);
    }
    std::vector<ConfNode> done;
    for (const auto& node : nodes) {
        if (!changed) {
            break;
        }
        changed = co_await on(node, /*only_check=*/false, keys);
        done.push_back(node);
        if (!changed) {
            changed = co_await give_back(std::move(done), old, changed.error().detail);
            break;
        }
    }
    busy_ = false;
    co_return changed;
}

}  // namespace quorate::quorum
