#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "commands.hpp"
#include "shadow_options.hpp"
#include "shadow_view.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

// ---- disks, while no set uses them

int create(const Context& context, const ShadowOptions& options) {
    if (options.force) {
        confirm(context, fmt::format("overwrite what {} carry", fmt::join(options.disks, ", ")));
    }
    std::vector<std::string> disks;
    for (const auto& disk : options.disks) {
        disks.push_back(disk_place(disk));
    }
    const auto label = value_or_fail(shadowing::create_set(
        {.unit = options.unit, .disks = std::move(disks), .force = options.force}));
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

int dismount(const Context& context, const ShadowOptions& options) {
    context.shadow.call("DELETE", target_of(options));
    return kOk;
}

// ---- what is mounted

int show(const Context& context, const ShadowOptions& options) {
    if (!options.unit.empty()) {
        const auto unit = context.shadow.get(target_of(options));
        if (context.json) {
            print_json(unit);
        } else {
            std::printf("%s", render_unit(unit).c_str());
        }
        return kOk;
    }
    const auto answer = context.shadow.get("/v1/shadow");
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    for (const auto& unit : array_of(answer, "units")) {
        std::printf("%s", render_unit(unit.as_object()).c_str());
    }
    return kOk;
}

int events(const Context& context, const ShadowOptions& options) {
    const auto answer = context.shadow.get(target_of(options, "/events"));
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    for (const auto& value : array_of(answer, "events")) {
        const auto& event = value.as_object();
        std::printf("%s  %s\n", utc_text(number_of(event, "time")).c_str(),
                    text_of(event, "text").c_str());
    }
    return kOk;
}

// ---- members

// What was asked, and how far it is.
int told(const Context& context, const json::object& answer, const std::string& goes_on) {
    if (context.json) {
        print_json(answer);
    } else if (!flag_of(answer, "done")) {
        std::printf("%s\n", goes_on.c_str());
    }
    return kOk;
}

int add(const Context& context, const ShadowOptions& options) {
    const auto disk = disk_place(options.disk);
    confirm(context, fmt::format("overwrite {} with what {} has", disk, options.unit));
    const auto answer = context.shadow.call("POST", target_of(options, "/add"),
                                            json::object{{"disk", disk}, {"force", options.force}});
    return told(context, answer,
                disk +
                    " is not a member yet: what was asked of it before has to end first; it is "
                    "added then");
}

int remove(const Context& context, const ShadowOptions& options) {
    const auto disk = disk_place(options.disk);
    confirm(context, fmt::format("expel {} from {}", disk, options.unit));
    const auto answer =
        context.shadow.call("POST", target_of(options, "/remove"),
                            json::object{{"disk", disk}, {"minicopy", options.minicopy}});
    return told(context, answer, disk + " is a member yet; it is expelled when that can be done");
}

int expand(const Context& context, const ShadowOptions& options) {
    confirm(context, fmt::format("grow {} to what its smallest member has room for", options.unit));
    const auto answer = context.shadow.call("POST", target_of(options, "/expand"), json::object());
    return told(context, answer, "what is new is zeroed on every member; the unit grows then");
}

// stop, start, now (of a scrub); a priority.
template <const char* kWork>
int steer(const Context& context, const ShadowOptions& options) {
    json::object body;
    if (options.word == "start" || options.word == "stop") {
        body["runs"] = options.word == "start";
    } else if (options.word == "now") {
        body["pass_now"] = true;
    }
    if (options.priority != 0) {
        body["priority"] = options.priority;
    }
    if (body.empty()) {
        throw Failure{kUsage, "start, stop, now or --priority"};
    }
    const auto answer = context.shadow.call(
        "POST", target_of(options, std::string("/work/") + kWork), std::move(body));
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

constexpr char kCopyWork[] = "copy";
constexpr char kMergeWork[] = "merge";
constexpr char kScrubWork[] = "scrub";

// Verbs of one subject, which share their options.
class Verbs {
public:
    Verbs(CLI::App& subject, Command& chosen) : subject_(subject), chosen_(chosen) {}

    template <class Function>
    CLI::App* add(const char* name, const char* help, Function function) {
        auto* command = subject_.add_subcommand(name, help);
        command->callback([&chosen = chosen_, options = options_, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    }
    CLI::App* with_unit(CLI::App* command) {
        command->add_option("UNIT", options_->unit, "its name, as DSA1")->required();
        return command;
    }
    CLI::App* with_disks(CLI::App* command, bool required = true) {
        command->add_option("DISK", options_->disks, "files or block devices")->required(required);
        return command;
    }
    CLI::App* with_disk(CLI::App* command) {
        command->add_option("DISK", options_->disk, "file or block device")->required();
        return command;
    }
    CLI::App* with_force(CLI::App* command) {
        command->add_flag("--force", options_->force, "although the disk carries something");
        return command;
    }
    CLI::App* in_cluster(CLI::App* command) {
        auto* cluster = command->add_flag("--cluster", options_->cluster,
                                          "several nodes have it mounted; disks are NODE:PATH");
        command->add_flag("--shared", options_->shared, "every node reaches all disks by itself")
            ->needs(cluster);
        command
            ->add_flag("--quorum-disk", options_->quorum_disk,
                       "which remembers its generations, in place of the nodes")
            ->needs(cluster);
        return command;
    }
    CLI::App* with_work(CLI::App* command, const std::vector<std::string>& words) {
        command->add_option("WORD", options_->word, fmt::format("{}", fmt::join(words, ", ")))
            ->check(CLI::IsMember(words));
        command
            ->add_option("--priority", options_->priority,
                         "its share of the time while clients ask for something, percent")
            ->check(CLI::Range(1, 100));
        return command;
    }
    ShadowOptions& options() { return *options_; }

private:
    CLI::App& subject_;
    Command& chosen_;
    std::shared_ptr<ShadowOptions> options_ = std::make_shared<ShadowOptions>();
};

}  // namespace

void add_shadow_commands(CLI::App& app, Command& chosen) {
    auto* shadow = app.add_subcommand("shadow", "mirrored volumes")->require_subcommand(1);
    Verbs verbs(*shadow, chosen);
    verbs.with_force(verbs.with_disks(verbs.with_unit(
        verbs.add("create", "label disks as a new set; the first is the source", create))));
    verbs
        .in_cluster(verbs.with_disks(
            verbs.with_unit(verbs.add("mount", "tell the plan, ask, mount", mount_unit))))
        ->add_flag("--plan", verbs.options().plan, "tell it, and leave all as it is");
    verbs.in_cluster(verbs.with_disks(
        verbs.with_unit(verbs.add("accept-loss", "mount what may be old, for good", accept_loss)),
        /*required=*/false));
    verbs.with_unit(verbs.add("dismount", "serve it no more", dismount));
    verbs.add("show", "members, roles, copies", show)
        ->add_option("UNIT", verbs.options().unit, "its name; all of them");
    verbs.with_unit(verbs.add("events", "what happened to it on this node", events));
    verbs.with_force(verbs.with_disk(
        verbs.with_unit(verbs.add("add", "a disk becomes a member by a copy", add))));
    verbs.with_disk(verbs.with_unit(verbs.add("remove", "expel a member", remove)))
        ->add_flag("--minicopy", verbs.options().minicopy,
                   "it is to come back: what changes meanwhile is kept in mind");
    verbs.with_unit(verbs.add("expand", "grow to what the smallest member has room for", expand));
    verbs.with_work(verbs.with_unit(verbs.add("copy", "of new members", steer<kCopyWork>)),
                    {"start", "stop"});
    verbs.with_work(
        verbs.with_unit(verbs.add("merge", "of what lost openers left", steer<kMergeWork>)),
        {"start", "stop"});
    verbs.with_work(verbs.with_unit(verbs.add("scrub", "compares all members", steer<kScrubWork>)),
                    {"start", "stop", "now"});
    verbs.with_disk(verbs.add("label", "what stands on a disk about its set", show_label));
}

}  // namespace quorate::ctl
