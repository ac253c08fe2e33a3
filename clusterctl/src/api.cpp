#include "api.hpp"

#include <unistd.h>

#include <cstdio>

#include <fmt/core.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/text.hpp"
#include "io/errc.hpp"

namespace quorate::ctl {

Api::Api(std::string daemon, std::string root, std::string socket)
    : daemon_(std::move(daemon)),
      root_(std::move(root)),
      socket_(socket.empty() ? fmt::format("{}/run/quorate/{}.sock", root_, daemon_)
                             : std::move(socket)),
      client_(socket_) {}

std::string Api::path(std::string_view prefix, std::string_view name, std::string_view suffix) {
    return std::string(prefix) + io::ControlClient::encode(name) + std::string(suffix);
}

void Api::give_up(const Error& error) const {
    if (error.code == std::errc::permission_denied) {
        throw Failure{kForbidden,
                      fmt::format("no permission for {}; be root or the daemon's user", socket_)};
    }
    if (error.code == io::Errc::kClosed) {
        throw Failure{
            kUnreachable,
            fmt::format("{0} does not answer on {1}\n  start it: {0} --root {2}\n  or name its "
                        "root: clusterctl --root DIR (QUORATE_ROOT)",
                        daemon_, socket_, root_.empty() ? "/" : root_)};
    }
    if (error.code == io::Errc::kTimedOut) {
        throw Failure{kUnreachable,
                      fmt::format("{}; is {} frozen, or its disk?", error.detail, daemon_)};
    }
    throw Failure{kUnreachable, error.to_string()};
}

json::object Api::checked(Result<io::ControlClient::Answer> answer) const {
    if (!answer) {
        give_up(answer.error());
    }
    if (!answer->body.is_object()) {
        throw Failure{kUnreachable, fmt::format("{} answered what is no JSON object: {}", socket_,
                                                printable(answer->text, 80))};
    }
    return checked_answer(answer->status, answer->body);
}

json::object Api::call(std::string_view method, const std::string& target, const json::value& body,
                       std::chrono::milliseconds limit) const {
    return checked(client_.request({method, target, body, limit}));
}

std::string Api::text(const std::string& target) const {
    auto answer = client_.request({"GET", target, nullptr, kPatience});
    if (!answer) {
        give_up(answer.error());
    }
    if (answer->status >= 400) {
        checked(std::move(answer));
    }
    return std::move(answer->text);
}

void Api::lines(const std::string& target,
                const std::function<void(std::string_view)>& line) const {
    auto answer = client_.lines(target, [&](std::string_view text) {
        line(text);
        return true;
    });
    if (!answer || answer->status >= 400) {
        checked(std::move(answer));
    }
}

json::object checked_answer(unsigned status, const json::value& body) {
    if (!body.is_object()) {
        throw Failure{kUnreachable, fmt::format("status {} without an answer", status)};
    }
    if (status >= 400) {
        const auto& error = object_of(body.get_object(), "error");
        const auto message = text_of(error, "message");
        const int code = status == 403 ? kForbidden : status == 502 ? kUnreachable : kRefused;
        throw Failure{code, message.empty() ? fmt::format("status {}", status) : message,
                      text_of(error, "code")};
    }
    return body.get_object();
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

const json::object& object_of(const json::object& object, std::string_view key) {
    static const json::object kEmpty;
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

const json::array& array_of(const json::object& object, std::string_view key) {
    static const json::array kEmpty;
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
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
