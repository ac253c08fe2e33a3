#include "quorum_format.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/core.h>
#include <boost/asio/io_context.hpp>

#include "io/time.hpp"
#include "quorum/io/format.hpp"

namespace quorate::ctl {
namespace {

using quorum::Timing;

void set(Timing::ms& constant, std::uint32_t given) {
    if (given != 0) {
        constant = Timing::ms(given);
    }
}

Timing timing_of(const FormatOptions& options) {
    auto timing = options.soft ? Timing::for_soft_mode() : Timing::for_watchdog();
    set(timing.heartbeat, options.heartbeat);
    set(timing.late_io, options.late_io);
    set(timing.lease, options.lease);
    set(timing.silence, options.silence);
    set(timing.sync_timeout, options.sync_timeout);
    set(timing.vote_timeout, options.vote_timeout);
    set(timing.watchdog, options.watchdog);
    value_or_fail(quorum::check(timing));
    return timing;
}

struct Opened {
    std::string path;
    std::unique_ptr<quorum::Disk> disk;
};

// Whose heartbeat moves while we look.
std::string user_of(boost::asio::io_context& io, quorum::Disk& disk,
                    const quorum::DiskContent& before) {
    std::this_thread::sleep_for(before.header->timing.heartbeat * 3);
    const auto after = value_or_fail(quorum::inspect(io, disk));
    for (const auto& now : after.voters) {
        for (const auto& then : before.voters) {
            if (now.node == then.node && now.sequence != then.sequence) {
                return fmt::format("node {}", now.node.value());
            }
        }
    }
    return {};
}

void check_content(const Context& context, boost::asio::io_context& io, const Opened& opened) {
    const auto content = value_or_fail(quorum::inspect(io, *opened.disk));
    if (!content.objection.empty()) {
        throw Failure{kRefused, fmt::format("{}: {}", opened.path, content.objection)};
    }
    if (content.header && !content.voters.empty()) {
        if (const auto user = user_of(io, *opened.disk, content); !user.empty()) {
            throw Failure{kRefused, fmt::format("{} is {} and in use: {} writes it. Stop quorumd "
                                                "on all nodes first",
                                                opened.path, content.text(), user)};
        }
    }
    if (!content.blank) {
        confirm(context, fmt::format("{} is {}; overwrite it", opened.path, content.text()));
    }
}

quorum::Uuid random_uuid() {
    Random random(io::random_seed());
    return quorum::Uuid::random(random);
}

}  // namespace

void write_headers(const Context& context, const std::vector<std::string>& paths,
                   const std::vector<quorum::Header>& headers) {
    boost::asio::io_context io(1);
    std::vector<Opened> disks;
    for (std::size_t n = 0; n < paths.size(); ++n) {
        value_or_fail(quorum::make_disk(paths[n], quorum::pages_for(headers[n].nodes)));
        disks.push_back({paths[n], value_or_fail(quorum::open_disk(io, paths[n]))});
        check_content(context, io, disks.back());
    }
    for (std::size_t n = 0; n < paths.size(); ++n) {
        value_or_fail(quorum::format(io, *disks[n].disk, headers[n]));
    }
}

int format_disks(const Context& context, const FormatOptions& options) {
    const auto count = options.disks.size();
    if (count != 1 && count != 3) {
        throw Failure{kUsage, "one disk decides, or three of which a majority does"};
    }
    quorum::Header header;
    header.cluster = random_uuid();
    header.count = static_cast<std::uint8_t>(count);
    header.nodes = options.nodes;
    header.timing = timing_of(options);
    header.label = options.cluster.substr(0, quorum::kMaxLabel);
    std::vector<quorum::Header> headers;
    for (std::size_t n = 0; n < count; ++n) {
        header.disk = random_uuid();
        header.index = static_cast<std::uint8_t>(n);
        headers.push_back(header);
    }
    write_headers(context, options.disks, headers);
    json::array disks;
    for (std::size_t n = 0; n < count; ++n) {
        disks.push_back(
            json::object{{"path", options.disks[n]}, {"uuid", headers[n].disk.to_hex()}});
        if (!context.json) {
            std::printf("%s is quorum disk %s of the cluster %s\n", options.disks[n].c_str(),
                        headers[n].disk.to_hex().c_str(), header.label.c_str());
        }
    }
    if (context.json) {
        print_json(json::object{{"cluster_uuid", header.cluster.to_hex()},
                                {"label", header.label},
                                {"mode", options.soft ? "soft" : "watchdog"},
                                {"disks", std::move(disks)}});
    }
    return kOk;
}

quorum::Header read_header(const std::string& path) {
    boost::asio::io_context io(1);
    const auto disk = value_or_fail(quorum::open_disk(io, path));
    const auto content = value_or_fail(quorum::inspect(io, *disk));
    if (!content.header) {
        throw Failure{kRefused,
                      fmt::format("{} is {}, no quorum disk; make one: quorumctl format {}", path,
                                  content.text(), path)};
    }
    return *content.header;
}

}  // namespace quorate::ctl
