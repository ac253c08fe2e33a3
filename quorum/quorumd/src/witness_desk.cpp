#include "witness_desk.hpp"

#include <utility>
#include <vector>

#include <fmt/core.h>

#include "witness_json.hpp"

namespace quorate::quorum {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

constexpr const char* kHere = "/v1/witnesses/here";
constexpr const char* kNoWatcher = "no_watcher";
// Longer than it takes to give up at the other end.
constexpr std::chrono::milliseconds kMateTime{35'000};

ControlResponse unreachable(const std::string& why) {
    return ControlResponse::error(409, "unreachable", why);
}

ControlResponse behind(const Witness& known) {
    auto response = ControlResponse::error(409, "behind",
                                           fmt::format("generation {} is known, and {} is reserved",
                                                       known.generation, known.reserved));
    response.body.as_object()["witness"] = to_json(known);
    return response;
}

bool is_no_watcher(const ControlResponse& answer) {
    const auto* whole = answer.body.if_object();
    const auto* error = whole != nullptr ? whole->if_contains("error") : nullptr;
    const auto* fields = error != nullptr ? error->if_object() : nullptr;
    const auto* code = fields != nullptr ? fields->if_contains("code") : nullptr;
    return code != nullptr && code->is_string() && code->get_string() == kNoWatcher;
}

}  // namespace

bool WitnessDesk::reaches_disk() const { return parts_.voter && parts_.voter->status().trusted; }

awaitable<std::optional<ControlResponse>> WitnessDesk::ask_mates(std::string method,
                                                                 json::object body) {
    if (!parts_.peers || !parts_.voter || !parts_.conf) {
        co_return std::nullopt;
    }
    const auto members = parts_.voter->status().members;
    const auto nodes = parts_.conf->nodes;
    for (const auto& node : nodes) {
        if (node.id == parts_.conf->local || !members.has(NodeId(node.id))) {
            continue;
        }
        cluster::PeerRequest request;
        request.method = method;
        request.target = kHere;
        if (!body.empty()) {
            request.body = body;
        }
        auto answer = co_await parts_.peers->ask(node, std::move(request), kMateTime);
        if (answer && !is_no_watcher(*answer)) {
            co_return std::move(*answer);
        }
    }
    co_return std::nullopt;
}

// ---- reading

awaitable<ControlResponse> WitnessDesk::read_disk() {
    auto known = co_await parts_.voter->read_anew();
    if (!known) {
        co_return unreachable(known.error().detail);
    }
    json::array list;
    for (const auto& one : together(known->own, known->others)) {
        list.push_back(to_json(one));
    }
    ControlResponse response;
    response.body = json::object{{"witnesses", std::move(list)}};
    co_return response;
}

awaitable<ControlResponse> WitnessDesk::read_here(ControlRequest) {
    if (!reaches_disk()) {
        co_return ControlResponse::error(409, kNoWatcher, "this node does not reach the disk");
    }
    auto response = co_await read_disk();
    co_return response;
}

awaitable<ControlResponse> WitnessDesk::read(ControlRequest) {
    if (!parts_.voter) {
        co_return ControlResponse::error(409, "not_voting", parts_.waiting);
    }
    if (!reaches_disk()) {
        json::object nothing;
        auto answer = co_await ask_mates("GET", std::move(nothing));
        if (answer) {
            co_return std::move(*answer);
        }
    }
    auto response = co_await read_disk();
    co_return response;
}

// ---- writing

// The words of two that ask this node must not pass for one.
awaitable<ControlResponse> WitnessDesk::write_disk(const Witness& wanted) {
    while (!free_.is_set()) {
        auto woken = co_await free_.wait();
        static_cast<void>(woken);
    }
    free_.reset();
    auto response = co_await advance(wanted);
    free_.set();
    co_return response;
}

awaitable<ControlResponse> WitnessDesk::advance(const Witness& wanted) {
    auto& voter = *parts_.voter;
    auto before = co_await voter.read_anew();
    if (!before) {
        co_return unreachable(before.error().detail);
    }
    const auto known = Witnessed::find(before->own, before->others, wanted.set);
    if (!known.admits(wanted)) {
        co_return behind(known.together());
    }
    auto written = co_await voter.write_witness(wanted);
    if (!written) {
        co_return unreachable(written.error().detail);
    }
    if (written->full) {
        co_return ControlResponse::error(
            409, "full",
            fmt::format("the page has {} sets already, or too many wait", kMaxWitnessed));
    }
    auto after = co_await voter.read_anew();
    if (!after) {
        co_return unreachable(after.error().detail);
    }
    const auto now_known = Witnessed::find(after->own, after->others, wanted.set);
    if (!now_known.stands(wanted)) {
        co_return behind(now_known.together());
    }
    ControlResponse response;
    response.body = json::object{{"held", written->held && voter.status().casting},
                                 {"witness", to_json(now_known.together())}};
    co_return response;
}

awaitable<ControlResponse> WitnessDesk::write_here(ControlRequest request) {
    const auto wanted = witness_from(request.body);
    if (!wanted) {
        co_return ControlResponse::error(400, "bad_request", wanted.error().detail);
    }
    if (!reaches_disk()) {
        co_return ControlResponse::error(409, kNoWatcher, "this node does not reach the disk");
    }
    auto response = co_await write_disk(*wanted);
    co_return response;
}

awaitable<ControlResponse> WitnessDesk::write(ControlRequest request) {
    if (request.uid != 0) {
        co_return ControlResponse::error(403, "forbidden", "only root may ask for this");
    }
    const auto wanted = witness_from(request.body);
    if (!wanted) {
        co_return ControlResponse::error(400, "bad_request", wanted.error().detail);
    }
    if (!parts_.voter) {
        co_return ControlResponse::error(409, "not_voting", parts_.waiting);
    }
    if (!reaches_disk()) {
        auto answer = co_await ask_mates("PUT", request.body);
        if (answer) {
            co_return std::move(*answer);
        }
    }
    auto response = co_await write_disk(*wanted);
    co_return response;
}

}  // namespace quorate::quorum
