#include "recipients.hpp"

#include <variant>

#include "base/text.hpp"
#include "mail/auth/address.hpp"

namespace quorate::mail {
namespace {

constexpr std::string_view kPostmaster = "postmaster";

bool is_somebody(const auth::Resolution& resolution) {
    return std::holds_alternative<auth::LocalRecipients>(resolution);
}

bool is_unknown(const auth::Resolution& resolution) {
    const auto* none = std::get_if<auth::NoRecipient>(&resolution);
    return none != nullptr && *none == auth::NoRecipient::kUnknownUser;
}

auth::Resolution postmaster_of(const auth::Directory& directory, const std::string& domain) {
    return directory.resolve(std::string(kPostmaster) + "@" + domain);
}

// Of all domains that have none of their own.
auth::Resolution find_postmaster(const auth::Directory& directory, const Config& config) {
    if (!config.postmaster.empty()) {
        const auto address = auth::full_address(config.postmaster, config.default_domain);
        return directory.resolve(address.value_or(config.postmaster));
    }
    for (const auto& domain : directory.domains()) {
        auto found = postmaster_of(directory, domain.name);
        if (is_somebody(found)) {
            return found;
        }
    }
    return auth::NoRecipient::kUnknownUser;
}

}  // namespace

auth::Resolution find_recipients(const auth::Directory& directory, const Config& config,
                                 std::string_view address) {
    if (iequals(address, kPostmaster)) {
        return find_postmaster(directory, config);
    }
    auto found = directory.resolve(address);
    if (!is_unknown(found)) {
        return found;
    }
    const auto parts = auth::split_address(address);
    const bool postmaster = parts && iequals(parts->local, kPostmaster);
    return postmaster ? find_postmaster(directory, config) : found;
}

std::vector<std::string> domains_without_postmaster(const auth::Directory& directory,
                                                    const Config& config) {
    const bool common = is_somebody(find_postmaster(directory, config));
    std::vector<std::string> without;
    for (const auto& domain : directory.domains()) {
        const auto own = postmaster_of(directory, domain.name);
        if (!is_somebody(own) && !(common && is_unknown(own))) {
            without.push_back(domain.name);
        }
    }
    return without;
}

}  // namespace quorate::mail
