#include "shadowing/cluster/cluster_node.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr const char* kClusterdSocket = "run/quorate/clusterd.sock";
constexpr const char* kLeasePage = "run/quorate/lease";
constexpr milliseconds kLookAgain{200};
constexpr milliseconds kAnswerTime{6000};  // above clusterd's own patience with another node

std::uint64_t incarnation_of(const json::object& object) {
    std::uint64_t value = 0;
    const std::string_view text = object.at("incarnation").as_string();
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
}

cluster::MemberId life_of(const json::object& object) {
    return {cluster::NodeId(object.at("node_id").to_number<std::uint32_t>()),
            cluster::Incarnation(incarnation_of(object))};
}

std::string text_of(const json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

}  // namespace

ClusterNode::ClusterNode(boost::asio::io_context& io, Handlers handlers)
    : io_(io),
      handlers_(std::move(handlers)),
      threads_(io, {"cluster", 4, 1000}),
      ears_(io, {"fencer", 2, 4}),
      process_(io::random_seed()) {}

ClusterNode::~ClusterNode() { stopping_ = true; }

// ---- questions

awaitable<Result<ClusterNode::Answer>> ClusterNode::call(std::string socket, std::string method,
                                                         std::string target, json::value body,
                                                         milliseconds limit) {
    auto question = [&]() -> Result<Answer> {
        return io::ControlClient(socket).request({method, target, std::move(body), limit});
    };
    auto answer = co_await threads_.run(std::move(question));
    co_return answer;
}

awaitable<Result<ClusterNode::Answer>> ClusterNode::ask(std::string node, std::string method,
                                                        std::string target, json::value body) {
    // /v1/X of that node.
    auto path = "/v1/nodes/" + io::ControlClient::encode(node) + target.substr(3);
    auto answer = co_await call(kClusterdSocket, std::move(method), std::move(path),
                                std::move(body), kAnswerTime);
    co_return answer;
}

bool ClusterNode::has_no_shadowd(const Answer& answer) {
    return answer.status == 502 && answer.text.find("\"no_shadowd\"") != std::string::npos;
}

// What clusterd says of the cluster.
awaitable<Result<json::object>> ClusterNode::look() {
    auto answer = co_await call(kClusterdSocket, "GET", "/v1/cluster", nullptr, kAnswerTime);
    if (!answer) {
        co_return tl::unexpected<Error>(std::move(answer).error());
    }
    if (answer->status != 200 || !answer->body.is_object()) {
        co_return fail(errc::refused, "clusterd: " + answer->text);
    }
    auto& object = answer->body.as_object();
    nodes_.clear();
    for (const auto& member : object.at("members").as_array()) {
        nodes_.emplace_back(member.as_object().at("name").as_string());
    }
    co_return std::move(object);
}

awaitable<Result<std::vector<std::string>>> ClusterNode::members() {
    auto seen = co_await look();
    if (!seen) {
        co_return tl::unexpected<Error>(std::move(seen).error());
    }
    if (text_of(*seen, "state") != "running") {
        co_return fail(errc::refused, "clusterd: " + text_of(*seen, "state"));
    }
    std::vector<std::string> names;
    for (const auto& member : seen->at("members").as_array()) {
        if (text_of(member.as_object(), "status") == "member") {
            names.push_back(text_of(member.as_object(), "name"));
        }
    }
    co_return names;
}

// ---- joining

awaitable<bool> ClusterNode::is_member() {
    auto seen = co_await look();
    if (!seen) {
        waits_for_ = "clusterd does not answer";
        co_return false;
    }
    if (text_of(*seen, "state") != "running") {
        waits_for_ = "clusterd: " + text_of(*seen, "state") + " " + text_of(*seen, "reason");
        co_return false;
    }
    name_ = text_of(*seen, "node");
    self_ = life_of(*seen);
    co_return true;
}

// Of a loss that an earlier life of this program was told of, this one would never hear.
awaitable<bool> ClusterNode::is_settled() {
    auto seen = co_await look();
    const auto* takeovers = seen ? seen->if_contains("takeovers") : nullptr;
    waits_for_ = "a lost node is taken over";
    co_return takeovers != nullptr && takeovers->as_array().empty();
}

awaitable<Status> ClusterNode::connect_locks() {
    auto lease = cluster::LeaseReader::open(kLeasePage);
    if (!lease) {
        co_return tl::unexpected<Error>(std::move(lease).error());
    }
    lease_.emplace(std::move(*lease));
    lockmgr::LockClient::Options options;
    options.on_event = [this](const lockmgr::LockClientEvent& event) {
        using Kind = lockmgr::LockClientEvent::Kind;
        if (!stopping_ && (event.kind == Kind::kRevoked || event.kind == Kind::kClosed)) {
            handlers_.over("clusterd is gone, and all locks with it");
        }
    };
    auto client =
        co_await lockmgr::LockClient::connect(io_, std::move(options), io::after(kAnswerTime));
    if (!client) {
        co_return tl::unexpected<Error>(std::move(client).error());
    }
    locks_ = std::move(*client);
    co_return Status();
}

awaitable<Status> ClusterNode::enlist(Fencer& fencer) {
    auto put = co_await call(kClusterdSocket, "PUT", fencer.path, nullptr, kAnswerTime);
    if (!put) {
        co_return tl::unexpected<Error>(std::move(put).error());
    }
    if (put->status >= 300) {
        co_return fail(errc::refused, "clusterd: " + put->text);
    }
    fencer.enlisted = true;
    io::spawn(io_, listen(fencer));
    co_return Status();
}

awaitable<Status> ClusterNode::join() {
    joining_ = true;
    auto joined = co_await try_to_join();
    joining_ = false;
    co_return joined;
}

