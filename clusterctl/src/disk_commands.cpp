#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "commands.hpp"
#include "shadow_view.hpp"

namespace quorate::ctl {
namespace {

struct DiskOptions {
    std::string name;
    std::string path;
    std::string address;
};

int serve_disk(const Context& context, const DiskOptions& options) {
    const auto answer = context.shadow.call(
        "POST", Api::path("/v1/disks/", options.name),
        json::object{{"path", std::filesystem::absolute(options.path).lexically_normal().string()},
                     {"address", options.address}});
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

int unserve_disk(const Context& context, const DiskOptions& options) {
    confirm(context,
            fmt::format("serve {} to no node any more; sets that use it expel it", options.name));
    const auto answer = context.shadow.call("DELETE", Api::path("/v1/disks/", options.name));
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

int list_disks(const Context& context, const DiskOptions&) {
    const auto answer = context.shadow.get("/v1/disks");
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s", render_served_disks(answer).c_str());
    }
    return kOk;
}

}  // namespace

void add_disk_commands(CLI::App& app, Command& chosen) {
    auto* disk = app.add_subcommand("disk", "disks that this node serves to the others")
                     ->require_subcommand(1);
    const auto options = std::make_shared<DiskOptions>();
    const auto add = [&](const char* name, const char* help, auto function) {
        auto* command = disk->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    auto* serving = add("serve", "from now on, and at every start", serve_disk);
    serving->add_option("NAME", options->name, "as the others name it")->required();
    serving->add_option("DISK", options->path, "file or block device")->required();
    serving->add_option("--address", options->address, "ADDRESS:PORT where it is served")
        ->required();
    add("unserve", "no more", unserve_disk)
        ->add_option("NAME", options->name, "as the others name it")
        ->required();
    add("list", "which, where, and who uses them", list_disks);
}

}  // namespace quorate::ctl
