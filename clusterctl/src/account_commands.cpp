#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "bulk.hpp"
#include "commands.hpp"
#include "password.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

constexpr const char* kAccounts = "/v1/accounts/";

struct AccountOptions {
    std::string address;
    std::string csv;
    std::string pattern;
    std::string range;
    Quota quota;
    PasswordSource password;
};

std::string quota_text(std::uint64_t bytes) { return bytes == 0 ? "-" : human_bytes(bytes); }

// In JSON a password that was made here stands in the answer.
void show_generated(const AccountOptions& options, const std::string& password,
                    json::object& answer) {
    if (options.password.generate) {
        answer["password"] = password;
    }
}

int add_accounts(const Context& context, const AccountOptions& options) {
    if (!options.csv.empty()) {
        auto items = read_csv(options.csv, /*with_passwords=*/true);
        for (auto& item : items) {
            item.quota.bytes = item.quota.bytes ? item.quota.bytes : options.quota.bytes;
            item.quota.messages =
                item.quota.messages ? item.quota.messages : options.quota.messages;
        }
        return run_bulk(context, "add", items);
    }
    if (!options.pattern.empty()) {
        auto items = expand_pattern(options.pattern, options.range);
        const auto password = read_password(context, options.password);
        for (auto& item : items) {
            item.password = password;
            item.quota = options.quota;
        }
        json::object more;
        show_generated(options, password, more);
        return run_bulk(context, "add", items, more);
    }
    if (options.address.empty()) {
        throw Failure{kUsage, "name an ADDRESS, or --csv FILE, or --pattern P --range A-B"};
    }
    const auto password = read_password(context, options.password);
    json::object account{{"address", options.address}, {"password", password}};
    options.quota.put_into(account);
    auto added = context.api.call("POST", "/v1/accounts", account);
    if (context.json) {
        show_generated(options, password, added);
        print_json(added);
    } else {
        std::printf("account %s created\n", text_of(added, "address").c_str());
    }
    return kOk;
}

int remove_accounts(const Context& context, const AccountOptions& options) {
    if (!options.csv.empty() || !options.pattern.empty()) {
        const auto items = options.csv.empty() ? expand_pattern(options.pattern, options.range)
                                               : read_csv(options.csv, /*with_passwords=*/false);
        confirm(context, fmt::format("remove {} accounts and all their mail", items.size()));
        return run_bulk(context, "remove", items);
    }
    if (options.address.empty()) {
        throw Failure{kUsage, "name an ADDRESS, or --csv FILE, or --pattern P --range A-B"};
    }
    confirm(context, "remove account " + options.address + " and all its mail");
    const auto answer = context.api.call("DELETE", Api::path(kAccounts, options.address));
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("account %s removed\n", options.address.c_str());
    }
    return kOk;
}

// The whole list, page by page.
json::array fetch_accounts(const Context& context, const std::string& pattern) {
    json::array all;
    std::string after;
    for (;;) {
        auto page = context.api.get(Api::path("/v1/accounts?limit=1000&pattern=", pattern) +
                                    Api::path("&after=", after));
        auto& rows = page["accounts"].as_array();
        for (auto& row : rows) {
            all.push_back(row);
        }
        if (rows.empty() || !flag_of(page, "more")) {
            return all;
        }
        after = text_of(rows.back().as_object(), "address");
    }
}

int list_accounts(const Context& context, const AccountOptions& options) {
    const auto rows = fetch_accounts(context, options.address);
    if (context.json) {
        print_json(json::object{{"accounts", rows}});
        return kOk;
    }
    Table table({"ACCOUNT", "STATE", ">QUOTA", ">ID"});
    for (const auto& row : rows) {
        const auto& account = row.as_object();
        table.add({text_of(account, "address"),
                   flag_of(account, "enabled") ? "enabled" : "disabled",
                   quota_text(number_of(account, "quota_bytes")),
                   std::to_string(number_of(account, "id"))});
    }
    table.print();
    return kOk;
}

int show_account(const Context& context, const AccountOptions& options) {
    const auto account = context.api.get(Api::path(kAccounts, options.address));
    if (context.json) {
        print_json(account);
        return kOk;
    }
    std::printf("account         %s\n", text_of(account, "address").c_str());
    std::printf("state           %s\n", flag_of(account, "enabled") ? "enabled" : "disabled");
    std::printf("quota           %s\n", quota_text(number_of(account, "quota_bytes")).c_str());
    const auto messages = number_of(account, "quota_messages");
    std::printf("quota messages  %s\n", messages == 0 ? "-" : std::to_string(messages).c_str());
    std::printf("id              %llu\n",
                static_cast<unsigned long long>(number_of(account, "id")));
    return kOk;
}

