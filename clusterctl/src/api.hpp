#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include <boost/json/array.hpp>
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

// Ends the command: main() prints "clusterctl: what", or with --json an error object, and exits
// with the code.
struct Failure {
    int exit_code;
    std::string what;
    std::string code = "";  // the daemon's word for it, for programs
};

// The error of a Result as a Failure; else its value.
template <class T>
T value_or_fail(Result<T> result) {
    if (!result) {
        const bool forbidden = result.error().code == std::errc::permission_denied;
        throw Failure{forbidden ? kForbidden : kRefused, result.error().to_string()};
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

// One daemon's control API as the commands use it: an answer is a JSON object, everything else a
// Failure that says what to do. Copies may be used from several threads at once.
class Api {
public:
    // `daemon`: "maild" or "clusterd", whose socket is ROOT/run/quorate/DAEMON.sock unless
    // `socket` names another.
    Api(std::string daemon, std::string root, std::string socket);

    // Answers within kPatience or fails.
    json::object get(const std::string& target) const {
        return call("GET", target, nullptr, kPatience);
    }
    // `limit` 0: however long it takes.
    json::object call(std::string_view method, const std::string& target,
                      const json::value& body = nullptr,
                      std::chrono::milliseconds limit = {}) const;
    std::string text(const std::string& target) const;
    // A stream of events: calls `line` for each until the daemon ends it.
    void lines(const std::string& target, const std::function<void(std::string_view)>& line) const;

    const std::string& daemon() const { return daemon_; }

    static std::string path(std::string_view prefix, std::string_view name,
                            std::string_view suffix = "");

private:
    // Above the 5 s in which clusterd gives up on another node.
    static constexpr std::chrono::seconds kPatience{20};

    json::object checked(Result<io::ControlClient::Answer> answer) const;
    [[noreturn]] void give_up(const Error& error) const;

    std::string daemon_;
    std::string root_;
    std::string socket_;
    io::ControlClient client_;
};

// What every command gets.
struct Context {
    const Api& api;      // maild's
    const Api& cluster;  // clusterd's
    const Api& quorum;   // quorumd's
    const Api& shadow;   // shadowd's
    std::string root;    // without a slash at its end; "" is the machine's own
    bool json = false;
    bool yes = false;
    bool one_socket = false;  // --socket was given: it is both
};

// The object of an answer; a Failure with its message when it is an error.
json::object checked_answer(unsigned status, const json::value& body);

std::string text_of(const json::object& object, std::string_view key);
std::uint64_t number_of(const json::object& object, std::string_view key);
bool flag_of(const json::object& object, std::string_view key);
// Empty when absent or of another type.
const json::object& object_of(const json::object& object, std::string_view key);
const json::array& array_of(const json::object& object, std::string_view key);
void print_json(const json::value& value);
// Asks on the terminal unless --yes was given; a Failure when there is no terminal to ask on or the
// answer is no.
void confirm(const Context& context, const std::string& question);

}  // namespace quorate::ctl
