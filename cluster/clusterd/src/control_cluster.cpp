#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/core.h>
#include <boost/json/value_to.hpp>

#include "base/base64.hpp"
#include "cluster/errc.hpp"
#include "cluster/io/corosync.hpp"
#include "control_routes.hpp"
#include "expected_votes.hpp"
#include "node_addition.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

// Votes of `nodes` that are members now.
std::uint32_t votes_present(const std::vector<CorosyncConf::Node>& nodes, const View& view) {
    std::uint32_t votes = 0;
    for (const auto& node : nodes) {
        votes += view.find(NodeId(node.id)) != nullptr ? node.votes : 0;
    }
    return votes;
}

// Whether those of `nodes` that are members now have the quorum of all.
bool quorate_with(const std::vector<CorosyncConf::Node>& nodes, const View* view) {
    std::uint32_t expected = 0;
    for (const auto& node : nodes) {
        expected += node.votes;
    }
    return view != nullptr && votes_present(nodes, *view) >= expected / 2 + 1;
}

class ClusterRoutes {
public:
    explicit ClusterRoutes(ControlContext& context) : context_(context) {}

    awaitable<ControlResponse> expect_votes(ControlRequest request);

    awaitable<ControlResponse> raise_level(ControlRequest request) {
        if (!is_root_caller(request)) {
            co_return root_only();
        }
        const auto* view = context_.machine.view();
        const std::uint16_t before = view == nullptr ? std::uint16_t{0} : view->level;
        const auto level = json::value_to<std::uint16_t>(request.body.at("level"));
        auto done = co_await context_.machine.raise_level(level);
        if (!done) {
            co_return to_response(done.error());
        }
        co_return raised(before, level, request);
    }

    awaitable<ControlResponse> add_node(ControlRequest request);
    awaitable<ControlResponse> remove_node(ControlRequest request);
    awaitable<ControlResponse> set_votes(ControlRequest request);

private:
    static ControlResponse no_corosync() {
        return ControlResponse::error(409, "refused",
                                      "this node runs alone: set membership = \"corosync\" first");
    }
    static ControlResponse no_quorum() {
        return ControlResponse::error(409, "no_quorum",
                                      "no quorum: only a cluster that has it changes its nodes");
    }
    // What an operator has done, for the log and the events, with who it was.
    void acted(const char* kind, const std::string& what, const ControlRequest& request);
    awaitable<ControlResponse> not_expected(std::uint32_t votes, Error error);
    Status harmless(const std::vector<CorosyncConf::Node>& nodes, std::uint32_t votes,
                    const std::vector<std::string>& off) const;
    // Nothing when this caller may change the nodes of this cluster now.
    std::optional<ControlResponse> forbids(const ControlRequest& request) const;
    Result<ConfChange::Wanted> with_votes(ConfFile::Text old, const std::string& name,
                                          std::uint32_t votes) const;
    Result<ConfChange::Wanted> without(ConfFile::Text old, const std::string& name) const;
    ControlResponse added(const Addition& addition, const std::string& key,
                          const ControlRequest& request);
    ControlResponse votes_changed(const std::string& name, std::uint32_t votes,
                                  const ControlRequest& request);
    ControlResponse expected(std::uint32_t votes, const std::vector<std::string>& off,
                             const ControlRequest& request);
    ControlResponse raised(std::uint16_t before, std::uint16_t level,
                           const ControlRequest& request);
    Status may_go(const CorosyncConf& rest, const CorosyncConf::Node& node) const;
    ControlResponse not_changed(const Error& error);

    ControlContext& context_;
    Logger log_;
};

void ClusterRoutes::acted(const char* kind, const std::string& what,
                          const ControlRequest& request) {
    log_.info(kind, "what", what, "uid", request.uid);
    context_.events.add(kind, fmt::format("{}; asked by uid {}", what, request.uid),
                        context_.machine.epoch(), {{"uid", request.uid}});
}

ControlResponse ClusterRoutes::raised(std::uint16_t before, std::uint16_t level,
                                      const ControlRequest& request) {
    acted("level", fmt::format("the protocol level is raised from {} to {}", before, level),
          request);
    ControlResponse response;
    response.body = json::object{{"level", level}};
    return response;
}

ControlResponse ClusterRoutes::not_changed(const Error& error) {
    log_.warn("nodes_not_changed", "why", error.detail);
    context_.events.add("refused", error.detail, context_.machine.epoch());
    return to_response(error);
}

std::optional<ControlResponse> ClusterRoutes::forbids(const ControlRequest& request) const {
    if (!is_root_caller(request)) {
        return root_only();
    }
    if (context_.config.solo) {
        return no_corosync();
    }
    return context_.machine.quorate() ? std::nullopt : std::optional(no_quorum());
}

