#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "io/durable_file.hpp"
#include "shadow_options.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/rados_member.hpp"
#include "shadowing/mount_plan.hpp"
#include "shadowing/witness_block.hpp"

// Mounting a shadow set: what it would do, told before it is done.
namespace quorate::ctl {
namespace {

// NODE:PATH, of a set of several nodes.
bool is_served(const std::string& disk) {
    const auto colon = disk.find(':');
    const bool names_node = colon != std::string::npos && disk.find('/') > colon;
    return names_node && !shadowing::is_rados_place(disk);
}

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

shadowing::MountPlan plan_of(const Context& context, const ShadowOptions& options,
                             bool accept_loss) {
    shadowing::MountQuestion question;
    question.accept_loss = accept_loss;
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

json::object mount_body(const ShadowOptions& options, bool accept_loss) {
    json::array disks;
    for (const auto& disk : options.disks) {
        disks.emplace_back(disk_place(disk));
    }
    json::object body{{"disks", std::move(disks)}, {"accept_loss", accept_loss}};
    if (options.cluster) {
        body["cluster"] = true;
        body["shared"] = options.shared;
        body["quorum_disk"] = options.quorum_disk;
    }
    return body;
}

struct ToldPlan {
    bool allowed = false;
    std::string text;
    json::value mounted_on = nullptr;
};

// Of a set of several nodes shadowd tells it, with what the other nodes know.
ToldPlan tell_plan(const Context& context, const ShadowOptions& options, bool accept_loss) {
    if (!options.cluster) {
        const auto plan = plan_of(context, options, accept_loss);
        return {plan.allowed, plan.to_string()};
    }
    const auto answer =
        context.shadow.call("POST", target_of(options, "/plan"), mount_body(options, accept_loss));
    auto text = text_of(answer, "plan");
    for (const auto& node : array_of(answer, "mounted_on")) {
        text += fmt::format("mounted on {} already: its members are what they are there\n",
                            std::string_view(node.as_string()));
    }
    return {flag_of(answer, "allowed"), text, array_of(answer, "mounted_on")};
}

int mount_as_told(const Context& context, const ShadowOptions& options, bool accept_loss,
                  const std::string& question) {
    const auto plan = tell_plan(context, options, accept_loss);
    if (!context.json) {
        std::printf("%s", plan.text.c_str());
    }
    if (options.plan || !plan.allowed) {
        if (context.json) {
            print_json(json::object{
                {"allowed", plan.allowed}, {"plan", plan.text}, {"mounted_on", plan.mounted_on}});
        }
        return plan.allowed ? kOk : kRefused;
    }
    if (options.shared) {
        confirm(context,
                fmt::format("mount {} from disks that every node reaches by itself. Nothing "
                            "but the lease keeps a frozen node's last I/O from them: they "
                            "are UNPROTECTED",
                            options.unit));
    }
    confirm(context, question);
    const auto answer =
        context.shadow.call("POST", target_of(options, "/mount"), mount_body(options, accept_loss));
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

constexpr const char* kLossExplained =
    "What is present may be older than what is absent. From now on it is the truth, under a\n"
    "lineage of its own: what the absent disks have besides is LOST, and they come back only by\n"
    "`clusterctl shadow add`, overwritten whole.\n";

}  // namespace

std::string disk_place(const std::string& disk) {
    const bool elsewhere = is_served(disk) || shadowing::is_rados_place(disk);
    return elsewhere ? disk : std::filesystem::absolute(disk).lexically_normal().string();
}

std::string target_of(const ShadowOptions& options, std::string_view suffix) {
    return Api::path("/v1/shadow/", options.unit, suffix);
}

int mount_unit(const Context& context, const ShadowOptions& options) {
    return mount_as_told(context, options, /*accept_loss=*/false, "mount " + options.unit + " so");
}

int accept_loss(const Context& context, const ShadowOptions& options) {
    const auto question = fmt::format("go on with {} and lose what is absent", options.unit);
    if (!options.disks.empty()) {
        if (!context.json) {
            std::printf("%s", kLossExplained);
        }
        return mount_as_told(context, options, /*accept_loss=*/true, question);
    }
    const auto unit = context.shadow.get(target_of(options));
    if (flag_of(unit, "mounted")) {
        throw Failure{kRefused, options.unit + " is mounted: there is no loss to accept"};
    }
    if (!context.json) {
        std::printf("%s\n%s", text_of(unit, "refused").c_str(), kLossExplained);
    }
    confirm(context, question);
    const auto answer =
        context.shadow.call("POST", target_of(options, "/accept-loss"), json::object());
    if (context.json) {
        print_json(answer);
    }
    return kOk;
}

}  // namespace quorate::ctl
