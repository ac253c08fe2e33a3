#include <memory>

#include <boost/json/value_to.hpp>

#include "base/text.hpp"
#include "control_routes.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

// Whom the clusterd that passes a command on names.
std::string asker_named(const json::object& body) {
    const auto* said = body.if_contains(kAskedBy);
    if (said == nullptr) {
        return "root of another machine";
    }
    const auto& by = said->as_object();
    return asker_text({json::value_to<std::uint32_t>(by.at("uid")), text_field(by, "node")});
}

class NodeRoutes {
public:
    explicit NodeRoutes(ControlContext& context) : context_(context) {}

    awaitable<ControlResponse> drain(ControlRequest) {
        auto response = co_await set_draining(true);
        co_return response;
    }
    awaitable<ControlResponse> undrain(ControlRequest) {
        auto response = co_await set_draining(false);
        co_return response;
    }

    // Of a caller on this machine, whatever it says of itself; and of a peer.
    awaitable<ControlResponse> run_here(ControlRequest request) {
        auto who = asker_text({request.uid, context_.config.node});
        auto response = co_await run(std::move(request), std::move(who));
        co_return response;
    }
    awaitable<ControlResponse> run_for_peer(ControlRequest request) {
        auto who = asker_named(request.body);
        auto response = co_await run(std::move(request), std::move(who));
        co_return response;
    }

    awaitable<ControlResponse> replace_conf(ControlRequest request) {
        auto text = text_field(request.body, "text");
        auto replaces = text_field(request.body, "replaces");
        auto replaced = co_await context_.conf.replace(std::move(text), std::move(replaces));
        if (!replaced) {
            log_.warn("corosync_conf_refused", "why", replaced.error().to_string());
            co_return to_response(replaced.error());
        }
        note("corosync_conf", context_.conf.path() + " was replaced; the old one is beside it");
        auto now = co_await context_.conf.read();
        if (now) {
            context_.nodes.set_configured(now->conf.nodes());
        }
        co_return ControlResponse();
    }

private:
    awaitable<ControlResponse> run(ControlRequest request, std::string who) {
        if (!is_root_caller(request)) {
            co_return root_only();
        }
        if (!context_.config.run_commands || context_.hand == nullptr) {
            co_return ControlResponse::error(
                403, "disabled",
                "commands are off on " + context_.config.node +
                    ": set run_commands = true in [cluster] and start clusterd again");
        }
        auto words = json::value_to<std::vector<std::string>>(request.body.at("words"));
        if (words.empty() || words.front().empty()) {
            co_return ControlResponse::error(400, "bad_request", "words: the program is missing");
        }
        const auto seconds = command_seconds(request.body);
        if (seconds < 1 || seconds > kCommandSecondsMax) {
            co_return ControlResponse::error(400, "bad_request", "timeout_seconds: 1 to 3600");
        }
        const auto text = words_for_log(words);
        log_.info("command", "text", text, "asked_by", who);
        context_.events.add("command", text + "; asked by " + who, context_.machine.epoch(),
                            {{"asked_by", who}});
        auto outcome = co_await context_.hand->run(std::move(words), std::chrono::seconds(seconds));
        if (!outcome) {
            co_return to_response(outcome.error());
        }
        log_.info("command_ended", "exit_code", outcome->exit_code, "words", text);
        ControlResponse response;
        response.body = json::object{{"exit_code", outcome->exit_code},
                                     {"output", as_utf8(std::move(outcome->output))},
                                     {"truncated", outcome->truncated}};
        co_return response;
    }

    awaitable<ControlResponse> set_draining(bool draining) {
        auto done = co_await context_.machine.set_draining(draining);
        if (!done) {
            co_return to_response(done.error());
        }
        ControlResponse response;
        response.body = json::object{{"draining", draining}};
        co_return response;
    }

    void note(const char* kind, const std::string& text) {
        log_.info(kind, "text", text);
        context_.events.add(kind, text, context_.machine.epoch());
    }

    // JSON holds nothing else.
    static std::string as_utf8(std::string bytes);

    ControlContext& context_;
    Logger log_;
};

std::string NodeRoutes::as_utf8(std::string bytes) {
    if (is_valid_utf8(bytes)) {
        return bytes;
    }
    for (auto& octet : bytes) {
        octet = static_cast<unsigned char>(octet) < 0x80 ? octet : '?';
    }
    return bytes;
}

}  // namespace

void add_node_routes(ControlRoutes& routes) {
    // Owned by all its routes.
    const auto node = std::make_shared<NodeRoutes>(routes.context());
    const auto add = [&](ControlRoutes::Audience audience, const char* method, const char* path,
                         awaitable<ControlResponse> (NodeRoutes::*call)(ControlRequest)) {
        routes.add(audience, method, path, [node, call](ControlRequest request) {
            return ((*node).*call)(std::move(request));
        });
    };
    using Audience = ControlRoutes::Audience;
    add(Audience::kBoth, "POST", "/v1/drain", &NodeRoutes::drain);
    add(Audience::kBoth, "POST", "/v1/undrain", &NodeRoutes::undrain);
    add(Audience::kLocal, "POST", "/v1/commands", &NodeRoutes::run_here);
    add(Audience::kPeers, "POST", "/v1/commands", &NodeRoutes::run_for_peer);
    add(Audience::kPeers, "PUT", "/v1/corosync-conf", &NodeRoutes::replace_conf);
}

}  // namespace quorate::cluster
