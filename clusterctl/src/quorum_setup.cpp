#include "quorum_setup.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/core.h>

#include "io/time.hpp"
#include "quorum/io/device_settings.hpp"
#include "quorum_format.hpp"

namespace quorate::ctl {
namespace {

using quorum::DeviceSettings;

constexpr std::chrono::seconds kChangeTime{120};

json::object to_body(const quorum::DeviceKeys& keys) {
    json::object object;
    for (const auto& [key, value] : keys) {
        object[key] = value;
    }
    return json::object{{"keys", std::move(object)}};
}

void put(const Context& context, const quorum::DeviceKeys& keys) {
    context.quorum.call("PUT", "/v1/device", to_body(keys), kChangeTime);
}

DeviceSettings current_settings(const json::object& answer) {
    quorum::DeviceKeys keys;
    for (const auto& field : object_of(answer, "device")) {
        keys[std::string(field.key())] = text_of(object_of(answer, "device"), field.key());
    }
    if (keys.empty()) {
        throw Failure{kRefused, "this cluster has no quorum disk yet: quorumctl setup DISK"};
    }
    return value_or_fail(quorum::parse_device(keys));
}

std::uint32_t votes_of_nodes(const json::object& answer) {
    std::uint64_t sum = 0;
    for (const auto& item : array_of(answer, "configured")) {
        sum += number_of(item.as_object(), "votes");
    }
    return static_cast<std::uint32_t>(sum);
}

// Nodes that are not yet where all must be: with the disks of this step, and trusting them.
std::string laggards(const json::object& answer, std::uint32_t step) {
    std::string names;
    for (const auto& item : array_of(answer, "nodes")) {
        const auto& node = item.as_object();
        const bool there = flag_of(node, "known") && !flag_of(node, "silent") &&
                           !flag_of(node, "stopped") && flag_of(node, "watcher") &&
                           number_of(node, "step") >= step;
        if (!there) {
            names += fmt::format("{}{}", names.empty() ? "" : ", ", text_of(node, "name"));
        }
    }
    return names;
}

void await_all(const Context& context, std::uint32_t step, std::uint32_t seconds) {
    const auto until = io::mono_now() + std::chrono::seconds(seconds);
    for (;;) {
        const auto behind = laggards(context.quorum.get("/v1/quorum"), step);
        if (behind.empty()) {
            return;
        }
        if (io::mono_now() > until) {
            throw Failure{kRefused,
                          fmt::format("not yet on {}; both disks count meanwhile. Repeat the "
                                      "command to go on",
                                      behind)};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
}

// What all disks have in common, from the first that can be read: the one to be replaced may be
// lost.
quorum::Header common_header(const DeviceSettings& settings) {
    for (const auto& disk : settings.disks) {
        try {
            return read_header(disk.path);
        } catch (const Failure&) {
            if (&disk == &settings.disks.back()) {
                throw;
            }
        }
    }
    throw Failure{kRefused, "this cluster has no quorum disk yet: quorumctl setup DISK"};
}

quorum::DeviceDisk made_beside(const Context& context, const DeviceSettings& settings,
                               std::size_t index, const std::string& path) {
    auto header = common_header(settings);
    Random random(io::random_seed());
    header.disk = quorum::Uuid::random(random);
    header.index = static_cast<std::uint8_t>(index);
    write_headers(context, {path}, {header});
    return {path, header.disk};
}

}  // namespace

int set_up(const Context& context, const SetupOptions& options) {
    const auto answer = context.quorum.get("/v1/quorum");
    DeviceSettings settings;
    for (const auto& path : options.disks) {
        const auto header = read_header(path);
        if (!settings.disks.empty() && header.cluster != settings.cluster) {
            throw Failure{kRefused, path + " was not formatted together with the others"};
        }
        if (header.count != options.disks.size()) {
            throw Failure{kRefused, fmt::format("{} is one of {} disks: name all of them", path,
                                                header.count)};
        }
        settings.cluster = header.cluster;
        settings.timing = header.timing;
        settings.disks.push_back({path, header.disk});
    }
    const auto most = votes_of_nodes(answer);
    settings.votes = options.votes != 0 ? options.votes : std::max(most, 2U) - 1;
    if (options.tie_breaker != 0) {
        settings.tie_breaker = quorum::NodeId(options.tie_breaker);
    }
    confirm(context,
            fmt::format("make {} the quorum disk of the cluster {}, with {} votes beside "
                        "the nodes' {}",
                        options.disks.front(), text_of(answer, "cluster"), settings.votes, most));
    const auto keys = quorum::keys_of(settings);
    put(context, keys);
    if (context.json) {
        print_json(to_body(keys));
    } else {
        std::printf("quorum.device is set on all nodes; see: quorumctl show\n");
    }
    return kOk;
}

int take_down(const Context& context, const SetupOptions&) {
    confirm(context, "take the quorum disk out of the cluster: the nodes' votes alone decide");
    put(context, {});
    if (context.json) {
        print_json(json::object{{"removed", true}});
    } else {
        std::printf("the cluster has no quorum disk any more\n");
    }
    return kOk;
}

int replace_disk(const Context& context, const ReplaceOptions& options) {
    auto settings = current_settings(context.quorum.get("/v1/quorum"));
    const auto old = std::ranges::find(settings.disks, options.old_disk, &quorum::DeviceDisk::path);
    const auto coming =
        std::ranges::find(settings.next, options.new_disk, &quorum::DeviceDisk::path);
    if (settings.next.empty()) {
        if (old == settings.disks.end()) {
            throw Failure{kRefused, options.old_disk + " is no quorum disk of this cluster"};
        }
        if (const auto behind = laggards(context.quorum.get("/v1/quorum"), settings.step);
            !behind.empty()) {
            throw Failure{kRefused, "all nodes must be there, and trust the disk; not: " + behind};
        }
        const auto index = static_cast<std::size_t>(old - settings.disks.begin());
        settings.next = settings.disks;
        settings.next[index] = made_beside(context, settings, index, options.new_disk);
        ++settings.step;
        put(context, quorum::keys_of(settings));
    } else if (coming == settings.next.end()) {
        throw Failure{kRefused, "another replacement is under way; see: quorumctl show"};
    }
    await_all(context, settings.step, options.wait_seconds);
    settings.disks = std::exchange(settings.next, {});
    ++settings.step;
    put(context, quorum::keys_of(settings));
    await_all(context, settings.step, options.wait_seconds);
    if (context.json) {
        print_json(json::object{{"replaced", options.old_disk}, {"with", options.new_disk}});
    } else {
        std::printf("%s has taken the place of %s on all nodes\n", options.new_disk.c_str(),
                    options.old_disk.c_str());
    }
    return kOk;
}

}  // namespace quorate::ctl
