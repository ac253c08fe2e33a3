#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace quorate::mail {

// Who is connected, and the limits on how many may be: in all, per peer address, per account.
// Thread rule: io thread.
class SessionTable {
public:
    struct Limits {
        std::size_t connections = 10000;
        std::size_t connections_per_address = 200;
        std::size_t connections_per_user = 50;
    };

    // How a session is ended: as its protocol does (421, BYE) when it is next at rest, with the
    // reason, or by closing its connection.
    enum class End { kServerStops, kByOperator, kAccountClosed, kAtOnce };

    struct Row {
        std::uint64_t id = 0;
        std::string_view protocol;  // a literal: "smtp", "submission", "lmtp", "imap", "pop3"
        std::string address;
        std::uint16_t port = 0;
        std::string account;  // empty before authentication
        WallTime since;
        bool tls = false;
        std::function<void(End)> end;
    };

    // One session's place in the table; leaving scope frees it.
    class Entry {
    public:
        Entry(SessionTable& table, std::list<Row>::iterator row) : table_(&table), row_(row) {}
        Entry(Entry&& other) noexcept
            : table_(std::exchange(other.table_, nullptr)), row_(other.row_) {}
        Entry& operator=(Entry&&) = delete;
        ~Entry();

        Row& row() { return *row_; }
        // What a proxy says of the peer takes the place of the proxy's address.
        void set_address(std::string address, std::uint16_t port);
        // Takes the place of the account before. False when the account has too many sessions
        // already; then nothing changed.
        bool set_account(const std::string& account);
        void clear_account();

    private:
        SessionTable* table_;
        std::list<Row>::iterator row_;
    };

    explicit SessionTable(Limits limits) : limits_(limits) {}

    void set_limits(Limits limits) { limits_ = limits; }
    // Why a connection from `address`, which is in the table already, must be refused; empty when
    // it may stay. Unix sockets ("unix") are not counted per address.
    std::string_view refusal(const std::string& address) const;
    Entry add(Row row);

    const std::list<Row>& rows() const { return rows_; }
    // False: no such session.
    bool kick(std::uint64_t id);
    void close_account(std::string_view account);
    void end_all(End how);
    std::size_t size() const { return rows_.size(); }

private:
    using Counts = std::unordered_map<std::string, std::size_t, StringHash, std::equal_to<>>;

    void end_where(const std::function<bool(const Row&)>& chosen, End how);
    static void decrement(Counts& counts, const std::string& key);

    Limits limits_;
    std::list<Row> rows_;
    std::uint64_t next_id_ = 1;
    Counts by_address_;
    Counts by_account_;
};

}  // namespace quorate::mail