int change_account(const Context& context, const std::string& address, const json::object& change,
                   const char* done) {
    const auto answer = context.api.call("PATCH", Api::path(kAccounts, address), change);
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("account %s: %s\n", address.c_str(), done);
    }
    return kOk;
}

int set_password(const Context& context, const AccountOptions& options) {
    const auto password = read_password(context, options.password);
    auto answer = context.api.call("PATCH", Api::path(kAccounts, options.address),
                                   json::object{{"password", password}});
    if (context.json) {
        show_generated(options, password, answer);
        print_json(answer);
    } else {
        std::printf("account %s: password changed\n", options.address.c_str());
    }
    return kOk;
}

// `csv`: an option that has the passwords already, or none.
void add_password_options(CLI::App& command, AccountOptions& options, CLI::Option* csv = nullptr) {
    auto* from_stdin = command.add_flag("--password-stdin", options.password.from_stdin,
                                        "read the password from standard input");
    auto* generate =
        command.add_flag("--generate", options.password.generate, "make a password and print it");
    from_stdin->excludes(generate);
    if (csv != nullptr) {
        csv->excludes(from_stdin)->excludes(generate);
    }
}

// The option --csv.
CLI::Option* add_many_options(CLI::App& command, AccountOptions& options) {
    auto* address = command.add_option("ADDRESS", options.address,
                                       "local@domain, or a name of the default domain");
    auto* csv = command.add_option("--csv", options.csv,
                                   "file of lines address,password[,quota_bytes[,quota_messages]]");
    auto* pattern =
        command.add_option("--pattern", options.pattern, "address with %d or %0Nd for the number");
    auto* range =
        command.add_option("--range", options.range, "numbers for the pattern: FIRST-LAST");
    pattern->needs(range)->excludes(csv)->excludes(address);
    range->needs(pattern);
    csv->excludes(address);
    return csv;
}

}  // namespace

void add_account_commands(CLI::App& app, Command& chosen) {
    auto* account = app.add_subcommand("account", "mail accounts")->require_subcommand(1);
    const auto options = std::make_shared<AccountOptions>();
    const auto choose = [&chosen, options](auto function) {
        return [&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        };
    };

    auto* add = account->add_subcommand("add", "create one account, or many")
                    ->callback(choose(add_accounts));
    add_password_options(*add, *options, add_many_options(*add, *options));
    add->add_option("--quota-bytes", options->quota.bytes,
                    "0: unlimited; with --csv of the lines that say nothing");
    add->add_option("--quota-messages", options->quota.messages, "the same");

    auto* remove = account->add_subcommand("remove", "remove accounts and their mail")
                       ->callback(choose(remove_accounts));
    add_many_options(*remove, *options);

    auto* list = account->add_subcommand("list", "all accounts")->callback(choose(list_accounts));
    list->add_option("PATTERN", options->address, "with * and ?");
    auto* show = account->add_subcommand("show", "one account")->callback(choose(show_account));
    show->add_option("ADDRESS", options->address)->required();

    auto* passwd = account->add_subcommand("passwd", "set the password");
    passwd->add_option("ADDRESS", options->address)->required();
    add_password_options(*passwd, *options);
    passwd->callback(choose(set_password));

    auto* quota = account->add_subcommand(
        "quota", "set the limits; 0: unlimited; without MESSAGES that one stays");
    quota->add_option("ADDRESS", options->address)->required();
    quota->add_option("BYTES", options->quota.bytes)->required();
    quota->add_option("MESSAGES", options->quota.messages);
    quota->callback(choose([](const Context& context, const AccountOptions& given) {
        json::object change;
        given.quota.put_into(change);
        return change_account(context, given.address, change, "quota changed");
    }));

    for (const bool enable : {true, false}) {
        auto* command = account->add_subcommand(
            enable ? "enable" : "disable",
            enable ? "allow mail and login again" : "refuse mail and login");
        command->add_option("ADDRESS", options->address)->required();
        command->callback(choose([enable](const Context& context, const AccountOptions& given) {
            return change_account(context, given.address, {{"enabled", enable}},
                                  enable ? "enabled" : "disabled");
        }));
    }
}

}  // namespace quorate::ctl