// With fewer votes than the majority of all, those who are away might have quorum as well: whoever
// wants it says of each that it is off.
Status ClusterRoutes::harmless(const std::vector<CorosyncConf::Node>& nodes, std::uint32_t votes,
                               const std::vector<std::string>& off) const {
    std::uint32_t all = 0;
    std::string unsaid;
    std::string absent;
    const auto* view = context_.machine.view();
    for (const auto& node : nodes) {
        all += node.votes;
        if (node.votes == 0 || (view != nullptr && view->find(NodeId(node.id)) != nullptr)) {
            continue;
        }
        absent += (absent.empty() ? "" : ",") + node.name;
        if (std::ranges::find(off, node.name) == off.end()) {
            unsaid += (unsaid.empty() ? "" : " and ") + node.name;
        }
    }
    for (const auto& name : off) {
        const auto named = std::ranges::find(nodes, name, &CorosyncConf::Node::name);
        if (named == nodes.end() || (view != nullptr && view->find(NodeId(named->id)) != nullptr)) {
            return fail(
                errc::refused,
                name + (named == nodes.end()
                            ? " is no node of this cluster: clusterctl cluster show lists them"
                            : " is a member, and not off: name those that are switched off"));
        }
    }
    if (2 * (votes / 2 + 1) > all || unsaid.empty()) {
        return {};
    }
    return fail(errc::refused,
                fmt::format("{} may run, cut off from here, and then both sides would act and mail "
                            "would be lost: switch off what is away, then: clusterctl cluster "
                            "expected-votes {} --off {}",
                            unsaid, votes, absent));
}

awaitable<ControlResponse> ClusterRoutes::expect_votes(ControlRequest request) {
    if (!is_root_caller(request)) {
        co_return root_only();
    }
    if (context_.config.solo) {
        co_return no_corosync();
    }
    const auto votes = json::value_to<std::uint32_t>(request.body.at("votes"));
    std::vector<std::string> off;
    if (const auto* named = request.body.if_contains("off")) {
        off = json::value_to<std::vector<std::string>>(*named);
    }
    auto conf = co_await context_.conf.read();
    if (!conf) {
        co_return to_response(conf.error());
    }
    if (auto sound = harmless(conf->conf.nodes(), votes, off); !sound) {
        co_return to_response(sound.error());
    }
    auto set = co_await context_.workers.run([votes] { return set_expected_votes(votes); });
    if (!set) {
        auto refused = co_await not_expected(votes, std::move(set).error());
        co_return refused;
    }
    co_return expected(votes, off, request);
}

ControlResponse ClusterRoutes::expected(std::uint32_t votes, const std::vector<std::string>& off,
                                        const ControlRequest& request) {
    std::string said_off;
    for (const auto& name : off) {
        said_off += (said_off.empty() ? ", off: " : " ") + name;
    }
    acted("expected_votes",
          votes_text(votes) + " expected until Corosync is started anew" + said_off, request);
    ControlResponse response;
    response.body = json::object{{"expected_votes", votes}};
    return response;
}

// Corosync says only that it will not.
awaitable<ControlResponse> ClusterRoutes::not_expected(std::uint32_t votes, Error error) {
    co_await context_.survey.refresh();
    const auto& found = context_.survey.findings().votes;
    if (error.code != std::errc::invalid_argument || !found) {
        co_return to_response(error);
    }
    co_return ControlResponse::error(409, "refused", votes_refusal(votes, found->total_votes));
}

ControlResponse ClusterRoutes::added(const Addition& addition, const std::string& key,
                                     const ControlRequest& request) {
    acted("node_added",
          fmt::format("{} with id {} and {}", addition.node.name, addition.node.id,
                      votes_text(addition.node.votes)),
          request);
    ControlResponse response;
    response.status = 201;
    response.body = json::object{{"node_id", addition.node.id},
                                 {"cluster", context_.config.name},
                                 {"corosync_conf", addition.text},
                                 {"authkey", base64_encode(key)}};
    return response;
}

awaitable<ControlResponse> ClusterRoutes::add_node(ControlRequest request) {
    if (auto forbidden = forbids(request)) {
        co_return std::move(*forbidden);
    }
    auto old = co_await context_.conf.read();
    auto key = co_await context_.conf.read_authkey();
    if (!old || !key) {
        co_return to_response(old ? key.error() : old.error());
    }
    const auto addition = plan_addition(request.body, std::move(*old));
    if (!addition->possible) {
        co_return ControlResponse::error(409, "refused", addition->possible.error().detail);
    }
    auto made = co_await context_.change.make(addition->wanted);
    if (!made) {
        co_return not_changed(made.error());
    }
    co_return added(*addition, *key, request);
}