awaitable<Status> ClusterNode::try_to_join() {
    const auto again = [this]() -> awaitable<Status> {
        auto slept = co_await io::sleep_until(io::mono_now() + kLookAgain);
        co_return leaving_ ? Status(fail(errc::refused, "it ends")) : slept;
    };
    for (;;) {
        auto member = co_await is_member();
        if (member) {
            auto connected = co_await connect_locks();
            if (connected) {
                break;
            }
            waits_for_ = connected.error().to_string();
        }
        auto slept = co_await again();
        if (!slept) {
            co_return slept;
        }
    }
    io::spawn(io_, watch_lease());
    // Both, before anything is served or waited for: an earlier life of this node may be one of
    // those that are taken over.
    for (auto* fencer : {&guard_, &heir_}) {
        auto enlisted = co_await enlist(*fencer);
        while (!enlisted || leaving_) {
            waits_for_ = enlisted ? "" : enlisted.error().to_string();
            auto slept = co_await again();
            if (!slept) {
                co_return slept;
            }
            enlisted = co_await enlist(*fencer);
        }
    }
    bool settled = false;
    while (!settled) {
        if (heir_.session.empty()) {
            waits_for_ = "another shadowd runs here";
        } else {
            settled = co_await is_settled();
        }
        auto slept = co_await again();
        if (!slept) {
            co_return slept;
        }
    }
    joined_ = true;
    waits_for_.clear();
    co_return Status();
}

awaitable<void> ClusterNode::resign(Fencer& fencer) {
    auto gone = co_await call(kClusterdSocket, "DELETE", fencer.path, nullptr, kAnswerTime);
    if (!gone || gone->status >= 300) {
        Logger().warn("fencer_not_removed", "fencer", fencer.path, "why",
                      gone ? gone->text : gone.error().to_string());
    }
}

awaitable<void> ClusterNode::leave() {
    leaving_ = true;
    // Until nothing is enlisted any more.
    constexpr int kLooks = 50;
    for (int i = 0; i < kLooks && joining_; ++i) {
        auto slept = co_await io::sleep_until(io::mono_now() + kLookAgain);
        static_cast<void>(slept);
    }
    // Those alone that are this process's: it has their streams, or soon will.
    for (auto* fencer : {&heir_, &guard_}) {
        for (int i = 0; i < kLooks && fencer->enlisted && fencer->session.empty(); ++i) {
            auto slept = co_await io::sleep_until(io::mono_now() + kLookAgain);
            static_cast<void>(slept);
        }
        if (!fencer->session.empty()) {
            co_await resign(*fencer);
        }
    }
    stopping_ = true;
}

// ---- what is lost

awaitable<void> ClusterNode::listen(Fencer& fencer) {
    while (!stopping_) {
        auto stream = [this, &fencer]() -> Status {
            const auto hear_line = [this, &fencer](std::string_view line) {
                boost::asio::post(
                    io_, [this, &fencer, text = std::string(line)] { hear(fencer, text); });
                return !stopping_;
            };
            const auto ended =
                io::ControlClient(kClusterdSocket).lines(fencer.path + "/requests", hear_line);
            return ended ? Status() : Status(tl::unexpected<Error>(ended.error()));
        };
        auto ended = co_await ears_.run(std::move(stream));
        static_cast<void>(ended);
        fencer.session.clear();
        auto slept = co_await io::sleep_until(io::mono_now() + kLookAgain);
        if (!slept) {
            co_return;
        }
    }
}

void ClusterNode::hear(Fencer& fencer, const std::string& line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    if (error || !value.is_object()) {
        return;  // an empty line
    }
    const auto& object = value.as_object();
    if (const auto session = text_of(object, "session"); !session.empty()) {
        fencer.session = session;
        return;
    }
    if (!object.contains("node_id")) {
        return;
    }
    const auto lost = life_of(object);
    Logger().info(fencer.guards ? "fences" : "node_lost", "node", text_of(object, "node"),
                  "incarnation", text_of(object, "incarnation"));
    const auto confirmed = [this, &fencer, lost] { io::spawn(io_, confirm(fencer, lost)); };
    if (fencer.guards) {
        handlers_.fence(lost, object.at("epoch").to_number<std::uint64_t>(), confirmed);
    } else {
        handlers_.lost(lost);
        confirmed();
    }
}

// Until it is taken: nobody asks again in this view. 409: nobody waits for it, or the stream has
// ended, and with the next one it is asked for anew.
awaitable<void> ClusterNode::confirm(Fencer& fencer, cluster::MemberId lost) {
    while (!stopping_) {
        json::object body{{"node_id", lost.node.value()},
                          {"incarnation", fmt::format("{:016x}", lost.incarnation.value())},
                          {"session", fencer.session}};
        auto answer = co_await call(kClusterdSocket, "POST", fencer.path + "/confirmed",
                                    std::move(body), kAnswerTime);
        if (answer && (answer->status < 300 || answer->status == 409)) {
            co_return;
        }
        Logger().warn("loss_not_confirmed", "node", lost.node.value(), "why",
                      answer ? answer->text : answer.error().to_string());
        auto slept = co_await io::sleep_until(io::mono_now() + kLookAgain);
        if (!slept) {
            co_return;
        }
    }
}

awaitable<void> ClusterNode::watch_lease() {
    constexpr milliseconds kEvery{100};
    auto known = cluster::LeaseState::kRunning;
    while (!stopping_) {
        const auto state = lease(io::exact_boot_now()).state;
        if (state == cluster::LeaseState::kExpelled) {
            handlers_.over("this life of the node is expelled");
        }
        if (std::exchange(known, state) != state) {
            handlers_.lease_changed();
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kEvery);
        if (!slept) {
            co_return;
        }
    }
}

}  // namespace quorate::shadowing
