#include "api.hpp"

#include <unistd.h>

#include <cstdio>

#include <fmt/core.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/text.hpp"
#include "io/errc.hpp"

namespace quorate::ctl {

Api::Api(std::string root, std::string socket)
    : root_(std::move(root)),
      socket_(socket.empty() ? root_ + "/run/quorate/maild.sock" : std::move(socket)),
      client_(socket_) {}

std::string Api::path(std::string_view prefix, std::string_view name, std::string_view suffix) {
    return std::string(prefix) + io::ControlClient::encode(name) + std::string(suffix);
}

io::ControlClient::Answer Api::request(std::string_view method, const std::string& target,
                                       const json::value& body) const {
    auto answer = client_.request(method, target, body);
    if (!answer) {
        if (answer.error().code == std::errc::permission_denied) {
            throw Failure{
                kForbidden,
                fmt::format("no permission for {}; be root or the daemon's user", socket_)};
        }
        if (answer.error().code == io::Errc::kClosed) {
            throw Failure{
                kUnreachable,
                fmt::format(
                    "maild does not answer on {}\n  start it: maild --root {}\n  or name its root: "
                    "clusterctl --root DIR (QUORATE_ROOT)",
                    socket_, root_)};
        }
        throw Failure{kUnreachable, answer.error().to_string()};
    }
    return std::move(*answer);
}

json::object Api::call(std::string_view method, const std::string& target,
                       const json::value& body) const {
    auto answer = request(method, target, body);
    if (!answer.body.is_object()) {
        throw Failure{kUnreachable, fmt::format("{} answered what is no JSON object: {}", socket_,
                                                printable(answer.text, 80))};
    }
    auto& object = answer.body.as_object();
    if (answer.status >= 400) {
        const auto* error = object.if_contains("error");
        const auto message = error != nullptr && error->is_object()
                                 ? text_of(error->as_object(), "message")
                                 : fmt::format("status {}", answer.status);
        throw Failure{answer.status == 403 ? kForbidden : kRefused, message};
    }
    return std::move(object);
}

std::string Api::text(const std::string& target) const {
    return request("GET", target, nullptr).text;
}

std::string text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value)
                                                  : std::string();
}

std::uint64_t number_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

bool flag_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

void print_json(const json::value& value) { std::printf("%s\n", json::serialize(value).c_str()); }

void confirm(const Context& context, const std::string& question) {
    if (context.yes) {
        return;
    }
    if (::isatty(STDIN_FILENO) == 0) {
        throw Failure{kUsage, question + ": add --yes to do it without being asked"};
    }
    std::fprintf(stderr, "%s? Type yes: ", question.c_str());
    char line[16] = {};
    if (std::fgets(line, sizeof(line), stdin) == nullptr || trim(line) != "yes") {
        throw Failure{kRefused, "nothing was done"};
    }
}

}  // namespace quorate::ctl