Status ClusterRoutes::may_go(const CorosyncConf& rest, const CorosyncConf::Node& node) const {
    const auto* view = context_.machine.view();
    const auto* member = view == nullptr ? nullptr : view->find(NodeId(node.id));
    if (node.name == context_.config.node) {
        return fail(errc::refused, node.name + " was asked itself: ask another member");
    }
    if (member != nullptr && !member->draining) {
        return fail(errc::refused,
                    node.name + " is a member: drain it first, then it may be removed");
    }
    if (!quorate_with(rest.nodes(), view)) {
        return fail(
            errc::refused,
            "without " + node.name +
                " the members present would not be quorate: start the "
                "other nodes first, or name those that are off for good in clusterctl cluster "
                "expected-votes");
    }
    return {};
}

Result<ConfChange::Wanted> ClusterRoutes::without(ConfFile::Text old,
                                                  const std::string& name) const {
    const auto nodes = old.conf.nodes();
    const auto node = std::ranges::find(nodes, name, &CorosyncConf::Node::name);
    auto conf = old.conf;
    if (auto removed = conf.remove_node(name); !removed) {
        return fail(errc::refused, removed.error().detail);
    }
    QUORATE_CHECK(may_go(conf, *node));
    return ConfChange::Wanted{std::move(old), conf.text(), name};
}

awaitable<ControlResponse> ClusterRoutes::remove_node(ControlRequest request) {
    if (auto forbidden = forbids(request)) {
        co_return std::move(*forbidden);
    }
    const std::string name(request.parameter("name"));
    auto old = co_await context_.conf.read();
    if (!old) {
        co_return to_response(old.error());
    }
    if (std::ranges::find(old->conf.nodes(), name, &CorosyncConf::Node::name) ==
        old->conf.nodes().end()) {
        co_return ControlResponse::error(
            404, "no_such_node",
            "corosync.conf has no node " + name + ": clusterctl cluster show lists them");
    }
    auto wanted = without(std::move(*old), name);
    if (!wanted) {
        co_return to_response(wanted.error());
    }
    auto made = co_await context_.change.make(*wanted);
    if (!made) {
        co_return not_changed(made.error());
    }
    acted("node_removed", name + " is no node of the cluster any more", request);
    co_return ControlResponse();
}

Result<ConfChange::Wanted> ClusterRoutes::with_votes(ConfFile::Text old, const std::string& name,
                                                     std::uint32_t votes) const {
    auto conf = old.conf;
    if (auto changed = conf.set_votes(name, votes); !changed) {
        return fail(errc::refused, changed.error().detail);
    }
    if (!quorate_with(conf.nodes(), context_.machine.view())) {
        return fail(errc::refused,
                    "with these votes the members present would not be quorate: "
                    "start the other nodes first");
    }
    return ConfChange::Wanted{std::move(old), conf.text(), ""};
}

ControlResponse ClusterRoutes::votes_changed(const std::string& name, std::uint32_t votes,
                                             const ControlRequest& request) {
    acted("node_votes", name + " has " + votes_text(votes), request);
    ControlResponse response;
    response.body = json::object{{"votes", votes}};
    return response;
}

awaitable<ControlResponse> ClusterRoutes::set_votes(ControlRequest request) {
    if (auto forbidden = forbids(request)) {
        co_return std::move(*forbidden);
    }
    const std::string name(request.parameter("name"));
    const auto votes = json::value_to<std::uint32_t>(request.body.at("votes"));
    auto old = co_await context_.conf.read();
    if (!old) {
        co_return to_response(old.error());
    }
    auto wanted = with_votes(std::move(*old), name, votes);
    if (!wanted) {
        co_return to_response(wanted.error());
    }
    auto made = co_await context_.change.make(*wanted);
    if (!made) {
        co_return not_changed(made.error());
    }
    co_return votes_changed(name, votes, request);
}

}  // namespace

void add_cluster_routes(ControlRoutes& routes) {
    // Owned by all its routes.
    const auto cluster = std::make_shared<ClusterRoutes>(routes.context());
    const auto add = [&](ControlRoutes::Audience audience, const char* method, const char* path,
                         awaitable<ControlResponse> (ClusterRoutes::*call)(ControlRequest)) {
        routes.add(audience, method, path, [cluster, call](ControlRequest request) {
            return ((*cluster).*call)(std::move(request));
        });
    };
    using Audience = ControlRoutes::Audience;
    add(Audience::kLocal, "POST", "/v1/cluster/expected-votes", &ClusterRoutes::expect_votes);
    add(Audience::kLocal, "POST", "/v1/cluster/level", &ClusterRoutes::raise_level);
    add(Audience::kBoth, "POST", "/v1/cluster/nodes", &ClusterRoutes::add_node);
    add(Audience::kBoth, "DELETE", "/v1/cluster/nodes/{name}", &ClusterRoutes::remove_node);
    add(Audience::kBoth, "PATCH", "/v1/cluster/nodes/{name}", &ClusterRoutes::set_votes);
}

}  // namespace quorate::cluster
