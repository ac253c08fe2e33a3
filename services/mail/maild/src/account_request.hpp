#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace quorate::mail {

// What a request says of an account. Errors: std::errc::invalid_argument, see io::ControlFields.
struct AccountRequest {
    std::string address;  // of a new or a bulk account
    std::optional<std::string> password;
    std::optional<bool> enabled;
    std::optional<std::uint64_t> quota_bytes;
    std::optional<std::uint64_t> quota_messages;
};
Result<AccountRequest> read_new_account(const boost::json::object& body);
Result<AccountRequest> read_account_change(const boost::json::object& body);

struct BulkRequest {
    bool add = true;  // else remove
    std::vector<AccountRequest> accounts;
};
Result<BulkRequest> read_bulk(const boost::json::object& body);

}  // namespace quorate::mail
