#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "mail/auth/directory.hpp"

namespace quorate::mail {

// What an address that mail comes for means here, postmaster included: it is there without domain
// and in every domain of ours (RFC 5321 4.5.1), and is who the configuration names, else the
// postmaster of the first domain that has one.
auth::Resolution find_recipients(const auth::Directory& directory, const Config& config,
                                 std::string_view address);

// Domains whose postmaster is nobody all the same: mail for him would be refused.
std::vector<std::string> domains_without_postmaster(const auth::Directory& directory,
                                                    const Config& config);

}  // namespace quorate::mail
