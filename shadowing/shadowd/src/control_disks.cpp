#include <memory>
#include <vector>

#include <boost/json/array.hpp>

#include "io/control_fields.hpp"
#include "io/event.hpp"
#include "io/time.hpp"
#include "shadowd.hpp"

// Disks of this node that others use (docs/protocols/control.md).
namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

constexpr std::chrono::seconds kListTime{2};

class DiskControl {
public:
    explicit DiskControl(Shadowd& shadowd) : shadowd_(shadowd) {}

    awaitable<ControlResponse> list(ControlRequest) {
        std::vector<std::string> names;
        for (const auto& [name, served] : shadowd_.served().all()) {
            names.push_back(name);
        }
        json::array disks;
        for (const auto& name : names) {
            auto users = co_await users_of(name);
            const auto it = shadowd_.served().all().find(name);
            if (it == shadowd_.served().all().end()) {
                continue;
            }
            const auto& served = it->second;
            disks.push_back(json::object{{"name", name},
                                         {"path", served.file.path},
                                         {"address", served.file.address},
                                         {"served", served.server != nullptr},
                                         {"problem", served.problem},
                                         {"users", std::move(users)}});
        }
        ControlResponse response;
        response.body = json::object{{"disks", std::move(disks)}};
        co_return response;
    }

    awaitable<ControlResponse> serve(ControlRequest request) {
        io::ControlFields fields(request.body);
        ServedFile file;
        file.name = std::string(request.parameter("name"));
        file.path = fields.text("path");
        file.address = fields.text("address");
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        const auto served = shadowd_.served().serve(std::move(file));
        shadowd_.join_if_wanted();
        co_return answer_of(served);
    }

    awaitable<ControlResponse> unserve(ControlRequest request) {
        co_return answer_of(shadowd_.served().unserve(std::string(request.parameter("name"))));
    }

private:
    static ControlResponse answer_of(const Status& status) {
        return status ? ControlResponse()
                      : ControlResponse::error(409, "refused", status.error().to_string());
    }

    awaitable<json::array> users_of(std::string name) {
        const auto& served = shadowd_.served().all().at(name);
        json::array users;
        if (!served.server) {
            co_return users;
        }
        // Shared with the question, which may be answered later.
        const auto listed = std::make_shared<std::vector<ServedConnection>>();
        const auto told = std::make_shared<io::Event>(shadowd_.io());
        served.server->list([listed, told](std::vector<ServedConnection> connections) {
            *listed = std::move(connections);
            told->set();
        });
        auto in_time = co_await told->wait(io::after(kListTime));
        static_cast<void>(in_time);
        for (const auto& one : *listed) {
            users.push_back(json::object{{"node_id", one.name.opener.member.node.value()},
                                         {"epoch", one.name.epoch},
                                         {"refused", one.refused},
                                         {"under_way", one.under_way},
                                         {"requests", one.requests}});
        }
        co_return users;
    }

    Shadowd& shadowd_;
};

}  // namespace

void add_disk_routes(io::ControlServer& server, Shadowd& shadowd) {
    // Owned by its routes.
    const auto control = std::make_shared<DiskControl>(shadowd);
    server.route("GET", "/v1/disks",
                 [control](ControlRequest request) { return control->list(std::move(request)); });
    server.route("POST", "/v1/disks/{name}",
                 [control](ControlRequest request) { return control->serve(std::move(request)); });
    server.route("DELETE", "/v1/disks/{name}", [control](ControlRequest request) {
        return control->unserve(std::move(request));
    });
}

}  // namespace quorate::shadowing
