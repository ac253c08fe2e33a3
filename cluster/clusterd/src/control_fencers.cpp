#include <memory>
#include <optional>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "control_routes.hpp"
#include "fencers.hpp"
#include "io/control_fields.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) {
    std::uint64_t value = 0;
    if (text.empty() || text.size() > 16) {
        return std::nullopt;
    }
    for (const char c : text) {
        const bool is_letter = c >= 'a' && c <= 'f';
        if (!is_letter && (c < '0' || c > '9')) {
            return std::nullopt;
        }
        value = value * 16 + static_cast<std::uint64_t>(is_letter ? c - 'a' + 10 : c - '0');
    }
    return value;
}

struct Confirmation {
    MemberId lost;
    std::uint64_t session = 0;  // 0: the operator speaks
};

Result<Confirmation> read_confirmation(const json::object& body) {
    io::ControlFields fields(body);
    const auto node = fields.optional_number("node_id");
    const auto incarnation = parse_hexadecimal(fields.text("incarnation"));
    const auto session = fields.optional_text("session");
    const auto number = session ? parse_hexadecimal(*session) : std::optional<std::uint64_t>(0);
    if (!node || *node > UINT32_MAX) {
        fields.complain("node_id", "wants the number of a node");
    }
    if (!incarnation) {
        fields.complain("incarnation", "wants a hexadecimal number");
    }
    if (!number || (session && *number == 0)) {
        fields.complain("session", "wants what the stream began with");
    }
    QUORATE_CHECK(fields.finish());
    return Confirmation{{NodeId(static_cast<std::uint32_t>(*node)), Incarnation(*incarnation)},
                        *number};
}

class FencerRoutes {
public:
    explicit FencerRoutes(ControlContext& context) : context_(context) {}

    awaitable<ControlResponse> list(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"node", context_.config.node},
                                     {"fencers", fencer_rows(desk(), fencers().name_of())}};
        co_return response;
    }

    awaitable<ControlResponse> put(ControlRequest request);
    awaitable<ControlResponse> requests(ControlRequest request);
    awaitable<ControlResponse> confirm(ControlRequest request);
    awaitable<ControlResponse> remove(ControlRequest request);

private:
    Fencers& fencers() const { return context_.fencers; }
    const FencerDesk& desk() const { return context_.fencers.desk(); }
    ControlResponse row(const std::string& name, unsigned status) const;
    // Nothing when the fencer is there and the caller's, or the caller is root.
    std::optional<ControlResponse> forbids(const std::string& name,
                                           const ControlRequest& request) const;

    ControlContext& context_;
};

ControlResponse FencerRoutes::row(const std::string& name, unsigned status) const {
    ControlResponse response;
    response.status = status;
    response.body = fencer_row(name, *desk().find(name), fencers().name_of());
    return response;
}

std::optional<ControlResponse> FencerRoutes::forbids(const std::string& name,
                                                     const ControlRequest& request) const {
    const auto* fencer = desk().find(name);
    if (fencer == nullptr) {
        return ControlResponse::error(404, "no_such_fencer",
                                      fmt::format("no fencer {} is registered on {}; see: "
                                                  "clusterctl fencer list",
                                                  name, context_.config.node));
    }
    if (!is_root_caller(request) && request.uid != fencer->uid) {
        return ControlResponse::error(
            403, "forbidden",
            fmt::format("fencer {} belongs to user {}: only that user and root speak for it", name,
                        fencer->uid));
    }
    return std::nullopt;
}

awaitable<ControlResponse> FencerRoutes::put(ControlRequest request) {
    const std::string name(request.parameter("name"));
    if (!is_fencer_name(name)) {
        co_return ControlResponse::error(
            400, "bad_request",
            "name: wants 1 to 32 letters, digits, dots, hyphens and underscores, and not lease");
    }
    if (desk().find(name) != nullptr) {
        auto forbidden = forbids(name, request);
        co_return forbidden ? std::move(*forbidden) : row(name, 200);
    }
    auto added = co_await fencers().add(name, request.uid);
    if (!added) {
        co_return to_response(added.error());
    }
    co_return row(name, 201);
}

