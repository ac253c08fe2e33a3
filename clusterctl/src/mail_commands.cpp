#include <unistd.h>

#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "commands.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

struct MailOptions {
    std::string account;
    bool all = false;
};

int show_mail(const Context& context, const MailOptions& options) {
    auto mail = context.api.get(Api::path("/v1/mail/", options.account));
    if (context.json) {
        print_json(mail);
        return kOk;
    }
    const auto quota = number_of(mail, "quota_bytes");
    std::printf("account  %s\n", text_of(mail, "account").c_str());
    std::printf("mail     %llu messages, %s%s\n\n",
                static_cast<unsigned long long>(number_of(mail, "messages")),
                human_bytes(number_of(mail, "bytes")).c_str(),
                quota == 0 ? "" : (" of " + human_bytes(quota)).c_str());
    Table table(
        {"MAILBOX", "USE", ">MESSAGES", ">UNSEEN", ">SIZE", ">UIDVALIDITY", ">UIDNEXT", ">MODSEQ"});
    for (const auto& row : mail["mailboxes"].as_array()) {
        const auto& mailbox = row.as_object();
        const auto number = [&](const char* key) {
            return std::to_string(number_of(mailbox, key));
        };
        const auto use = text_of(mailbox, "special_use");
        table.add({text_of(mailbox, "name"), use.empty() ? "-" : use, number("messages"),
                   number("unseen"), human_bytes(number_of(mailbox, "size")),
                   number("uid_validity"), number("uid_next"), number("highest_modseq")});
    }
    table.print();
    return kOk;
}

// Number of problems.
std::size_t verify_one(const Context& context, const std::string& account, json::array& reports) {
    auto report = context.api.call("POST", Api::path("/v1/mail/", account, "/verify"));
    const auto& problems = report["problems"].as_array();
    const auto count = problems.size();
    if (context.json) {
        reports.push_back(report);
        return count;
    }
    std::printf("%s: %llu messages, %s, %s\n", account.c_str(),
                static_cast<unsigned long long>(number_of(report, "messages")),
                human_bytes(number_of(report, "bytes")).c_str(),
                count == 0 ? "all sound" : fmt::format("{} PROBLEMS", count).c_str());
    for (const auto& problem : problems) {
        std::printf("  %s\n", problem.as_string().c_str());
    }
    return count;
}

std::size_t verify_all(const Context& context, json::array& reports) {
    std::size_t problems = 0;
    std::size_t checked = 0;
    std::string after;
    for (bool more = true; more;) {
        auto page = context.api.get(Api::path("/v1/accounts?limit=1000&after=", after));
        for (const auto& row : page["accounts"].as_array()) {
            after = text_of(row.as_object(), "address");
            problems += verify_one(context, after, reports);
            if (::isatty(STDERR_FILENO) != 0) {
                std::fprintf(stderr, "\r%zu accounts checked\r", ++checked);
            }
        }
        more = flag_of(page, "more");
    }
    return problems;
}

int verify_mail(const Context& context, const MailOptions& options) {
    if (options.all != options.account.empty()) {
        throw Failure{kUsage, "name one ACCOUNT, or --all"};
    }
    json::array reports;
    const auto problems =
        options.all ? verify_all(context, reports) : verify_one(context, options.account, reports);
    if (context.json) {
        print_json(json::object{{"reports", std::move(reports)}, {"problems", problems}});
    }
    return problems == 0 ? kOk : kRefused;
}

}  // namespace

void add_mail_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<MailOptions>();
    auto* mail = app.add_subcommand("mail", "stored mail")->require_subcommand(1);
    const auto choose = [&chosen, options](auto function) {
        return [&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        };
    };
    auto* show = mail->add_subcommand("show", "mailboxes and sizes of an account")
                     ->callback(choose(show_mail));
    show->add_option("ACCOUNT", options->account)->required();
    auto* verify =
        mail->add_subcommand("verify", "read everything and check it; exit 1 on problems")
            ->callback(choose(verify_mail));
    verify->add_option("ACCOUNT", options->account);
    verify->add_flag("--all", options->all, "every account");
}

}  // namespace quorate::ctl
