#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/control_fields.hpp"
#include "shadowd.hpp"
#include "shadowing/errc.hpp"

// shadowd's part of the control API (docs/protocols/control.md).
namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

// What keeps a lost node's last I/O from the disks.
const char* protection_of(const UnitFile& file) {
    if (!file.cluster) {
        return "one machine";
    }
    if (!file.shared) {
        return "leases, and the nodes that serve the disks: they drop a lost node's requests";
    }
    return "none: disks that every node reaches by itself, without fencing; the lease alone does "
           "not "
           "stop an I/O that is under way when a node freezes";
}

json::object report(const Shadowd& shadowd, const Unit& unit) {
    auto status = unit.set ? unit.set->status() : UnitStatus();
    if (!unit.set) {
        status.refused = shadowd.waits_for(unit);
    }
    json::array members;
    for (const auto& member : status.set.members) {
        members.push_back(json::object{{"disk", member.device},
                                       {"role", std::string(name_of(member.role))},
                                       {"fence", member.fence},
                                       {"queue", member.queue},
                                       {"latency_us", member.latency.count()}});
    }
    json::array disks(unit.file.disks.begin(), unit.file.disks.end());
    return {{"unit", unit.file.unit},
            {"mounted", status.set.mounted},
            {"stalled", status.set.stalled},
            {"refused", status.refused},
            {"generation", status.set.generation.number},
            {"lineage", status.set.lineage.to_hex()},
            {"octets", status.octets},
            {"block_octets", status.block_octets},
            {"disks", std::move(disks)},
            {"cluster", unit.file.cluster},
            {"protection", protection_of(unit.file)},
            {"members", std::move(members)},
            {"to_merge", status.set.to_merge.size()},
            {"copied_octets", status.set.of(Work::kCopy).done_blocks * status.block_octets},
            {"hot_regions", status.set.hot_regions},
            {"intent_blocks", status.set.intent_blocks},
            {"reads", status.reads},
            {"writes", status.writes},
            {"flushes", status.flushes},
            {"nbd", "nbd+unix:///?socket=" + unit.nbd_socket}};
}

ControlResponse answer(const Status& status) {
    if (status) {
        return {};
    }
    const bool refused = status.error().code == errc::refused;
    return ControlResponse::error(refused ? 409 : 500, refused ? "refused" : "failed",
                                  status.error().to_string());
}

class Control {
public:
    explicit Control(Shadowd& shadowd) : shadowd_(shadowd) {}

    awaitable<ControlResponse> status(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"daemon", "shadowd"},
                                     {"api_version", 1},
                                     {"pid", ::getpid()},
                                     {"units", shadowd_.units().size()}};
        co_return response;
    }

    awaitable<ControlResponse> list(ControlRequest) {
        json::array units;
        for (const auto& [name, unit] : shadowd_.units()) {
            units.push_back(report(shadowd_, unit));
        }
        ControlResponse response;
        response.body = json::object{{"units", std::move(units)}};
        co_return response;
    }

    awaitable<ControlResponse> show(ControlRequest request) {
        const auto* unit = shadowd_.find(std::string(request.parameter("unit")));
        if (unit == nullptr) {
            co_return absent(request);
        }
        ControlResponse response;
        response.body = report(shadowd_, *unit);
        co_return response;
    }

    awaitable<ControlResponse> mount(ControlRequest request) {
        io::ControlFields fields(request.body);
        UnitFile file;
        file.unit = std::string(request.parameter("unit"));
        file.disks = fields.texts("disks");
        file.cluster = fields.optional_flag("cluster").value_or(false);
        file.shared = fields.optional_flag("shared").value_or(false);
        file.quorum_disk = fields.optional_flag("quorum_disk").value_or(false);
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        if (!is_unit_name(file.unit)) {
            co_return ControlResponse::error(400, "bad_request", "no name of a unit");
        }
        co_return answer(shadowd_.mount(std::move(file)));
    }

    awaitable<ControlResponse> dismount(ControlRequest request) {
        auto done = co_await shadowd_.dismount(std::string(request.parameter("unit")));
        co_return answer(done);
    }

    awaitable<ControlResponse> add(ControlRequest request) {
        co_return change(request, &MountedSet::add);
    }
    awaitable<ControlResponse> remove(ControlRequest request) {
        co_return change(request, &MountedSet::remove);
    }

private:
    static ControlResponse absent(const ControlRequest& request) {
        return ControlResponse::error(
            404, "not_found", fmt::format("{} is not mounted here", request.parameter("unit")));
    }

    ControlResponse change(const ControlRequest& request,
                           Status (MountedSet::*call)(const std::string&)) {
        auto* unit = shadowd_.find(std::string(request.parameter("unit")));
        if (unit == nullptr || !unit->set) {
            return absent(request);
        }
        io::ControlFields fields(request.body);
        const auto disk = fields.text("disk");
        if (const auto read = fields.finish(); !read) {
            return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        const auto changed = ((*unit->set).*call)(disk);
        auto& disks = unit->file.disks;
        if (changed && call == &MountedSet::add && std::ranges::find(disks, disk) == disks.end()) {
            disks.push_back(disk);
            return answer(write_unit_file(unit->file));
        }
        return answer(changed);
    }

    Shadowd& shadowd_;
};

}  // namespace

void add_control_routes(io::ControlServer& server, Shadowd& shadowd) {
    // Owned by all its routes.
    const auto control = std::make_shared<Control>(shadowd);
    const auto add = [&](const char* method, const char* path,
                         awaitable<ControlResponse> (Control::*call)(ControlRequest)) {
        server.route(method, path, [control, call](ControlRequest request) {
            return ((*control).*call)(std::move(request));
        });
    };
    add("GET", "/v1/status", &Control::status);
    add("GET", "/v1/shadow", &Control::list);
    add("GET", "/v1/shadow/{unit}", &Control::show);
    add("POST", "/v1/shadow/{unit}/mount", &Control::mount);
    add("DELETE", "/v1/shadow/{unit}", &Control::dismount);
    add("POST", "/v1/shadow/{unit}/add", &Control::add);
    add("POST", "/v1/shadow/{unit}/remove", &Control::remove);
}

}  // namespace quorate::shadowing
