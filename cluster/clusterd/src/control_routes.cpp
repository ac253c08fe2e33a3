#include "control_routes.hpp"

#include <memory>
#include <utility>

#include <fmt/core.h>
#include <boost/json/value_to.hpp>

#include "base/text.hpp"
#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

// A thousand events are kept.
constexpr std::size_t kWordsShown = 1000;

class UnderWay {
public:
    explicit UnderWay(std::size_t& count) : count_(count) { ++count_; }
    ~UnderWay() { --count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

private:
    std::size_t& count_;
};

awaitable<ControlResponse> handle(ControlContext& context, const io::ControlHandler& handler,
                                  ControlRequest request) {
    const UnderWay under_way(context.requests);
    auto response = co_await handler(std::move(request));
    co_return response;
}

}  // namespace

void ControlRoutes::add(Audience audience, std::string method, std::string pattern,
                        io::ControlHandler handler) {
    // Owned by both routers.
    const auto shared = std::make_shared<io::ControlHandler>(std::move(handler));
    const io::ControlHandler counted = [&context = context_, shared](ControlRequest request) {
        return handle(context, *shared, std::move(request));
    };
    if (audience != Audience::kPeers) {
        local_.route(method, pattern, counted);
    }
    if (audience != Audience::kLocal) {
        peers_.route(std::move(method), std::move(pattern), counted);
    }
}

ControlResponse to_response(const Error& error) {
    if (error.code == errc::refused) {
        return ControlResponse::error(409, "refused", error.detail);
    }
    if (error.code == std::errc::host_unreachable) {
        return ControlResponse::error(502, "unreachable", error.detail);
    }
    if (error.code == std::errc::resource_unavailable_try_again) {
        return ControlResponse::error(503, "busy", error.detail);
    }
    return ControlResponse::error(500, "failed", error.to_string());
}

bool is_root_caller(const ControlRequest& request) { return request.uid == 0; }

ControlResponse root_only() {
    return ControlResponse::error(403, "forbidden", "only root may ask for this");
}

std::string text_field(const boost::json::object& body, const char* key) {
    return boost::json::value_to<std::string>(body.at(key));
}

std::string asker_text(const Asker& asker) {
    return fmt::format("uid {} of {}", asker.uid, printable(asker.node));
}

std::string words_for_log(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += text.empty() ? "" : " ";
        text += word;
    }
    return printable(text, kWordsShown);
}

std::int64_t command_seconds(const boost::json::object& body) {
    constexpr std::int64_t kUnlessSaid = 60;
    const auto* wanted = body.if_contains("timeout_seconds");
    return wanted == nullptr ? kUnlessSaid : boost::json::value_to<std::int64_t>(*wanted);
}

}  // namespace quorate::cluster
