#include "mail/auth/sasl.hpp"

#include <gsasl.h>

#include <cstdlib>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "base/text.hpp"

namespace quorate::mail::auth {
namespace {

constexpr std::size_t kResponseMax = 12288;  // RFC 4954 4

std::string property(Gsasl_session* session, Gsasl_property which) {
    const char* value = gsasl_property_fast(session, which);
    return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::vector<std::string> sasl_mechanisms(bool clear_text_allowed) {
    if (clear_text_allowed) {
        return {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    }
    return {"SCRAM-SHA-256"};
}

struct SaslExchange::Impl {
    explicit Impl(Credentials& credentials_in) : credentials(credentials_in) {}
    ~Impl() {
        if (session != nullptr) {
            gsasl_finish(session);
        }
    }

    static int callback(Gsasl*, Gsasl_session* session, Gsasl_property which) {
        return static_cast<Impl*>(gsasl_session_hook_get(session))->answer(which);
    }

    // One library context for the process; sessions of several threads may use it at once.
    static Gsasl* library() {
        static Gsasl* const context = [] {
            Gsasl* made = nullptr;
            const int result = gsasl_init(&made);
            QUORATE_ASSERT(result == GSASL_OK);
            gsasl_callback_set(made, callback);
            return made;
        }();
        return context;
    }

    int answer(Gsasl_property which) {
        name = property(session, GSASL_AUTHID);
        // Only these are asked of a server by the mechanisms offered.
        if (which == GSASL_VALIDATE_SIMPLE) {
            return validate_simple();
        }
        if (which == GSASL_SCRAM_ITER || which == GSASL_SCRAM_SALT ||
            which == GSASL_SCRAM_STOREDKEY || which == GSASL_SCRAM_SERVERKEY) {
            return give_scram();
        }
        return GSASL_NO_CALLBACK;
    }

    // Nobody acts for another (RFC 4422 2); the identity may be spelled differently.
    bool authorization_fits() const {
        const auto wanted = property(session, GSASL_AUTHZID);
        if (wanted.empty() || !account) {
            return wanted.empty();
        }
        const auto other = credentials.find(wanted);
        return other && other->id == account->id;
    }

    int validate_simple() {
        account = credentials.verify(name, property(session, GSASL_PASSWORD), now);
        return account && authorization_fits() ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
    }

    int give_scram() {
        const auto scram = credentials.scram(name);
        gsasl_property_set(session, GSASL_SCRAM_ITER, std::to_string(scram.iterations).c_str());
        gsasl_property_set(session, GSASL_SCRAM_SALT, base64_encode(scram.salt).c_str());
        gsasl_property_set(session, GSASL_SCRAM_STOREDKEY, base64_encode(scram.stored_key).c_str());
        gsasl_property_set(session, GSASL_SCRAM_SERVERKEY, base64_encode(scram.server_key).c_str());
        account = credentials.find(name);
        return GSASL_OK;
    }

    Credentials& credentials;
    Gsasl_session* session = nullptr;
    MonoTime now;
    std::string name;
    std::string mechanism;
    std::optional<AccountRecord> account;
};

SaslExchange::SaslExchange(Credentials& credentials, std::string_view mechanism)
    : impl_(std::make_unique<Impl>(credentials)) {
    impl_->mechanism = mechanism;
    bool offered = false;
    for (const auto& known : sasl_mechanisms(/*clear_text_allowed=*/true)) {
        offered = offered || known == mechanism;
    }
    if (offered && gsasl_server_start(Impl::library(), impl_->mechanism.c_str(), &impl_->session) ==
                       GSASL_OK) {
        gsasl_session_hook_set(impl_->session, impl_.get());
    }
}

SaslExchange::~SaslExchange() = default;

const std::string& SaslExchange::name() const { return impl_->name; }

SaslOutcome SaslExchange::start(MonoTime now, const std::optional<std::string>& initial) {
    // LOGIN asks for the name first, whatever came with the command.
    if (initial && impl_->mechanism == "LOGIN") {
        auto prompt = step(now, "");
        if (prompt.kind != SaslOutcome::Kind::kChallenge) {
            return prompt;
        }
    }
    return step(now, initial.value_or(""));
}

SaslOutcome SaslExchange::step(MonoTime now, std::string_view response) {
    SaslOutcome outcome;
    if (impl_->session == nullptr || response.size() > kResponseMax) {
        return outcome;
    }
    impl_->now = now;
    char* output = nullptr;
    std::size_t size = 0;
    const int result = gsasl_step(impl_->session, response.data(), response.size(), &output, &size);
    std::string text = output == nullptr ? std::string() : std::string(output, size);
    std::free(output);
    if (result == GSASL_NEEDS_MORE) {
        outcome.kind = SaslOutcome::Kind::kChallenge;
        outcome.text = std::move(text);
    } else if (result == GSASL_OK && impl_->account && impl_->authorization_fits()) {
        outcome.kind = SaslOutcome::Kind::kSuccess;
        outcome.text = impl_->account->address;
        outcome.extra = std::move(text);
        outcome.account = impl_->account->id;
    }
    return outcome;
}

}  // namespace quorate::mail::auth
