#include <algorithm>
#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

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

constexpr std::size_t kBulkMax = 1000;

json::object to_json(const auth::AccountRecord& record) {
    return {{"address", record.address},
            {"id", record.id},
            {"enabled", record.enabled},
            {"quota_bytes", record.quota_bytes},
            {"quota_messages", record.quota_messages},
            {"created", record.created}};
}

std::string text_of(const json::object& body, std::string_view key) {
    const auto* value = body.if_contains(key);
    return value == nullptr ? std::string() : json::value_to<std::string>(*value);
}

template <class Value>
void read_optional(const json::object& body, std::string_view key, Value& wanted) {
    if (const auto* value = body.if_contains(key)) {
        wanted = json::value_to<Value>(*value);
    }
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
        json::array rows;
        for (const auto& record : server_.directory.accounts(page)) {
            rows.push_back(to_json(record));
        }
        ControlResponse response;
        const bool more = rows.size() == page.limit;
        response.body = json::object{{"more", more}, {"accounts", std::move(rows)}};
        co_return response;
    }

    awaitable<ControlResponse> add(ControlRequest request) {
        SecretMaker secrets(server_);
        auto added = co_await add_one(request.body, secrets);
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
        auto record = find_account(server_, request.parameter("address"));
        if (!record) {
            co_return to_response(record.error());
        }
        read_optional(request.body, "enabled", record->enabled);
        read_optional(request.body, "quota_bytes", record->quota_bytes);
        read_optional(request.body, "quota_messages", record->quota_messages);
        if (request.body.contains("password")) {
            SecretMaker secrets(server_);
            auto made = co_await secrets.make(text_of(request.body, "password"));
            if (!made) {
                co_return to_response(made.error());
            }
            record->secrets = std::move(*made);
        }
        auto updated = co_await update(*record);
        if (!updated) {
            co_return to_response(updated.error());
        }
        const store::AccountId id(record->id);
        const store::QuotaLimits limits{record->quota_bytes, record->quota_messages};
        co_await server_.desk.change_limits(id, limits);
        if (!record->enabled) {
            server_.sessions.kick_account(record->address);
        }
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
        const auto action = text_of(request.body, "action");
        const auto* items = request.body.if_contains("accounts");
        if ((action != "add" && action != "remove") || items == nullptr ||
            items->as_array().size() > kBulkMax) {
            co_return ControlResponse::error(400, "bad_request",
                                             "action is add or remove, accounts at most 1000");
        }
        SecretMaker secrets(server_);
        std::size_t done = 0;
        std::size_t skipped = 0;
        json::array errors;
        for (const auto& item : items->as_array()) {
            auto outcome = co_await bulk_one(action, item.as_object(), secrets);
            if (outcome) {
                ++done;
            } else if (outcome.error().code == auth::errc::exists ||
                       outcome.error().code == auth::errc::not_found) {
                ++skipped;
            } else {
                errors.push_back({{"address", text_of(item.as_object(), "address")},
                                  {"message", message_of(outcome.error())}});
            }
        }
        server_.log.info("accounts_changed", "action", action, "done", done, "skipped", skipped,
                         "failed", errors.size(), "by_uid", request.uid);
        ControlResponse response;
        response.body = json::object{{"done", done},
                                     {action == "add" ? "existing" : "absent", skipped},
                                     {"errors", std::move(errors)}};
        co_return response;
    }

private:
    awaitable<Status> bulk_one(const std::string& action, const json::object& item,
                               SecretMaker& secrets) {
        if (action == "remove") {
            auto removed = co_await remove_one(text_of(item, "address"));
            co_return removed;
        }
        auto added = co_await add_one(item, secrets);
        if (!added) {
            co_return tl::unexpected<Error>(std::move(added).error());
        }
        co_return Status();
    }

    awaitable<Result<auth::AccountRecord>> add_one(const json::object& body, SecretMaker& secrets) {
        auth::AccountRecord record;
        auto address = full_address(server_, text_of(body, "address"));
        if (!address) {
            co_return tl::unexpected<Error>(std::move(address).error());
        }
        record.address = std::move(*address);
        record.created = now_seconds();
        read_optional(body, "quota_bytes", record.quota_bytes);
        read_optional(body, "quota_messages", record.quota_messages);
        if (server_.directory.account(record.address)) {
            co_return fail(auth::errc::exists, record.address);
        }
        auto made = co_await secrets.make(text_of(body, "password"));
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
        server_.sessions.kick_account(record->address);
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
    // Owned by all its routes.
    const auto routes = std::make_shared<AccountRoutes>(server);
    const auto add = [&](const char* method, const char* path,
                         awaitable<ControlResponse> (AccountRoutes::*call)(ControlRequest)) {
        add_route(control, server, method, path, [routes, call](ControlRequest request) {
            return ((*routes).*call)(std::move(request));
        });
    };
    add("GET", "/v1/accounts", &AccountRoutes::list);
    add("POST", "/v1/accounts", &AccountRoutes::add);
    add("POST", "/v1/accounts:bulk", &AccountRoutes::bulk);
    add("GET", "/v1/accounts/{address}", &AccountRoutes::show);
    add("PATCH", "/v1/accounts/{address}", &AccountRoutes::change);
    add("DELETE", "/v1/accounts/{address}", &AccountRoutes::remove);
}

}  // namespace quorate::mail
