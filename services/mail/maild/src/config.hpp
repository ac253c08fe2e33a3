#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "network.hpp"
#include "session_table.hpp"

namespace quorate::mail {

enum class Protocol { kSmtp, kSubmission, kLmtp, kImap, kPop3 };
inline constexpr std::size_t kProtocols = 5;
enum class TlsMode { kNone, kStarttls, kImplicit };

const char* protocol_name(Protocol protocol);
const char* tls_mode_name(TlsMode mode);

struct ListenConfig {
    Protocol protocol = Protocol::kSmtp;
    std::string address;  // "127.0.0.1:2525", "[::1]:2525", "unix:run/quorate/lmtp.sock"
    TlsMode tls = TlsMode::kNone;
    // Peers from these speak the PROXY protocol, nobody else may; empty: nobody.
    std::vector<Network> proxy_from;

    bool operator==(const ListenConfig&) const = default;
};

// maild's part of quorate.toml; maild(8) describes every key. Paths are relative to the root
// directory.
struct Config {
    std::string node_name;
    LogLevel log_level = LogLevel::kInfo;
    std::string user;  // to become, when started as root

    std::string postmaster;  // where mail for postmaster goes; empty: to an account of that name
    std::string default_domain;   // appended to names without '@'
    bool detail_mailbox = false;  // user+NAME goes into the mailbox NAME if there is one
    std::vector<ListenConfig> listen;

    std::string certificate;
    std::string key;

    bool cleartext_on_loopback = false;
    std::chrono::milliseconds failure_delay{2000};

    std::uint64_t message_bytes = 50ULL << 20;
    std::size_t recipients = 1000;
    SessionTable::Limits connections;
    std::chrono::seconds command{300};
    std::chrono::seconds login{60};
    std::chrono::seconds imap_idle{1800};
    std::chrono::seconds pop3_idle{600};
    std::chrono::seconds drain{10};

    std::string store_path = "var/lib/quorate/mail";
    std::uint64_t segment_bytes = 64ULL << 20;
    std::size_t open_accounts = 1024;
    std::size_t workers = 0;  // 0: as many as the machine has processors, at least 2

    bool needs_tls() const;
};

// Errors name file and line; an unknown key is an error.
Result<Config> read_config(const std::string& path);

// Names of the keys in which the two differ and that only a new start applies.
std::vector<std::string> restart_needed(const Config& running, const Config& wanted);

}  // namespace quorate::mail
