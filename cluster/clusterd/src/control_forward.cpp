#include <algorithm>
#include <memory>

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

#include "control_routes.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;
using std::chrono::milliseconds;

constexpr milliseconds kAnswerTime{5000};
constexpr milliseconds kLongAnswerTime{120'000};
constexpr std::int64_t kPingsMax = 10'000;
constexpr std::int64_t kPingBytesMax = 64 * 1024;
constexpr std::int64_t kPingsAtOnceMax = 16;  // of the largest: a quarter of a circuit's window

// A peer counts as root there, so what only root may do is refused here: all that changes anything,
// but for what everybody may who may talk to clusterd.
bool needs_root(std::string_view method, std::string_view target) {
    return method != "GET" && target != "/v1/drain" && target != "/v1/undrain";
}

bool runs_command(std::string_view target) { return target.starts_with("/v1/commands"); }

// What runs commands or changes files of several nodes takes its time.
milliseconds answer_time(const PeerRequest& asked) {
    if (runs_command(asked.target)) {
        const auto seconds = std::clamp(command_seconds(asked.body.as_object()), std::int64_t{1},
                                        kCommandSecondsMax);
        return std::chrono::seconds(seconds) + kAnswerTime;
    }
    return asked.method == "GET" ? kAnswerTime : kLongAnswerTime;
}

std::int64_t number(const json::object& body, const char* key, std::int64_t fallback) {
    const auto* value = body.if_contains(key);
    return value == nullptr ? fallback : json::value_to<std::int64_t>(*value);
}

class ForwardRoutes {
public:
    explicit ForwardRoutes(ControlContext& context) : context_(context) {}

    // /v1/nodes/NAME/X becomes /v1/X of that node.
    awaitable<ControlResponse> forward(ControlRequest request) {
        const std::string name(request.parameter("name"));
        if (!known(name)) {
            co_return no_such_node(name);
        }
        const auto rest = request.target.find('/', std::string_view("/v1/nodes/").size());
        PeerRequest asked{request.method, "/v1" + request.target.substr(rest), nullptr};
        if (needs_root(asked.method, asked.target) && !is_root_caller(request)) {
            co_return root_only();
        }
        if (runs_command(asked.target)) {
            note_command(name, request);
        }
        if (!request.body.empty()) {
            asked.body = std::move(request.body);
        }
        const auto limit = answer_time(asked);
        auto answer = co_await context_.nodes.ask(name, std::move(asked), limit);
        if (!answer) {
            co_return ControlResponse::error(
                502, "unreachable",
                name + " does not answer: " + answer.error().detail + "; does clusterd run there?");
        }
        co_return std::move(*answer);
    }

    awaitable<ControlResponse> ping(ControlRequest request) {
        const std::string name(request.parameter("name"));
        if (!known(name)) {
            co_return no_such_node(name);
        }
        const auto count = number(request.body, "count", 5);
        const auto bytes = number(request.body, "bytes", 100);
        const auto at_once = number(request.body, "at_once", 1);
        if (count < 1 || count > kPingsMax || bytes < 0 || bytes > kPingBytesMax || at_once < 1 ||
            at_once > kPingsAtOnceMax) {
            co_return ControlResponse::error(
                400, "bad_request", "count is 1 to 10000, bytes 0 to 65536, at_once 1 to 16");
        }
        const auto* member = member_named(name);
        if (member == nullptr) {
            co_return ControlResponse::error(409, "refused",
                                             name + " is no member of the view: start it first");
        }
        const auto id = member->id;
        const PingOptions options{static_cast<std::size_t>(count), static_cast<std::size_t>(bytes),
                                  static_cast<std::size_t>(at_once)};
        auto times = co_await context_.ping.ping(id, options);
        if (!times) {
            co_return ControlResponse::error(409, "refused",
                                             name + ": " + times.error().to_string());
        }
        json::array trips;
        for (const auto time : *times) {
            trips.emplace_back(time.count());
        }
        ControlResponse response;
        response.body = json::object{{"rings", rings_of(id)}, {"round_trips_us", std::move(trips)}};
        co_return response;
    }

private:
    // In the log of this end; and for that of the other, which sees no more than a peer.
    void note_command(const std::string& name, ControlRequest& request) const {
        const Asker asker{request.uid, context_.config.node};
        const auto words = json::value_to<std::vector<std::string>>(request.body.at("words"));
        Logger().info("command_sent", "node", name, "text", words_for_log(words), "asked_by",
                      asker_text(asker));
        request.body[kAskedBy] = {{"uid", asker.uid}, {"node", asker.node}};
    }
    const Member* member_named(std::string_view name) const;
    json::array rings_of(MemberId peer) const;

    bool known(const std::string& name) const {
        return context_.nodes.is_self(name) || context_.nodes.find(name) != nullptr ||
               !context_.nodes.addresses_of(name).empty();
    }
    static ControlResponse no_such_node(const std::string& name) {
        return ControlResponse::error(404, "no_such_node",
                                      "no node " + name + "; see: clusterctl cluster show");
    }

    ControlContext& context_;
};

const Member* ForwardRoutes::member_named(std::string_view name) const {
    const auto* view = context_.machine.view();
    if (view == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find(view->members, name, &Member::name);
    return found == view->members.end() ? nullptr : &*found;
}

json::array ForwardRoutes::rings_of(MemberId peer) const {
    json::array rings;
    for (const auto& circuit : context_.machine.status().circuits) {
        for (const auto& ring : circuit.peer == peer ? circuit.rings : std::vector<RingStatus>()) {
            rings.push_back(
                {{"ring", ring.ring}, {"address", ring.address}, {"connected", ring.up}});
        }
    }
    return rings;
}

}  // namespace

void add_forward_routes(ControlRoutes& routes) {
    // Owned by all its routes.
    const auto forward = std::make_shared<ForwardRoutes>(routes.context());
    using Audience = ControlRoutes::Audience;
    routes.add(Audience::kLocal, "POST", "/v1/nodes/{name}/ping",
               [forward](ControlRequest request) { return forward->ping(std::move(request)); });
    routes.add(Audience::kLocal, "*", "/v1/nodes/{name}/{...}",
               [forward](ControlRequest request) { return forward->forward(std::move(request)); });
}

}  // namespace quorate::cluster