awaitable<ControlResponse> FencerRoutes::requests(ControlRequest request) {
    const std::string name(request.parameter("name"));
    if (auto forbidden = forbids(name, request)) {
        co_return std::move(*forbidden);
    }
    auto opened = co_await fencers().attach(name, request.process);
    if (!opened) {
        const auto* fencer = desk().find(name);
        co_return ControlResponse::error(
            409, "attached",
            fmt::format("process {} answers for fencer {} already: end it first",
                        fencer == nullptr ? 0 : fencer->process, name));
    }
    ControlResponse response;
    response.content_type = "application/jsonl";
    // Owned by the copies of the function, all of this answer.
    response.stream = [stream = std::shared_ptr<Fencers::Stream>(std::move(opened))] {
        return stream->next();
    };
    co_return response;
}

awaitable<ControlResponse> FencerRoutes::confirm(ControlRequest request) {
    const std::string name(request.parameter("name"));
    if (auto forbidden = forbids(name, request)) {
        co_return std::move(*forbidden);
    }
    const auto given = read_confirmation(request.body);
    if (!given) {
        co_return ControlResponse::error(400, "bad_request", given.error().detail);
    }
    if (given->session == 0 && !is_root_caller(request)) {
        co_return ControlResponse::error(
            403, "forbidden", "without the session of its stream only root confirms for a fencer");
    }
    if (given->session != 0 && !desk().is_attached(name, given->session)) {
        co_return ControlResponse::error(
            409, "not_attached",
            "this session is over: attach again, and answer what is asked for then");
    }
    if (!fencers().confirm(name, given->lost, given->session)) {
        co_return ControlResponse::error(
            409, "not_asked",
            fmt::format("nothing waits for fencer {} to confirm that; see: clusterctl fencer list",
                        name));
    }
    co_return row(name, 200);
}

awaitable<ControlResponse> FencerRoutes::remove(ControlRequest request) {
    const std::string name(request.parameter("name"));
    if (auto forbidden = forbids(name, request)) {
        co_return std::move(*forbidden);
    }
    const auto owed = owed_text(*desk().find(name), fencers().name_of());
    const bool forced = request.parameter("force") == "true";
    if (forced && !is_root_caller(request)) {
        co_return root_only();
    }
    if (!owed.empty() && !forced) {
        co_return ControlResponse::error(
            409, "unconfirmed",
            fmt::format("fencer {} has not confirmed {}: start its program, or make sure yourself "
                        "that nothing of them runs, then: clusterctl fencer remove {}",
                        name, owed, name));
    }
    auto removed = co_await fencers().remove(name);
    if (!removed) {
        co_return to_response(removed.error());
    }
    co_return ControlResponse();
}

}  // namespace

void add_fencer_routes(ControlRoutes& routes) {
    // Owned by all its routes.
    const auto fencers = std::make_shared<FencerRoutes>(routes.context());
    const auto add = [&](ControlRoutes::Audience audience, const char* method, const char* path,
                         awaitable<ControlResponse> (FencerRoutes::*call)(ControlRequest)) {
        routes.add(audience, method, path, [fencers, call](ControlRequest request) {
            return ((*fencers).*call)(std::move(request));
        });
    };
    using Audience = ControlRoutes::Audience;
    add(Audience::kBoth, "GET", "/v1/fencers", &FencerRoutes::list);
    add(Audience::kLocal, "PUT", "/v1/fencers/{name}", &FencerRoutes::put);
    add(Audience::kBoth, "DELETE", "/v1/fencers/{name}", &FencerRoutes::remove);
    add(Audience::kLocal, "GET", "/v1/fencers/{name}/requests", &FencerRoutes::requests);
    add(Audience::kBoth, "POST", "/v1/fencers/{name}/confirmed", &FencerRoutes::confirm);
}

}  // namespace quorate::cluster
