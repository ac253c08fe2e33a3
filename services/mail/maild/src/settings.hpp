#pragma once

#include <memory>

#include "config.hpp"
#include "mail/imap/executor.hpp"
#include "mail/imap/session.hpp"
#include "mail/pop3/session.hpp"
#include "mail/smtp/session.hpp"

namespace quorate::mail {

// What the sessions of one listener run with. Never changed: a reload makes new ones for the
// sessions to come.
struct Settings {
    // For peers on loopback clear-text passwords may be allowed without TLS.
    struct Machines {
        smtp::Options smtp;
        imap::Options imap;
        pop3::Options pop3;
    };

    ListenConfig listen;
    Machines remote;
    Machines loopback;
    imap::Executor::Options executor;

    const Machines& machines(bool from_loopback) const { return from_loopback ? loopback : remote; }
};

// Owned by the listener and by each of its sessions.
std::shared_ptr<const Settings> make_settings(const Config& config, const ListenConfig& listen);

}  // namespace quorate::mail
