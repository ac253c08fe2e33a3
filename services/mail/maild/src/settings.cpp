#include "settings.hpp"

#include "mail/auth/sasl.hpp"
#include "version.hpp"

namespace quorate::mail {
namespace {

constexpr const char* kImplementation = "Quorate";

SessionPolicy make_policy(const Config& config, const ListenConfig& listen, bool loopback) {
    SessionPolicy policy;
    policy.tls_available = listen.tls == TlsMode::kStarttls;
    policy.implicit_tls = listen.tls == TlsMode::kImplicit;
    policy.tls_required_for_auth = !(loopback && config.cleartext_on_loopback);
    return policy;
}

// What the three protocols call by the same names.
template <class Options>
void set_common(Options& options, const Config& config, const SessionPolicy& policy) {
    options.host_name = config.node_name;
    options.policy = policy;
    options.mechanisms_clear = auth::sasl_mechanisms(!policy.tls_required_for_auth);
    options.mechanisms_tls = auth::sasl_mechanisms(/*clear_text_allowed=*/true);
}

smtp::Role role_of(Protocol protocol) {
    if (protocol == Protocol::kSubmission) {
        return smtp::Role::kSubmission;
    }
    return protocol == Protocol::kLmtp ? smtp::Role::kLmtp : smtp::Role::kReceive;
}

Settings::Machines make_machines(const Config& config, const ListenConfig& listen, bool loopback) {
    const auto policy = make_policy(config, listen, loopback);
    Settings::Machines made;
    set_common(made.smtp, config, policy);
    made.smtp.role = role_of(listen.protocol);
    made.smtp.message_bytes = config.message_bytes;
    made.smtp.recipients = config.recipients;
    made.smtp.command = config.command;
    made.smtp.data = config.command * 2;  // RFC 5321 4.5.3.2.5 and .6
    made.smtp.greeting_to_auth = config.login;
    set_common(made.imap, config, policy);
    made.imap.implementation = kImplementation;
    made.imap.version = kVersion;
    made.imap.append_bytes = config.message_bytes;
    made.imap.idle = config.imap_idle;
    made.imap.before_login = config.login;
    made.imap.literal = config.command;
    set_common(made.pop3, config, policy);
    made.pop3.implementation = kImplementation;
    made.pop3.idle = config.pop3_idle;
    made.pop3.before_login = config.login;
    return made;
}

}  // namespace

std::shared_ptr<const Settings> make_settings(const Config& config, const ListenConfig& listen) {
    auto settings = std::make_shared<Settings>();
    settings->listen = listen;
    settings->remote = make_machines(config, listen, /*loopback=*/false);
    settings->loopback = make_machines(config, listen, /*loopback=*/true);
    settings->executor.append_bytes = config.message_bytes;
    return settings;
}

}  // namespace quorate::mail
