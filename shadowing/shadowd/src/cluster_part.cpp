#include "cluster_part.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "cluster/key.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/psk_file.hpp"
#include "shadowing/io/rados_member.hpp"

namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

constexpr std::chrono::milliseconds kTellAgain{200};
constexpr int kTellTimes = 50;

// What is under way in this process goes on: nothing may be undone, and nobody waited for.
[[noreturn]] void end_now(const std::string& why) {
    Logger().error("expelled", "why", why, "hint", "shadowd starts anew");
    ::_exit(1);
}

}  // namespace

ClusterPart::ClusterPart(boost::asio::io_context& io, const std::string& state_folder,
                         WitnessFiles& witness_files, LocalDisks& local, Handlers handlers)
    : io_(io),
      handlers_(std::move(handlers)),
      local_(local),
      note_file_(state_folder + "/opener"),
      psk_file_(state_folder + "/disks.psk"),
      node_(io, {[](const std::string& why) { end_now(why); },
                 [this](cluster::MemberId lost, std::uint64_t epoch, std::function<void()> done) {
                     handlers_.fence(lost, epoch, std::move(done));
                 },
                 [this](cluster::MemberId lost) { handlers_.lost(slot_of(lost.node), lost); },
                 [this] { handlers_.lease_changed(); }}),
      node_witness_(make_node_witness(node_, witness_files)),
      disk_witness_(make_disk_witness(node_)) {}

const std::string& ClusterPart::waits_for() const {
    return waits_for_.empty() ? node_.waits_for() : waits_for_;
}

void ClusterPart::start(std::vector<UnitFile> files) { io::spawn(io_, join(std::move(files))); }

awaitable<void> ClusterPart::join(std::vector<UnitFile> files) {
    auto joined = co_await node_.join();
    auto note = OpenerNote::read(note_file_);
    if (!joined || !note) {
        waits_for_ = joined ? note.error().to_string() : joined.error().to_string();
        Logger().error("not_joined", "why", waits_for_);
        co_return;
    }
    if (*note && (*note)->incarnation == node_.self().incarnation.value()) {
        waits_for_ = "an earlier shadowd of this node is made an end of";
        auto ended = co_await end_predecessor(**note, files);
        while (!ended) {
            waits_for_ = ended.error().to_string();
            Logger().warn("predecessor_not_ended", "why", waits_for_);
            auto slept = co_await io::sleep_until(io::mono_now() + kTellAgain);
            if (!slept) {
                co_return;
            }
            ended = co_await end_predecessor(**note, files);
        }
        waits_for_.clear();
    }
    if (const auto made = make_psk_file(); !made) {
        waits_for_ = made.error().to_string();
        Logger().error("not_joined", "why", waits_for_);
        co_return;
    }
    note_.incarnation = node_.self().incarnation.value();
    note_.process = static_cast<std::uint32_t>(::getpid());
    note_.opener = node_.process();
    ready_ = true;
    Logger().info("joined", "node", node_.name());
    handlers_.joined();
}

// From the cluster's key, as on every node.
Status ClusterPart::make_psk_file() {
    constexpr std::size_t kKeyOctets = 32;
    QUORATE_TRY(const auto key, cluster::ClusterKey::load("etc/quorate/cluster.key"));
    return write_psk_file(psk_file_, key.derive("quorate shadow disk 1", kKeyOctets));
}

std::uint64_t ClusterPart::epoch() const { return node_.lease(io::exact_boot_now()).epoch.value(); }

// ---- an end without farewell

// Its locks are kept as orphans until everybody knows; the last I/O has ended before they do.
awaitable<Status> ClusterPart::end_predecessor(const OpenerNote& note,
                                               const std::vector<UnitFile>& files) {
    for (const auto& file : files) {
        co_await await_last_io(file);
    }
    const ServedOpener lost{node_.self(), note.opener};
    auto here = co_await handlers_.drop(lost);
    json::object opener = life();
    opener["process"] = fmt::format("{:016x}", note.opener);
    auto dropped = co_await tell_all("/v1/shadow/cluster/drop", std::move(opener));
    if (!here || !dropped) {
        co_return fail(errc::refused,
                       "an earlier shadowd of this node was killed, and what it asked of another "
                       "node's disks has not ended");
    }
    for (const auto& set : note.sets) {
        auto told = co_await tell_end(set);
        if (!told) {
            co_return fail(errc::refused,
                           "an earlier shadowd of this node was killed, and the other "
                           "nodes cannot be told");
        }
    }
    auto purged = co_await node_.locks().purge(note.process);
    if (!purged) {
        co_return tl::unexpected<Error>(std::move(purged).error());
    }
    Logger().info("predecessor_ended", "process", note.process, "sets", note.sets.size());
    co_return Status();
}

awaitable<void> ClusterPart::await_last_io(const UnitFile& file) {
    auto ring = io::Uring::open(io_);
    if (!ring) {
        co_return;
    }
    for (const auto& disk : file.disks) {
        const auto place = parse_disk_place(disk);
        if (is_rados_place(disk)) {
            continue;  // its blocklist ends that
        }
        if (!file.shared && (!place || place->node != node_.name())) {
            continue;  // its server is told to drop what is under way
        }
        bool busy = true;
        while (busy) {
            auto member = file.shared
                              ? open_shared_member(*ring, io_, disk, slot_of(node_.self().node))
                              : open_file_member(*ring, io_, place->path);
            busy = !member && member.error().code == std::errc::operation_would_block;
            if (busy) {
                auto slept = co_await io::sleep_until(io::mono_now() + kTellAgain);
                busy = slept.has_value();
            }
        }
    }
}

json::object ClusterPart::life() const {
    const auto self = node_.self();
    return {{"node_id", self.node.value()},
            {"incarnation", fmt::format("{:016x}", self.incarnation.value())}};
}

