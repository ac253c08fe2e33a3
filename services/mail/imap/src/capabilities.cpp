#include "capabilities.hpp"

#include <algorithm>

#include "render.hpp"

namespace quorate::mail::imap {
namespace {

bool sends_password(std::string_view mechanism) {
    return mechanism == "PLAIN" || mechanism == "LOGIN";
}

void append_before_login(std::string& out, const Options& options, Standing standing) {
    out += " SASL-IR";
    if (is_starttls_offered(options, standing)) {
        out += " STARTTLS";
    }
    if (!is_login_offered(options, standing)) {
        out += " LOGINDISABLED";
    }
    for (const auto mechanism : offered_mechanisms(options, standing)) {
        out += " AUTH=";
        out += mechanism;
    }
}

}  // namespace

std::vector<std::string_view> offered_mechanisms(const Options& options, Standing standing) {
    const auto& configured = standing.tls ? options.mechanisms_tls : options.mechanisms_clear;
    std::vector<std::string_view> offered(configured.begin(), configured.end());
    if (!standing.tls && options.policy.tls_required_for_auth) {
        std::erase_if(offered, sends_password);
    }
    return offered;
}

bool is_login_offered(const Options& options, Standing standing) {
    const auto offered = offered_mechanisms(options, standing);
    return std::find(offered.begin(), offered.end(), "PLAIN") != offered.end();
}

bool is_starttls_offered(const Options& options, Standing standing) {
    return options.policy.tls_available && !standing.tls && !standing.logged_in;
}

std::string capability_text(const Options& options, Standing standing) {
    std::string out = "CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE";
    if (!standing.logged_in) {
        append_before_login(out, options, standing);
        return out;
    }
    out +=
        " IDLE NAMESPACE CHILDREN SPECIAL-USE CREATE-SPECIAL-USE UNSELECT UIDPLUS MOVE STATUS=SIZE"
        " APPENDLIMIT=";
    append_number(out, options.append_bytes);
    return out;
}

}  // namespace quorate::mail::imap
