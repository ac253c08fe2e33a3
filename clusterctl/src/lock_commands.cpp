#include <cstdio>
#include <fstream>
#include <map>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "lock_table.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

struct LockOptions {
    std::string name;
    std::size_t count = 20;
    std::string file;
    std::string node;
};

// Asks every member of the view; one that does not answer is told of and left out.
template <class Take>
void ask_members(const Context& context, const json::object& view, Take take) {
    std::size_t answered = 0;
    for (const auto& item : array_of(view, "members")) {
        const auto& member = item.as_object();
        const auto name = text_of(member, "name");
        if (text_of(member, "status") != "member") {
            continue;
        }
        try {
            take(name);
            ++answered;
        } catch (const Failure& failure) {
            std::fprintf(stderr, "clusterctl: without the locks of %s: %s\n", name.c_str(),
                         failure.what.c_str());
        }
    }
    if (answered == 0) {
        throw Failure{kUnreachable, "no member tells of its locks"};
    }
    static_cast<void>(context);
}

LockTable gather(const Context& context, const std::string& query) {
    LockTable table;
    const auto view = context.cluster.get("/v1/cluster");
    table.add_members(view);
    ask_members(context, view, [&](const std::string& name) {
        table.add_locks(context.cluster.get(Api::path("/v1/nodes/", name, "/locks") + query));
        table.add_clients(context.cluster.get(Api::path("/v1/nodes/", name, "/locks/clients")));
    });
    table.finish();
    if (table.more()) {
        std::fprintf(stderr, "clusterctl: there are more: name one, or see: lock domains\n");
    }
    return table;
}

std::string query_of(const LockOptions& options) {
    return options.name.empty() ? "" : "?name=" + io::ControlClient::encode(options.name);
}

int show(const Context& context, const LockOptions& options) {
    const auto table = gather(context, query_of(options));
    if (context.json) {
        print_json(json::object{{"resources", table.to_json()}});
    } else if (table.resources().empty()) {
        std::printf("no locks%s\n", options.name.empty() ? "" : (" on " + options.name).c_str());
    } else {
        std::printf("%s", table.show().c_str());
    }
    return kOk;
}

int why(const Context& context, const LockOptions& options) {
    const auto pid = parse_u64(options.name);
    // A chain leads to other resources.
    const auto table = gather(context, "?waiting=true");
    const LockChains chains(table);
    if (context.json) {
        print_json(json::object{{"waits", chains.to_json(options.name, pid.value_or(0))}});
        return kOk;
    }
    const auto text = chains.text(options.name, pid.value_or(0));
    if (text.empty()) {
        std::printf("%s %s\n", pid ? "nothing is waited for by process" : "nobody waits on",
                    options.name.c_str());
    } else {
        std::printf("%s", text.c_str());
    }
    return kOk;
}

int top(const Context& context, const LockOptions& options) {
    const auto table = gather(context, "");
    if (context.json) {
        print_json(json::object{{"resources", table.top_json(options.count)}});
    } else {
        std::printf("%s", table.top(options.count).c_str());
    }
    return kOk;
}

int domains(const Context& context, const LockOptions&) {
    struct Sum {
        std::uint64_t resources = 0;
        std::uint64_t locks = 0;
        std::uint64_t waiting = 0;
        std::string owner = "-";  // every node that uses it knows the same
        std::string mode = "-";
    };
    std::map<std::string, Sum> sums;
    const auto view = context.cluster.get("/v1/cluster");
    ask_members(context, view, [&](const std::string& name) {
        const auto answer = context.cluster.get(Api::path("/v1/nodes/", name, "/locks/domains"));
        for (const auto& item : array_of(answer, "domains")) {
            const auto& domain = item.as_object();
            auto& sum = sums[text_of(domain, "domain")];
            sum.resources += number_of(domain, "resources_mastered");
            sum.locks += number_of(domain, "locks");
            sum.waiting += number_of(domain, "waiting");
            if (domain.contains("mode")) {
                sum.owner =
                    fmt::format("{}:{}", number_of(domain, "uid"), number_of(domain, "gid"));
                sum.mode = text_of(domain, "mode");
            }
        }
    });
    json::array rows;
    Table table({"DOMAIN", "OWNER", "MODE", ">RESOURCES", ">LOCKS", ">WAITING"});
    for (const auto& [name, sum] : sums) {
        rows.push_back({{"domain", name},
                        {"owner", sum.owner},
                        {"mode", sum.mode},
                        {"resources", sum.resources},
                        {"locks", sum.locks},
                        {"waiting", sum.waiting}});
        table.add({name, sum.owner, sum.mode, std::to_string(sum.resources),
                   std::to_string(sum.locks), std::to_string(sum.waiting)});
    }
    if (context.json) {
        print_json(json::object{{"domains", std::move(rows)}});
    } else {
        std::printf("%s", table.text().c_str());
    }
    return kOk;
}

