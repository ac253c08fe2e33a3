#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "io/control_client.hpp"

namespace quorate::ctl {

namespace json = boost::json;

inline constexpr int kOk = 0;
inline constexpr int kRefused = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 69;
inline constexpr int kForbidden = 77;

// Ends the command: main() prints "clusterctl: what" and exits with the code.
struct Failure {
    int exit_code;
    std::string what;
};

// One daemon's control API as the commands use it: an answer is a JSON object, everything else a
// Failure that says what to do.
class Api {
public:
    Api(std::string root, std::string socket);

    json::object get(const std::string& target) const { return call("GET", target); }
    json::object call(std::string_view method, const std::string& target,
                      const json::value& body = nullptr) const;
    std::string text(const std::string& target) const;

    static std::string path(std::string_view prefix, std::string_view name,
                            std::string_view suffix = "");

private:
    io::ControlClient::Answer request(std::string_view method, const std::string& target,
                                      const json::value& body) const;

    std::string root_;
    std::string socket_;
    io::ControlClient client_;
};

// What every command gets.
struct Context {
    const Api& api;
    bool json = false;
    bool yes = false;
};

std::string text_of(const json::object& object, std::string_view key);
std::uint64_t number_of(const json::object& object, std::string_view key);
bool flag_of(const json::object& object, std::string_view key);
void print_json(const json::value& value);
// Asks on the terminal unless --yes was given; a Failure when there is no terminal to ask on or the
// answer is no.
void confirm(const Context& context, const std::string& question);

}  // namespace quorate::ctl
