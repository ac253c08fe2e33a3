#include <algorithm>
#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>

#include "account_request.hpp"
#include "control_routes.hpp"
#include "io/time.hpp"
#include "mail/auth/errc.hpp"
#include "mail/auth/password.hpp"

namespace quorate::mail {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

json::object to_json(const auth::AccountRecord& record) {
    return {{"address", record.address},
            {"id", record.id},
            {"enabled", record.enabled},
            {"quota_bytes", record.quota_bytes},
            {"quota_messages", record.quota_messages},
            {"created", record.created}};
}

std::int64_t now_seconds() {
    const auto now = io::wall_now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// Secrets for the passwords of one request. Equal passwords are hashed once: bulk creation with one
// password for all would take minutes otherwise.
class SecretMaker {
public:
    explicit SecretMaker(ServerContext& server) : server_(server) {}

    awaitable<Result<std::vector<std::string>>> make(std::string password) {
        if (!last_secrets_.empty() && password == last_password_) {
            co_return last_secrets_;
        }
        auto made =
            co_await server_.hashers.run([&password] { return auth::make_secrets(password); });
        if (made) {
            last_password_ = std::move(password);
            last_secrets_ = *made;
        }
        co_return made;
    }

private:
    ServerContext& server_;
    std::string last_password_;
    std::vector<std::string> last_secrets_;
};

class AccountRoutes {
public:
    explicit AccountRoutes(ServerContext& server) : server_(server) {}

    awaitable<ControlResponse> list(ControlRequest request) {
        const auto page = page_of(request);
        if (!page) {
            co_return to_response(page.error());
        }
        json::array rows;
        for (const auto& record : server_.directory.accounts(*page)) {
            rows.push_back(to_json(record));
        }
        ControlResponse response;
        const bool more = rows.size() == page->limit;
        response.body = json::object{{"more", more}, {"accounts", std::move(rows)}};
        co_return response;
    }

    awaitable<ControlResponse> add(ControlRequest request) {
        const auto wanted = read_new_account(request.body);
        if (!wanted) {
            co_return to_response(wanted.error());
        }
        SecretMaker secrets(server_);
        auto added = co_await add_one(*wanted, secrets);
        if (!added) {
            co_return to_response(added.error());
        }
        server_.log.info("account_added", "account", added->address, "by_uid", request.uid);
        ControlResponse response;
        response.status = 201;
        response.body = to_json(*added);
        co_return response;
    }

    awaitable<ControlResponse> show(ControlRequest request) {
        const auto record = find_account(server_, request.parameter("address"));
        if (!record) {
            co_return to_response(record.error());
        }
        ControlResponse response;
        response.body = to_json(*record);
        co_return response;
    }

    awaitable<ControlResponse> change(ControlRequest request) {
        const auto wanted = read_account_change(request.body);
        if (!wanted) {
            co_return to_response(wanted.error());
        }
        auto secrets = co_await hash_password(*wanted);
        if (!secrets) {
            co_return to_response(secrets.error());
        }
        // Read after the hashing, which takes long enough for another change.
        auto record = find_account(server_, request.parameter("address"));
        if (!record) {
            co_return to_response(record.error());
        }
        apply(*wanted, std::move(*secrets), *record);
        auto updated = co_await update(*record);
        if (!updated) {
            co_return to_response(updated.error());
        }
        co_await put_into_effect(*record);
        server_.log.info("account_changed", "account", record->address, "by_uid", request.uid);
        ControlResponse response;
        response.body = to_json(*record);
        co_return response;
    }

    awaitable<ControlResponse> remove(ControlRequest request) {
        auto removed = co_await remove_one(std::string(request.parameter("address")));
        if (!removed) {
            co_return to_response(removed.error());
        }
        co_return ControlResponse();
    }

    // Each account by itself: what is done stays done, and the answer says what was. An account
    // that exists already, or is not there, is counted apart, so that a request may be repeated.
    awaitable<ControlResponse> bulk(ControlRequest request) {
        const auto wanted = read_bulk(request.body);
        if (!wanted) {
            co_return to_response(wanted.error());
        }
        SecretMaker secrets(server_);
        std::size_t done = 0;
        std::size_t skipped = 0;
        json::array errors;
        for (const auto& item : wanted->accounts) {
            auto outcome = co_await bulk_one(wanted->add, item, secrets);
            if (outcome) {
                ++done;
            } else if (outcome.error().code == auth::errc::exists ||
                       outcome.error().code == auth::errc::not_found) {
                ++skipped;
            } else {
                errors.push_back(
                    {{"address", item.address}, {"message", message_of(outcome.error())}});
            }
        }
        server_.log.info("accounts_changed", "action", wanted->add ? "add" : "remove", "done", done,
                         "skipped", skipped, "failed", errors.size(), "by_uid", request.uid);
        ControlResponse response;
        response.body = json::object{{"done", done},
                                     {wanted->add ? "existing" : "absent", skipped},
                                     {"errors", std::move(errors)}};
        co_return response;
    }

private:
    // Empty when no password was given.
    awaitable<Result<std::vector<std::string>>> hash_password(const AccountRequest& wanted) {
        if (!wanted.password) {
            co_return std::vector<std::string>();
        }
        SecretMaker maker(server_);
        auto made = co_await maker.make(*wanted.password);
        co_return made;
    }

    static void apply(const AccountRequest& wanted, std::vector<std::string> secrets,
                      auth::AccountRecord& record) {
        record.enabled = wanted.enabled.value_or(record.enabled);
        record.quota_bytes = wanted.quota_bytes.value_or(record.quota_bytes);
        record.quota_messages = wanted.quota_messages.value_or(record.quota_messages);
        if (wanted.password) {
            record.secrets = std::move(secrets);
        }
    }

    // For sessions that are under way.
    awaitable<void> put_into_effect(const auth::AccountRecord& record) {
        const store::QuotaLimits limits{record.quota_bytes, record.quota_messages};
        co_await server_.desk.change_limits(store::AccountId(record.id), limits);
        if (!record.enabled) {
            server_.sessions.close_account(record.address);
        }
    }

    awaitable<Status> bulk_one(bool add, const AccountRequest& item, SecretMaker& secrets) {
        if (!add) {
            auto removed = co_await remove_one(item.address);
            co_return removed;
        }
        auto added = co_await add_one(item, secrets);
        if (!added) {
            co_return tl::unexpected<Error>(std::move(added).error());
        }
        co_return Status();
    }

    awaitable<Result<auth::AccountRecord>> add_one(const AccountRequest& wanted,
                                                   SecretMaker& secrets) {
        auth::AccountRecord record;
        auto address = full_address(server_, wanted.address);
        if (!address) {
            co_return tl::unexpected<Error>(std::move(address).error());
        }
        record.address = std::move(*address);
        record.created = now_seconds();
        record.quota_bytes = wanted.quota_bytes.value_or(0);
        record.quota_messages = wanted.quota_messages.value_or(0);
        if (server_.directory.account(record.address)) {
            co_return fail(auth::errc::exists, record.address);
        }
        auto made = co_await secrets.make(wanted.password.value_or(""));
        if (!made) {
            co_return tl::unexpected<Error>(std::move(made).error());
        }
        record.secrets = std::move(*made);
        // A change is flushed to the disk: not on this thread.
        auto added =
            co_await server_.workers.run([&] { return server_.directory.add_account(record); });
        co_return added;
    }

    awaitable<Status> update(const auth::AccountRecord& record) {
        auto updated =
            co_await server_.workers.run([&] { return server_.directory.update_account(record); });
        co_return updated;
    }

    // Disabled, then emptied, then forgotten: whatever interrupts it, the same request finishes it.
    awaitable<Status> remove_one(std::string address) {
        auto record = find_account(server_, address);
        if (!record) {
            co_return tl::unexpected<Error>(std::move(record).error());
        }
        record->enabled = false;
        auto disabled = co_await update(*record);
        if (!disabled) {
            co_return disabled;
        }
        server_.sessions.close_account(record->address);
        auto emptied = co_await server_.desk.remove(store::AccountId(record->id));
        if (!emptied && emptied.error().code != store::errc::no_such_account) {
            co_return emptied;
        }
        auto removed = co_await server_.workers.run(
            [&] { return server_.directory.remove_account(record->id); });
        if (removed) {
            server_.log.info("account_removed", "account", record->address);
        }
        co_return removed;
    }

    ServerContext& server_;
};

}  // namespace

void add_account_routes(io::ControlServer& control, ServerContext& server) {
    const RouteAdder add(control, server, std::make_shared<AccountRoutes>(server));
    add("GET", "/v1/accounts", &AccountRoutes::list);
    add("POST", "/v1/accounts", &AccountRoutes::add);
    add("POST", "/v1/accounts:bulk", &AccountRoutes::bulk);
    add("GET", "/v1/accounts/{address}", &AccountRoutes::show);
    add("PATCH", "/v1/accounts/{address}", &AccountRoutes::change);
    add("DELETE", "/v1/accounts/{address}", &AccountRoutes::remove);
}

}  // namespace quorate::mail