int clients(const Context& context, const LockOptions&) {
    json::array rows;
    Table table({"NODE", ">PID", ">UID", "PROGRAM", ">LOCKS", ">PENDING", ">CONNECTED"});
    const auto view = context.cluster.get("/v1/cluster");
    ask_members(context, view, [&](const std::string& name) {
        const auto answer = context.cluster.get(Api::path("/v1/nodes/", name, "/locks/clients"));
        for (const auto& item : array_of(answer, "clients")) {
            auto client = item.as_object();
            table.add({name, std::to_string(number_of(client, "pid")),
                       std::to_string(number_of(client, "uid")), text_of(client, "program"),
                       std::to_string(number_of(client, "locks")),
                       std::to_string(number_of(client, "pending")),
                       wait_text(number_of(client, "age_ms"))});
            client["node"] = name;
            rows.push_back(std::move(client));
        }
    });
    if (context.json) {
        print_json(json::object{{"clients", std::move(rows)}});
    } else {
        std::printf("%s", table.text().c_str());
    }
    return kOk;
}

int trace(const Context& context, const LockOptions& options) {
    const auto path = options.node.empty()
                          ? std::string("/v1/locks/trace/piece")
                          : Api::path("/v1/nodes/", options.node, "/locks/trace/piece");
    std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
    std::size_t size = 0;
    for (std::string query;;) {
        const auto piece = context.cluster.get(path + query);
        const auto bytes = base64_decode(text_of(piece, "bytes"));
        if (!bytes) {
            throw Failure{kRefused, "clusterd's answer is no base64"};
        }
        file << *bytes;
        size += bytes->size();
        if (number_of(piece, "next") == 0) {
            break;
        }
        query = fmt::format("?from={}&end={}", number_of(piece, "next"), number_of(piece, "end"));
    }
    file.close();
    if (!file) {
        throw Failure{kRefused, "cannot write " + options.file};
    }
    if (context.json) {
        print_json(json::object{{"file", options.file}, {"bytes", size}});
    } else {
        std::printf("%zu octets in %s\n", size, options.file.c_str());
    }
    return kOk;
}

}  // namespace

void add_lock_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<LockOptions>();
    auto* lock = app.add_subcommand("lock", "the cluster's locks")->require_subcommand(1);
    const auto add = [&chosen, options, lock](const char* name, const char* help, auto function) {
        auto* command = lock->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    add("show", "resources, who holds them and who waits", show)
        ->add_option("NAME", options->name, "of a root resource, DOMAIN:NAME; default: all");
    add("why", "who waits for whom, to the end of the chain", why)
        ->add_option("NAME|PID", options->name, "a resource as lock show has it, or a process")
        ->required();
    add("top", "where most wait, then where most hold", top)
        ->add_option("--count", options->count, "resources (20)")
        ->check(CLI::Range(1, 1000));
    auto* traced = add("trace", "what a lock manager was given, into a file to be replayed", trace);
    traced->add_option("FILE", options->file, "written anew")->required();
    traced->add_option("--node", options->node, "another node's (this one's)");
    add("domains", "resource domains in use", domains);
    add("clients", "programs that use the lock manager", clients);
}

}  // namespace quorate::ctl
