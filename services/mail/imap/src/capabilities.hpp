#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/imap/session.hpp"

namespace quorate::mail::imap {

// What a session may offer now.
struct Standing {
    bool tls = false;
    bool logged_in = false;
};

// The mechanisms of AUTHENTICATE, strongest first: before TLS none that sends the password, if the
// policy says so.
std::vector<std::string_view> offered_mechanisms(const Options& options, Standing standing);
// LOGIN is PLAIN under another name: it is there when PLAIN is (LOGINDISABLED, RFC 3501 6.2.3).
bool is_login_offered(const Options& options, Standing standing);
bool is_starttls_offered(const Options& options, Standing standing);

// "CAPABILITY IMAP4rev1 ...": what follows "* " or stands in a response code.
std::string capability_text(const Options& options, Standing standing);

}  // namespace quorate::mail::imap
