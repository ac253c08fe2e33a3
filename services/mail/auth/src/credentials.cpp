#include "mail/auth/credentials.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "mail/auth/address.hpp"

namespace quorate::mail::auth {
namespace {

constexpr std::size_t kRememberedMax = 4096;

std::string random_octets(std::size_t size) {
    std::string octets(size, '\0');
    const int made =
        RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(size));
    QUORATE_ASSERT(made == 1);
    return octets;
}

}  // namespace

struct Credentials::Impl {
    Impl(const Directory& directory_in, Options options_in)
        : directory(directory_in), options(std::move(options_in)), key(random_octets(32)) {
        const auto secrets = make_secrets("decoy", options.cost);
        QUORATE_ASSERT(secrets.has_value());
        decoy = secrets->front();
    }

    std::string address(std::string_view name) const {
        return full_address(name, options.default_domain).value_or(std::string(name));
    }

    std::string keyed(std::string_view text) const {
        std::string out(EVP_MAX_MD_SIZE, '\0');
        unsigned size = 0;
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
             reinterpret_cast<unsigned char*>(out.data()), &size);
        out.resize(size);
        return out;
    }

    // The secrets are part of it: a changed password is forgotten at once.
    std::string ticket(const AccountRecord& account, std::string_view password) const {
        std::string text = std::to_string(account.id) + '\n';
        for (const auto& secret : account.secrets) {
            text += secret + '\n';
        }
        text += password;
        return keyed(text);
    }

    bool remembered(const std::string& ticket_text, MonoTime now) {
        const std::lock_guard lock(mutex);
        const auto found = tickets.find(ticket_text);
        return found != tickets.end() && found->second > now;
    }

    void remember(std::string ticket_text, MonoTime now) {
        const std::lock_guard lock(mutex);
        if (tickets.size() >= kRememberedMax) {
            std::erase_if(tickets, [now](const auto& item) { return item.second <= now; });
        }
        if (tickets.size() < kRememberedMax) {
            tickets[std::move(ticket_text)] = now + options.remember;
        }
    }

    const Directory& directory;
    Options options;
    std::string key;
    std::string decoy;
    std::mutex mutex;
    std::unordered_map<std::string, MonoTime> tickets;  // until when
};

Credentials::Credentials(const Directory& directory, Options options)
    : impl_(std::make_unique<Impl>(directory, std::move(options))) {}
Credentials::~Credentials() = default;

std::optional<AccountRecord> Credentials::find(std::string_view name) const {
    auto account = impl_->directory.account(impl_->address(name));
    return account && account->enabled ? account : std::nullopt;
}

std::optional<AccountRecord> Credentials::verify(std::string_view name, std::string_view password,
                                                 MonoTime now) {
    auto account = find(name);
    if (!account || account->secrets.empty()) {
        static_cast<void>(verify_secret(impl_->decoy, password));
        return std::nullopt;
    }
    auto ticket = impl_->ticket(*account, password);
    if (impl_->remembered(ticket, now)) {
        return account;
    }
    if (!verify_secret(account->secrets.front(), password)) {
        // Imported digests are quick to compare, which would tell that the name exists.
        if (!is_slow_secret(account->secrets.front())) {
            static_cast<void>(verify_secret(impl_->decoy, password));
        }
        return std::nullopt;
    }
    impl_->remember(std::move(ticket), now);
    return account;
}

ScramSecret Credentials::scram(std::string_view name) const {
    if (const auto account = find(name)) {
        for (const auto& secret : account->secrets) {
            if (auto scram = parse_scram_secret(secret)) {
                return *scram;
            }
        }
    }
    // All spellings of an account's name have one salt: so must those of no account.
    const auto address = impl_->address(name);
    const auto parts = split_address(address);
    const auto key = parts ? parts->key() : to_lower(address);
    ScramSecret decoy;
    decoy.iterations = impl_->options.cost.scram_iterations;
    decoy.salt = impl_->keyed("salt" + key).substr(0, 16);
    decoy.stored_key = impl_->keyed("stored" + key);
    decoy.server_key = impl_->keyed("server" + key);
    return decoy;
}

}  // namespace quorate::mail::auth
