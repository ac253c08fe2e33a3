#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "execute_fixture.hpp"
#include "mail/imap/session.hpp"

namespace quorate::support {

// Session machines, executors and a real store together, as a shell wires them, for several
// connections of one account. Connections are named by the script and logged in when they first
// speak.
class ImapServer {
public:
    ImapServer();
    ~ImapServer();

    // Lines "NAME: octets of the client", CRLF added. Returns the whole dialogue: "NAME C: ..." and
    // "NAME S: ...", what other connections are sent in between included.
    std::string run(std::string_view body);

private:
    struct Connection;

    Connection& connection(const std::string& name);
    void wake_the_others();

    mail::imap::Mail mail_;
    mail::imap::Options options_;
    std::map<std::string, std::unique_ptr<Connection>> connections_;
    std::string dialogue_;
};

}  // namespace quorate::support