awaitable<bool> ClusterPart::tell_end(Id128 set) {
    json::object body = life();
    body["set"] = set.to_hex();
    body["slot"] = slot_of(node_.self().node).value();
    auto told = co_await tell_all("/v1/shadow/cluster/lost", std::move(body));
    co_return told;
}

awaitable<bool> ClusterPart::tell_all(std::string target, json::object body) {
    auto members = co_await node_.members();
    if (!members) {
        co_return false;
    }
    bool all = true;
    for (const auto& name : *members) {
        if (name != node_.name()) {
            auto told = co_await tell_one(name, target, body);
            all = all && told;
        }
    }
    co_return all;
}

// Whoever has no shadowd has no set open, and serves nothing; one that leaves the membership is
// fenced.
awaitable<bool> ClusterPart::tell_one(std::string node, std::string target, json::object body) {
    for (int i = 0; i < kTellTimes; ++i) {
        auto answer = co_await node_.ask(node, "POST", target, body);
        if (answer && answer->status == 200) {
            co_return true;
        }
        const bool no_shadowd = answer && ClusterNode::has_no_shadowd(*answer);
        auto members = co_await node_.members();
        if (no_shadowd || (members && std::ranges::find(*members, node) == members->end())) {
            co_return true;
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kTellAgain);
        if (!slept) {
            break;
        }
    }
    co_return false;
}

// ---- sets

awaitable<Result<std::unique_ptr<MountedSet>>> ClusterPart::open(UnitFile file, bool accept_loss) {
    auto options = options_of(file);
    options.accept_loss = accept_loss;
    auto seen = co_await look_at_disks(node_, local_, options.ways, options.disks, LookFor::kAny);
    auto label = set_of(seen);
    if (!label) {
        co_return tl::unexpected<Error>(std::move(label).error());
    }
    note_.sets.insert(label->set);
    auto noted = note_.write(note_file_);
    if (!noted) {
        co_return tl::unexpected<Error>(std::move(noted).error());
    }
    auto& witness = file.quorum_disk ? *disk_witness_ : *node_witness_;
    co_return open_cluster_set(node_, witness, local_, *label, std::move(options));
}

awaitable<Result<ClusterPlan>> ClusterPart::plan(UnitFile file, bool accept_loss) {
    auto options = options_of(file);
    auto seen = co_await look_at_disks(node_, local_, options.ways, options.disks, LookFor::kAll);
    auto label = set_of(seen);
    if (!label) {
        co_return tl::unexpected<Error>(std::move(label).error());
    }
    MountQuestion question;
    question.set = label->set;
    question.accept_loss = accept_loss;
    auto& witness = file.quorum_disk ? *disk_witness_ : *node_witness_;
    auto word = co_await witness.read(label->set);
    question.witness = word;
    auto mounted = co_await who_has_mounted(file.unit);
    for (auto& disk : seen) {
        question.disks.push_back({disk.name, std::move(disk.label), disk.problem});
    }
    ClusterPlan plan{plan_mount(question), {}};
    plan.mounted_on = std::move(mounted);
    co_return plan;
}

awaitable<std::vector<std::string>> ClusterPart::who_has_mounted(std::string unit) {
    std::vector<std::string> found;
    auto members = co_await node_.members();
    if (!members) {
        co_return found;
    }
    for (const auto& name : *members) {
        auto shown = co_await node_.ask(name, "GET", "/v1/shadow/" + unit, nullptr);
        const auto* mounted = shown && shown->status == 200 && shown->body.is_object()
                                  ? shown->body.as_object().if_contains("mounted")
                                  : nullptr;
        if (mounted != nullptr && mounted->is_bool() && mounted->as_bool()) {
            found.push_back(name);
        }
    }
    co_return found;
}

ClusterSetOptions ClusterPart::options_of(const UnitFile& file) const {
    return {file.unit, file.disks, {file.shared, psk_file_}};
}

// ---- a disk that is to be a member

awaitable<Status> ClusterPart::prepare(DiskPlace place, json::object body) {
    auto answer =
        co_await node_.ask(place.node, "POST", "/v1/shadow/cluster/prepare", std::move(body));
    if (!answer) {
        co_return tl::unexpected<Error>(std::move(answer).error());
    }
    if (answer->status != 200) {
        co_return fail(errc::refused, fmt::format("{}: {}", place.node, answer->text));
    }
    co_return Status();
}

awaitable<Status> ClusterPart::tell_of_disk(Id128 set, std::string disk) {
    auto members = co_await node_.members();
    if (!members) {
        co_return tl::unexpected<Error>(std::move(members).error());
    }
    for (const auto& name : *members) {
        if (name == node_.name()) {
            continue;
        }
        json::object body{{"set", set.to_hex()}, {"disk", disk}};
        auto answer = co_await node_.ask(name, "POST", "/v1/shadow/cluster/know", std::move(body));
        const bool told = answer && (answer->status == 200 || ClusterNode::has_no_shadowd(*answer));
        if (!told) {
            co_return fail(errc::refused,
                           fmt::format("{} cannot be told of {}: {}", name, disk,
                                       answer ? answer->text : answer.error().to_string()));
        }
    }
    co_return Status();
}

awaitable<void> ClusterPart::leave() {
    if (!ready_) {
        // What an earlier shadowd of this node has left the next one makes an end of.
        const auto note = OpenerNote::read(note_file_);
        if (!note || *note) {
            co_return;
        }
    }
    note_.sets.clear();
    if (const auto written = note_.write(note_file_); !written) {
        Logger().warn("note_not_removed", "why", written.error().to_string());
    }
    co_await node_.leave();
}

}  // namespace quorate::shadowing
