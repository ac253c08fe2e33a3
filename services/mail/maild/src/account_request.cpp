#include "account_request.hpp"

#include <fmt/core.h>

#include "io/control_fields.hpp"

namespace quorate::mail {
namespace {

constexpr std::size_t kBulkMax = 1000;

AccountRequest read_account(io::ControlFields& fields) {
    AccountRequest account;
    account.address = fields.text("address");
    account.quota_bytes = fields.optional_number("quota_bytes");
    account.quota_messages = fields.optional_number("quota_messages");
    return account;
}

Result<AccountRequest> read_item(const boost::json::object& item, std::size_t index, bool add) {
    io::ControlFields fields(item, fmt::format("accounts[{}].", index));
    auto account = read_account(fields);
    account.password = add ? fields.text("password") : fields.optional_text("password");
    QUORATE_CHECK(fields.finish());
    return account;
}

}  // namespace

Result<AccountRequest> read_new_account(const boost::json::object& body) {
    io::ControlFields fields(body);
    auto account = read_account(fields);
    account.password = fields.text("password");
    QUORATE_CHECK(fields.finish());
    return account;
}

Result<AccountRequest> read_account_change(const boost::json::object& body) {
    io::ControlFields fields(body);
    AccountRequest change;
    change.password = fields.optional_text("password");
    change.enabled = fields.optional_flag("enabled");
    change.quota_bytes = fields.optional_number("quota_bytes");
    change.quota_messages = fields.optional_number("quota_messages");
    QUORATE_CHECK(fields.finish());
    return change;
}

Result<BulkRequest> read_bulk(const boost::json::object& body) {
    io::ControlFields fields(body);
    BulkRequest bulk;
    const auto action = fields.text("action");
    if (action != "add" && action != "remove") {
        fields.complain("action", "wants add or remove");
    }
    bulk.add = action == "add";
    const auto items = fields.objects("accounts");
    if (items.size() > kBulkMax) {
        fields.complain("accounts", "at most 1000 in one request");
    }
    QUORATE_CHECK(fields.finish());
    for (std::size_t i = 0; i < items.size(); ++i) {
        QUORATE_TRY(auto account, read_item(*items[i], i, bulk.add));
        bulk.accounts.push_back(std::move(account));
    }
    return bulk;
}

}  // namespace quorate::mail
