#include <cstdio>
#include <memory>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "commands.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

struct AddressOptions {
    std::string name;
    std::vector<std::string> targets;
};

int done(const Context& context, const json::object& answer, const std::string& text) {
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s\n", text.c_str());
    }
    return kOk;
}

int add_domain(const Context& context, const AddressOptions& options) {
    const auto answer =
        context.api.call("POST", "/v1/domains", json::object{{"name", options.name}});
    return done(context, answer, "domain " + options.name + " created");
}

int remove_domain(const Context& context, const AddressOptions& options) {
    confirm(context, "remove domain " + options.name);
    const auto answer = context.api.call("DELETE", Api::path("/v1/domains/", options.name));
    return done(context, answer, "domain " + options.name + " removed");
}

int list_domains(const Context& context, const AddressOptions&) {
    auto answer = context.api.get("/v1/domains");
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    Table table({"DOMAIN", "STATE"});
    for (const auto& row : answer["domains"].as_array()) {
        table.add({text_of(row.as_object(), "name"),
                   flag_of(row.as_object(), "enabled") ? "enabled" : "disabled"});
    }
    table.print();
    return kOk;
}

int add_alias(const Context& context, const AddressOptions& options) {
    const auto answer =
        context.api.call("PUT", Api::path("/v1/aliases/", options.name),
                         json::object{{"targets", json::value_from(options.targets)}});
    std::string text = "alias " + options.name + " set";
    for (const auto& address : array_of(answer, "unresolved")) {
        text +=
            "\n  nobody is " + std::string(address.as_string()) + " yet: mail for it is refused";
    }
    return done(context, answer, text);
}

int remove_alias(const Context& context, const AddressOptions& options) {
    const auto answer = context.api.call("DELETE", Api::path("/v1/aliases/", options.name));
    return done(context, answer, "alias " + options.name + " removed");
}

int list_aliases(const Context& context, const AddressOptions& options) {
    json::array rows;
    std::string after;
    for (bool more = true; more;) {
        auto page = context.api.get(Api::path("/v1/aliases?limit=1000&pattern=", options.name) +
                                    Api::path("&after=", after));
        for (auto& row : page["aliases"].as_array()) {
            after = text_of(row.as_object(), "address");
            rows.push_back(row);
        }
        more = flag_of(page, "more");
    }
    if (context.json) {
        print_json(json::object{{"aliases", rows}});
        return kOk;
    }
    Table table({"ALIAS", "TARGETS"});
    for (const auto& row : rows) {
        std::string targets;
        for (const auto& target : row.as_object().at("targets").as_array()) {
            targets += targets.empty() ? "" : " ";
            targets += target.as_string().c_str();
        }
        table.add({text_of(row.as_object(), "address"), targets});
    }
    table.print();
    return kOk;
}

}  // namespace

void add_address_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<AddressOptions>();
    const auto add = [&chosen, options](CLI::App* parent, const char* name, const char* help,
                                        auto function) {
        auto* command = parent->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };

    auto* domain =
        app.add_subcommand("domain", "domains whose mail is kept here")->require_subcommand(1);
    add(domain, "add", "create a domain", add_domain)
        ->add_option("NAME", options->name)
        ->required();
    add(domain, "remove", "remove an empty domain", remove_domain)
        ->add_option("NAME", options->name)
        ->required();
    add(domain, "list", "all domains", list_domains);

    auto* alias =
        app.add_subcommand("alias", "addresses that stand for others")->require_subcommand(1);
    auto* set = add(alias, "add", "create or replace an alias", add_alias);
    set->add_option("ADDRESS", options->name, "local@domain, or @domain for the catch-all")
        ->required();
    set->add_option("TARGET", options->targets, "addresses it stands for")->required();
    add(alias, "remove", "remove an alias", remove_alias)
        ->add_option("ADDRESS", options->name)
        ->required();
    add(alias, "list", "all aliases", list_aliases)
        ->add_option("PATTERN", options->name, "with * and ?");
}

}  // namespace quorate::ctl
