#include "io/control_router.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/json/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/system/system_error.hpp>

#include "base/text.hpp"

namespace quorate::io {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            result.push_back(
                static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            result.push_back(text[i]);
        }
    }
    return result;
}

// The parameters if the path has the pattern's shape.
bool match_route(std::string_view pattern, std::string_view raw_path,
                 std::unordered_map<std::string, std::string>& parameters) {
    auto wanted = split(pattern, '/');
    const auto given = split(raw_path, '/');
    const bool open_end = wanted.back() == "{...}" && given.size() >= wanted.size();
    if (open_end) {
        wanted.pop_back();
    } else if (wanted.size() != given.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{')) {
            parameters[std::string(wanted[i].substr(1, wanted[i].size() - 2))] =
                percent_decode(given[i]);
        } else if (wanted[i] != given[i]) {
            return false;
        }
    }
    return true;
}

void parse_query(std::string_view query, std::unordered_map<std::string, std::string>& parameters) {
    for (const auto pair : split(query, '&')) {
        const auto equals = pair.find('=');
        if (!pair.empty()) {
            const auto value =
                equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
            parameters.emplace(percent_decode(pair.substr(0, equals)), percent_decode(value));
        }
    }
}

}  // namespace

std::string_view ControlRequest::parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

ControlResponse ControlResponse::error(unsigned status, std::string_view code,
                                       std::string_view message) {
    ControlResponse response;
    response.status = status;
    response.body = json::object{{"error", json::object{{"code", code}, {"message", message}}}};
    return response;
}

void ControlRouter::route(std::string method, std::string pattern, ControlHandler handler) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

const ControlRouter::Route* ControlRouter::find(std::string_view method, std::string_view raw_path,
                                                ControlRequest& asked, bool& other_method) const {
    for (const auto& route : routes_) {
        std::unordered_map<std::string, std::string> parameters;
        if (!match_route(route.pattern, raw_path, parameters)) {
            continue;
        }
        if (route.method == method || route.method == "*") {
            asked.parameters = std::move(parameters);
            return &route;
        }
        other_method = true;
    }
    return nullptr;
}

std::optional<ControlResponse> ControlRouter::read(const RawRequest& raw, ControlRequest& asked,
                                                   const ControlHandler*& handler) const {
    asked.method = raw.method;
    asked.target = raw.target;
    asked.uid = raw.uid;
    asked.process = raw.process;
    const auto question = raw.target.find('?');
    const auto raw_path = std::string_view(raw.target).substr(0, question);
    bool other_method = false;
    const auto* found = find(raw.method, raw_path, asked, other_method);
    if (found == nullptr) {
        return other_method
                   ? ControlResponse::error(405, "method_not_allowed", "not with this method")
                   : ControlResponse::error(404, "no_such_path",
                                            "nothing is at " + printable(raw.target));
    }
    if (question != std::string::npos) {
        parse_query(std::string_view(raw.target).substr(question + 1), asked.parameters);
    }
    asked.path = percent_decode(raw_path);
    if (!raw.body.empty()) {
        boost::system::error_code error;
        auto value = json::parse(raw.body, error);
        if (error || !value.is_object()) {
            return ControlResponse::error(400, "bad_json", "the body is not a JSON object");
        }
        asked.body = std::move(value.as_object());
    }
    handler = &found->handler;
    return std::nullopt;
}

asio::awaitable<ControlResponse> ControlRouter::dispatch(RawRequest raw) const {
    ControlRequest asked;
    const ControlHandler* handler = nullptr;
    auto refusal = read(raw, asked, handler);
    if (refusal) {
        co_return std::move(*refusal);
    }
    // A handler that throws must not take the connection with it. What an exception says is for
    // programmers.
    bool bad_value = false;
    try {
        auto answer = co_await (*handler)(std::move(asked));
        co_return answer;
    } catch (const boost::system::system_error& error) {
        bad_value = error.code().category() == json::make_error_code(json::error{}).category();
    } catch (const std::out_of_range&) {  // at() of a JSON object
        bad_value = true;
    } catch (const std::exception&) {
        bad_value = false;
    }
    co_return bad_value
        ? ControlResponse::error(400, "bad_request", "a field is missing or has the wrong type")
        : ControlResponse::error(500, "failed", "the daemon failed at this request");
}

}  // namespace quorate::io
