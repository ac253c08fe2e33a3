#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "control_routes.hpp"
#include "io/control_fields.hpp"

namespace quorate::mail {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

json::object to_json(const auth::AliasRecord& alias) {
    return {{"address", alias.address}, {"targets", json::value_from(alias.targets)}};
}

class AddressRoutes {
public:
    explicit AddressRoutes(ServerContext& server) : server_(server), directory_(server.directory) {}

    awaitable<ControlResponse> domains(ControlRequest) {
        json::array rows;
        for (const auto& domain : directory_.domains()) {
            rows.push_back({{"name", domain.name}, {"enabled", domain.enabled}});
        }
        ControlResponse response;
        response.body = json::object{{"domains", std::move(rows)}};
        co_return response;
    }
    awaitable<ControlResponse> add_domain(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto name = fields.text("name");
        const auto read = fields.finish();
        if (!read) {
            co_return to_response(read.error());
        }
        auto response =
            co_await change("domain_added", name, [&] { return directory_.add_domain(name); });
        co_return response;
    }
    awaitable<ControlResponse> remove_domain(ControlRequest request) {
        const std::string name(request.parameter("name"));
        auto response =
            co_await change("domain_removed", name, [&] { return directory_.remove_domain(name); });
        co_return response;
    }
    awaitable<ControlResponse> aliases(ControlRequest request) {
        const auto page = page_of(request);
        if (!page) {
            co_return to_response(page.error());
        }
        json::array rows;
        for (const auto& alias : directory_.aliases(*page)) {
            rows.push_back(to_json(alias));
        }
        ControlResponse response;
        const bool more = rows.size() == page->limit;
        response.body = json::object{{"more", more}, {"aliases", std::move(rows)}};
        co_return response;
    }
    awaitable<ControlResponse> set_alias(ControlRequest request) {
        io::ControlFields fields(request.body);
        const auto targets = fields.texts("targets");
        const auto read = fields.finish();
        if (!read) {
            co_return to_response(read.error());
        }
        const auto alias = complete(request.parameter("address"), targets);
        if (!alias) {
            co_return to_response(alias.error());
        }
        std::vector<std::string> unresolved;
        auto response = co_await change("alias_set", alias->address, [&]() -> Status {
            QUORATE_TRY(unresolved, directory_.set_alias(*alias));
            return {};
        });
        if (response.status < 300) {
            response.body = json::object{{"unresolved", json::value_from(unresolved)}};
        }
        co_return response;
    }
    awaitable<ControlResponse> remove_alias(ControlRequest request) {
        const auto address = full_address(server_, request.parameter("address"));
        if (!address) {
            co_return to_response(address.error());
        }
        auto response = co_await change("alias_removed", *address,
                                        [&] { return directory_.remove_alias(*address); });
        co_return response;
    }

private:
    Result<auth::AliasRecord> complete(std::string_view name,
                                       const std::vector<std::string>& targets) const {
        auth::AliasRecord alias;
        QUORATE_TRY(alias.address, full_address(server_, name));
        for (const auto& target : targets) {
            QUORATE_TRY(alias.targets.emplace_back(), full_address(server_, target));
        }
        return alias;
    }

    // A change is flushed to the disk: not on this thread.
    template <class Change>
    awaitable<ControlResponse> change(const char* event, const std::string& name, Change make) {
        auto made = co_await server_.workers.run([&make]() -> Status { return make(); });
        if (!made) {
            co_return to_response(made.error());
        }
        server_.log.info(event, "name", name);
        co_return ControlResponse();
    }

    ServerContext& server_;
    auth::Directory& directory_;
};

}  // namespace

void add_address_routes(io::ControlServer& control, ServerContext& server) {
    const RouteAdder add(control, server, std::make_shared<AddressRoutes>(server));
    add("GET", "/v1/domains", &AddressRoutes::domains);
    add("POST", "/v1/domains", &AddressRoutes::add_domain);
    add("DELETE", "/v1/domains/{name}", &AddressRoutes::remove_domain);
    add("GET", "/v1/aliases", &AddressRoutes::aliases);
    add("PUT", "/v1/aliases/{address}", &AddressRoutes::set_alias);
    add("DELETE", "/v1/aliases/{address}", &AddressRoutes::remove_alias);
}

}  // namespace quorate::mail
