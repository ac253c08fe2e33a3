#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "lock_clients.hpp"
#include "lock_shell.hpp"

namespace quorate::cluster {

// What the control API tells of locks: docs/protocols/control.md. A large lock table is read in
// portions, with everything else in between. Thread rule: io thread.
class LockReport {
public:
    LockReport(const LockShell& shell, const LockClients& clients)
        : shell_(shell), clients_(clients) {}

    struct Filter {
        std::string name;       // of the root, as printed: domain:name; empty: any
        std::uint32_t pid = 0;  // only resources with a lock of that process
        bool waiting = false;   // only resources where somebody waits
        std::size_t limit = 1000;
    };
    boost::asio::awaitable<boost::json::object> resources(Filter filter) const;
    boost::asio::awaitable<boost::json::object> domains() const;
    boost::json::object clients() const;

private:
    const LockShell& shell_;
    const LockClients& clients_;
};

// Any octets as text of one line: what is not printable ASCII, and the backslash, as \xNN.
std::string printable(std::string_view octets);

}  // namespace quorate::cluster
