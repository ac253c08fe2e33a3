#include <cstdio>
#include <memory>

#include <fmt/core.h>

#include "cluster/key.hpp"
#include "commands.hpp"
#include "machine_files.hpp"

namespace quorate::ctl {
namespace {

struct KeyOptions {
    std::string file;
    bool force = false;
};

std::string file_of(const Context& context, const KeyOptions& options) {
    return options.file.empty() ? context.root + "/etc/quorate/cluster.key" : options.file;
}

void tell(const Context& context, const std::string& file, const std::string& fingerprint,
          const std::optional<std::string>& old) {
    if (context.json) {
        print_json(json::object{{"file", file},
                                {"fingerprint", fingerprint},
                                {"old", old ? json::value(*old) : json::value(nullptr)}});
        return;
    }
    std::printf("%s: cluster key %s\n", file.c_str(), fingerprint.c_str());
    if (old) {
        std::printf("the one before is %s\n", old->c_str());
    }
}

int generate_key(const Context& context, const KeyOptions& options) {
    const auto file = file_of(context, options);
    const auto there = value_or_fail(read_file(file));
    if (there && !options.force) {
        throw Failure{
            kRefused,
            fmt::format("{} exists. Nodes with another key are no members: keep it, or put "
                        "a new one in its place on every node with --force",
                        file)};
    }
    if (there) {
        confirm(context, "make a new cluster key; nodes that have the old one are refused");
    }
    const auto key = value_or_fail(cluster::ClusterKey::generate());
    const auto old = value_or_fail(put_aside(file));
    if (const auto written = replace_file(file, key.text(), 0400); !written) {
        throw Failure{kRefused, written.error().to_string() +
                                    (old ? "; the key that was there is " + *old : "")};
    }
    tell(context, file, key.fingerprint(), old);
    return kOk;
}

int show_key(const Context& context, const KeyOptions& options) {
    const auto file = file_of(context, options);
    const auto key = value_or_fail(cluster::ClusterKey::load(file));
    tell(context, file, key.fingerprint(), {});
    return kOk;
}

}  // namespace

void add_key_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<KeyOptions>();
    auto* key = app.add_subcommand("key", "the secret that makes a machine a member")
                    ->require_subcommand(1);
    const auto add = [&chosen, options, key](const char* name, const char* help, auto function) {
        auto* command = key->add_subcommand(name, help);
        command->add_option("--file", options->file, "default: ROOT/etc/quorate/cluster.key");
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    add("generate", "make a new one, readable by its owner alone", generate_key)
        ->add_flag("--force", options->force, "also when there is one, which is kept beside it");
    add("show", "its fingerprint, which may be told", show_key);
}

}  // namespace quorate::ctl
