#include "config.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "io/address.hpp"
#include "io/config.hpp"

namespace quorate::mail {

const char* protocol_name(Protocol protocol) {
    switch (protocol) {
        case Protocol::kSmtp:
            return "smtp";
        case Protocol::kSubmission:
            return "submission";
        case Protocol::kLmtp:
            return "lmtp";
        case Protocol::kImap:
            return "imap";
        case Protocol::kPop3:
            return "pop3";
    }
    return "?";
}

const char* tls_mode_name(TlsMode mode) {
    switch (mode) {
        case TlsMode::kNone:
            return "none";
        case TlsMode::kStarttls:
            return "starttls";
        case TlsMode::kImplicit:
            return "implicit";
    }
    return "?";
}

namespace {

constexpr std::int64_t kManyMax = 1'000'000;

template <class Number>
void read_number(io::ConfigTable& table, std::string_view key, Number& value,
                 io::ConfigTable::Bounds bounds) {
    value = static_cast<Number>(table.integer(key, static_cast<std::int64_t>(value), bounds));
}

void read_seconds(io::ConfigTable& table, std::string_view key, std::chrono::seconds& value) {
    value = std::chrono::seconds(table.integer(key, value.count(), {1, 86400}));
}

ListenConfig read_listen(io::ConfigTable table) {
    ListenConfig listen;
    listen.protocol = static_cast<Protocol>(
        table.choice("protocol", {"smtp", "submission", "lmtp", "imap", "pop3"}));
    listen.address = table.required_string("address");
    if (const auto address = io::Address::parse(listen.address);
        !listen.address.empty() && !address) {
        table.complain("address", address.error().detail);
    }
    listen.tls = static_cast<TlsMode>(table.choice("tls", {"none", "starttls", "implicit"}));
    for (const auto& text : table.strings("proxy_from")) {
        if (const auto network = Network::parse(text)) {
            listen.proxy_from.push_back(*network);
        } else {
            table.complain(
                "proxy_from",
                fmt::format("\"{}\" is not a network; write 10.0.0.0/8 or fd00::/8", text));
        }
    }
    return listen;
}

void read_limits(io::ConfigTable table, Config& config) {
    auto& connections = config.connections;
    read_number(table, "message_bytes", config.message_bytes, {1024, INT32_MAX});
    read_number(table, "recipients", config.recipients, {100, 100'000});
    read_number(table, "connections", connections.connections, {1, kManyMax});
    read_number(table, "connections_per_address", connections.connections_per_address,
                {1, kManyMax});
    read_number(table, "connections_per_user", connections.connections_per_user, {1, kManyMax});
    read_seconds(table, "command_seconds", config.command);
    read_seconds(table, "login_seconds", config.login);
    read_seconds(table, "imap_idle_seconds", config.imap_idle);
    read_seconds(table, "pop3_idle_seconds", config.pop3_idle);
    read_seconds(table, "drain_seconds", config.drain);
}

void read_store(io::ConfigTable table, Config& config) {
    config.store_path = table.string("path", config.store_path);
    read_number(table, "segment_bytes", config.segment_bytes, {1 << 20, 1LL << 32});
    read_number(table, "open_accounts", config.open_accounts, {16, kManyMax});
    read_number(table, "workers", config.workers, {0, 256});
}

void read_node(io::ConfigTable table, Config& config) {
    config.node_name = table.required_string("name");
    constexpr LogLevel kLevels[] = {LogLevel::kInfo, LogLevel::kDebug, LogLevel::kWarn,
                                    LogLevel::kError};
    config.log_level = kLevels[table.choice("log_level", {"info", "debug", "warn", "error"})];
    config.user = table.string("user", "");
}

void read_security(io::ConfigTable mail, Config& config) {
    auto tls = mail.table("tls");
    config.certificate = tls.string("certificate", "");
    config.key = tls.string("key", "");
    auto auth = mail.table("auth");
    config.cleartext_on_loopback = auth.boolean("cleartext_on_loopback", false);
    config.failure_delay =
        std::chrono::milliseconds(auth.integer("failure_delay_ms", 2000, {0, 60'000}));
}

void read_listeners(io::ConfigTable mail, Config& config) {
    for (auto& table : mail.tables("listen")) {
        config.listen.push_back(read_listen(table));
        if (config.listen.back().tls != TlsMode::kNone &&
            (config.certificate.empty() || config.key.empty())) {
            table.complain("tls", "needs mail.tls.certificate and mail.tls.key");
        }
    }
    if (config.listen.empty()) {
        mail.complain("listen", "nothing to listen on: add at least one [[mail.listen]]");
    }
}

}  // namespace

bool Config::needs_tls() const {
    return std::any_of(listen.begin(), listen.end(),
                       [](const auto& one) { return one.tls != TlsMode::kNone; });
}

Result<Config> read_config(const std::string& path) {
    QUORATE_TRY(const auto file, io::ConfigFile::load(path));
    Config config;
    auto root = file->root();
    root.leave("cluster");
    root.leave("quorum");
    read_node(root.table("node"), config);
    auto mail = root.table("mail");
    config.postmaster = mail.string("postmaster", "");
    config.default_domain = mail.string("default_domain", "");
    config.detail_mailbox = mail.boolean("detail_mailbox", false);
    read_security(mail, config);
    read_limits(mail.table("limits"), config);
    read_store(mail.table("store"), config);
    read_listeners(mail, config);
    QUORATE_CHECK(file->finish());
    return config;
}

std::vector<std::string> restart_needed(const Config& running, const Config& wanted) {
    std::vector<std::string> keys;
    const auto compare = [&keys](const char* key, const auto& before, const auto& after) {
        if (!(before == after)) {
            keys.emplace_back(key);
        }
    };
    compare("node.name", running.node_name, wanted.node_name);
    compare("node.user", running.user, wanted.user);
    compare("mail.listen", running.listen, wanted.listen);
    compare("mail.default_domain", running.default_domain, wanted.default_domain);
    compare("mail.auth.failure_delay_ms", running.failure_delay, wanted.failure_delay);
    compare("mail.store.path", running.store_path, wanted.store_path);
    compare("mail.store.segment_bytes", running.segment_bytes, wanted.segment_bytes);
    compare("mail.store.open_accounts", running.open_accounts, wanted.open_accounts);
    compare("mail.store.workers", running.workers, wanted.workers);
    return keys;
}

}  // namespace quorate::mail
