#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "commands.hpp"
#include "io/durable_file.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/rados_member.hpp"
#include "shadowing/mount_plan.hpp"
#include "shadowing/witness_block.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

namespace fs = std::filesystem;

struct ShadowOptions {
    std::string unit;
    std::vector<std::string> disks;
    std::string disk;
    bool force = false;
    bool plan = false;
    bool cluster = false;
    bool shared = false;
    bool quorum_disk = false;
};

// NODE:PATH, of a set of several nodes.
bool is_served(const std::string& disk) {
    const auto colon = disk.find(':');
    const bool names_node = colon != std::string::npos && disk.find('/') > colon;
    return names_node && !shadowing::is_rados_place(disk);
}

std::vector<std::string> absolute(const std::vector<std::string>& disks) {
    std::vector<std::string> paths;
    for (const auto& disk : disks) {
        const bool elsewhere = is_served(disk) || shadowing::is_rados_place(disk);
        paths.push_back(elsewhere ? disk : fs::absolute(disk).lexically_normal().string());
    }
    return paths;
}

std::string target_of(const ShadowOptions& options, std::string_view suffix = "") {
    return Api::path("/v1/shadow/", options.unit, suffix);
}

// ---- disks, while no set uses them

int create(const Context& context, const ShadowOptions& options) {
    if (options.force) {
        confirm(context, fmt::format("overwrite what {} carry", fmt::join(options.disks, ", ")));
    }
    const auto label = value_or_fail(shadowing::create_set(
        {.unit = options.unit, .disks = absolute(options.disks), .force = options.force}));
    const auto octets = label.set_blocks << label.layout.block_shift;
    if (context.json) {
        print_json(
            json::object{{"unit", label.unit}, {"set", label.set.to_hex()}, {"octets", octets}});
    } else {
        std::printf("%s: set %s of %s, %zu members; the first is the source\n", label.unit.c_str(),
                    label.set.to_hex().c_str(), human_bytes(octets).c_str(), label.members.size());
    }
    return kOk;
}

json::object describe(const shadowing::FoundLabel& found) {
    const auto& label = found.label;
    json::array members;
    for (const auto& member : label.members) {
        members.push_back(json::object{{"member", member.id.to_hex()},
                                       {"role", std::string(name_of(member.role))},
                                       {"since", member.since},
                                       {"fence", member.fence}});
    }
    return {{"unit", label.unit},
            {"set", label.set.to_hex()},
            {"member", label.member.to_hex()},
            {"lineage", label.lineage.to_hex()},
            {"generation", label.generation.number},
            {"octets", label.set_blocks << label.layout.block_shift},
            {"data_offset", label.layout.data_offset},
            {"copies", found.both ? 2 : 1},
            {"members", std::move(members)}};
}

int show_label(const Context& context, const ShadowOptions& options) {
    const auto found = value_or_fail(shadowing::inspect_label(options.disk));
    const auto object = describe(found);
    if (context.json) {
        print_json(object);
        return kOk;
    }
    std::printf("%s: member %s\n  of %s, set %s\n  generation %llu of lineage %s\n",
                options.disk.c_str(), text_of(object, "member").c_str(),
                text_of(object, "unit").c_str(), text_of(object, "set").c_str(),
                static_cast<unsigned long long>(number_of(object, "generation")),
                text_of(object, "lineage").c_str());
    Table table({"member", "role", ">since"});
    for (const auto& member : found.label.members) {
        table.add(
            {member.id.to_hex(), std::string(name_of(member.role)), std::to_string(member.since)});
    }
    table.print();
    return kOk;
}

// ---- mounting

shadowing::Witness witness_of(const Context& context, const ShadowOptions& options) {
    const auto path =
        fmt::format("{}/var/lib/quorate/shadow/{}.witness", context.root, options.unit);
    const auto bytes = value_or_fail(io::read_file(path));
    if (!bytes) {
        return {.known = true, .word = std::nullopt};
    }
    const auto block = value_or_fail(shadowing::decode_witness_block(*bytes));
    return {.known = true, .word = block.word, .reserved = block.reserved};
}

shadowing::MountPlan plan_of(const Context& context, const ShadowOptions& options) {
    shadowing::MountQuestion question;
    question.witness = witness_of(context, options);
    for (const auto& disk : options.disks) {
        auto found = shadowing::inspect_label(disk);
        shadowing::NamedDisk named{disk, {}, {}};
        if (found) {
            named.label = std::move(found->label);
        } else {
            named.problem = found.error().to_string();
        }
        question.disks.push_back(std::move(named));
    }
    return plan_mount(question);
}

// Of a set of several nodes shadowd decides with what the other nodes know, and shows the plan when
// it refuses.
int mount_in_cluster(const Context& context, const ShadowOptions& options) {
    if (options.plan) {
        throw Failure{kUsage,
                      "--plan: of a set of several nodes it is what shadow show says when it "
                      "is refused"};
    }
    if (options.shared) {
        confirm(context,
                fmt::format("mount {} from disks that every node reaches by itself. Nothing "
                            "but the lease keeps a frozen node's last I/O from them: they "
                            "are UNPROTECTED",
                            options.unit));
    }
    json::array disks;
    for (const auto& disk : absolute(options.disks)) {
        disks.emplace_back(disk);
    }
    const auto answer = context.shadow.call("POST", target_of(options, "/mount"),
                                            json::object{{"disks", std::move(disks)},
                                                         {"cluster", true},
                                                         {"shared", options.shared},
                                                         {"quorum_disk", options.quorum_disk}});
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

int mount(const Context& context, const ShadowOptions& options) {
    if (options.cluster) {
        return mount_in_cluster(context, options);
    }
    const auto plan = plan_of(context, options);
    if (!context.json) {
        std::printf("%s", plan.to_string().c_str());
    }
    if (options.plan || !plan.allowed) {
        if (context.json) {
            print_json(json::object{{"allowed", plan.allowed}, {"plan", plan.to_string()}});
        }
        return plan.allowed ? kOk : kRefused;
    }
    confirm(context, "mount " + options.unit + " so");
    json::array disks;
    for (const auto& path : absolute(options.disks)) {
        disks.emplace_back(path);
    }
    const auto answer = context.shadow.call("POST", target_of(options, "/mount"),
                                            json::object{{"disks", std::move(disks)}});
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

int dismount(const Context& context, const ShadowOptions& options) {
    context.shadow.call("DELETE", target_of(options));
    return kOk;
}

// ---- what is mounted

void print_unit(const json::object& unit) {
    const auto stalled = text_of(unit, "stalled");
    std::printf("%s: %s, %s, generation %llu, lineage %s\n", text_of(unit, "unit").c_str(),
                flag_of(unit, "mounted") ? "mounted" : "not mounted",
                human_bytes(number_of(unit, "octets")).c_str(),
                static_cast<unsigned long long>(number_of(unit, "generation")),
                text_of(unit, "lineage").c_str());
    if (!text_of(unit, "refused").empty()) {
        std::printf("  %s\n", text_of(unit, "refused").c_str());
    }
    if (!stalled.empty()) {
        std::printf("  stalls: %s\n", stalled.c_str());
    }
    std::printf("  protected by: %s\n", text_of(unit, "protection").c_str());
    Table table({"disk", "role", ">done", ">queue", ">latency us"});
    for (const auto& value : array_of(unit, "members")) {
        const auto& member = value.as_object();
        const auto role = text_of(member, "role");
        const bool is_target = role == "COPY" || role == "MINICOPY";
        const auto total = std::max<std::uint64_t>(number_of(unit, "octets"), 1);
        table.add(
            {text_of(member, "disk"), role,
             is_target ? fmt::format("{} %", number_of(unit, "copied_octets") * 100 / total) : "",
             std::to_string(number_of(member, "queue")),
             std::to_string(number_of(member, "latency_us"))});
    }
    table.print();
    std::printf("  write-intent log: %llu regions hot, %llu blocks written; slots to merge: %llu\n",
                static_cast<unsigned long long>(number_of(unit, "hot_regions")),
                static_cast<unsigned long long>(number_of(unit, "intent_blocks")),
                static_cast<unsigned long long>(number_of(unit, "to_merge")));
    std::printf("  %s\n", text_of(unit, "nbd").c_str());
}

int show(const Context& context, const ShadowOptions& options) {
    if (!options.unit.empty()) {
        const auto unit = context.shadow.get(target_of(options));
        context.json ? print_json(unit) : print_unit(unit);
        return kOk;
    }
    const auto answer = context.shadow.get("/v1/shadow");
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    for (const auto& unit : array_of(answer, "units")) {
        print_unit(unit.as_object());
    }
    return kOk;
}

// ---- members

// A disk that is not yet of this set is labelled first.
int add(const Context& context, const ShadowOptions& options) {
    if (is_served(options.disk)) {
        confirm(context, fmt::format("overwrite {} with what {} has", options.disk, options.unit));
        context.shadow.call("POST", target_of(options, "/add"),
                            json::object{{"disk", options.disk}});
        return kOk;
    }
    const auto path = absolute({options.disk}).front();
    const auto unit = context.shadow.get(target_of(options));
    std::optional<shadowing::Label> like;
    for (const auto& disk : array_of(unit, "disks")) {
        auto found = shadowing::inspect_label(std::string(disk.as_string()));
        if (found && found->label.unit == options.unit) {
            like = std::move(found->label);
        }
    }
    if (!like) {
        throw Failure{kRefused, "no disk of " + options.unit + " can be read here"};
    }
    const auto found = shadowing::inspect_label(path);
    confirm(context, fmt::format("overwrite {} with what {} has", path, options.unit));
    if (!found || found->label.set != like->set) {
        value_or_fail(shadowing::label_disk(path, *like, options.force));
    }
    context.shadow.call("POST", target_of(options, "/add"), json::object{{"disk", path}});
    return kOk;
}

int remove(const Context& context, const ShadowOptions& options) {
    const auto path = is_served(options.disk) ? options.disk : absolute({options.disk}).front();
    confirm(context, fmt::format("expel {} from {}", path, options.unit));
    context.shadow.call("POST", target_of(options, "/remove"), json::object{{"disk", path}});
    return kOk;
}

}  // namespace

void add_shadow_commands(CLI::App& app, Command& chosen) {
    auto* shadow = app.add_subcommand("shadow", "mirrored volumes")->require_subcommand(1);
    const auto options = std::make_shared<ShadowOptions>();
    const auto add_verb = [&](const char* name, const char* help, auto function) {
        auto* command = shadow->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    const auto with_unit = [&](CLI::App* command) {
        command->add_option("UNIT", options->unit, "its name, as DSA1")->required();
        return command;
    };
    const auto with_disks = [&](CLI::App* command) {
        command->add_option("DISK", options->disks, "files or block devices")->required();
        return command;
    };
    const auto with_disk = [&](CLI::App* command) {
        command->add_option("DISK", options->disk, "file or block device")->required();
        return command;
    };
    const auto with_force = [&](CLI::App* command) {
        command->add_flag("--force", options->force, "although the disk carries something");
        return command;
    };
    with_force(with_disks(with_unit(
        add_verb("create", "label disks as a new set; the first is the source", create))));
    auto* mounting = with_disks(with_unit(add_verb("mount", "tell the plan, ask, mount", mount)));
    mounting->add_flag("--plan", options->plan, "tell it, and leave all as it is");
    auto* in_cluster = mounting->add_flag("--cluster", options->cluster,
                                          "several nodes have it mounted; disks are NODE:PATH");
    mounting->add_flag("--shared", options->shared, "every node reaches all disks by itself")
        ->needs(in_cluster);
    mounting
        ->add_flag("--quorum-disk", options->quorum_disk,
                   "which remembers its generations, in place of the nodes")
        ->needs(in_cluster);
    with_unit(add_verb("dismount", "serve it no more", dismount));
    add_verb("show", "members, roles, copies", show)
        ->add_option("UNIT", options->unit, "its name; all of them");
    with_force(with_disk(with_unit(add_verb("add", "a disk becomes a member by a copy", add))));
    with_disk(with_unit(add_verb("remove", "expel a member", remove)));
    with_disk(add_verb("label", "what stands on a disk about its set", show_label));
}

}  // namespace quorate::ctl
