#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "pages.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum::testing {

// Voters around disks in memory on which every I/O ends 1 ms later, on a votequorum that does as it
// is told. Time passes only in run().
class Bench {
public:
    explicit Bench(std::uint32_t nodes, std::uint32_t disk_votes = 1, Timing timing = {})
        : timing_(timing), pages_(pages_for(nodes)), voters_(nodes + 1) {
        for (std::uint32_t n = 1; n <= nodes; ++n) {
            configured_.nodes.push_back({NodeId(n), 1});
        }
        configured_.disk_votes = disk_votes;
        for (std::size_t disk = 0; disk < 3; ++disk) {
            disks_.emplace_back(pages_, std::string(kPageBytes, '\0'));
            format(disk, kCluster);
        }
        use_disks({0}, {}, 0);
    }

    // ---- before the start
    void tie_breaker(std::uint32_t node) { configured_.tie_breaker = NodeId(node); }
    void format(std::size_t disk, Uuid cluster) {
        auto one = header();
        one.cluster = cluster;
        one.disk = uuid(disk);
        one.timing = timing_;
        disks_[disk][0] = encode(one, 0);
        disks_[disk][1] = encode(one, 1);
    }
    void break_path(std::uint32_t node) { broken_paths_.insert(node); }
    // From now on it reads each page once, and then what it remembers.
    void cache_path(std::uint32_t node) { caches_[node] = {}; }
    void mend_path(std::uint32_t node) { broken_paths_.erase(node); }

    void reset_nobody() { resets_ = false; }
    void bind_nobody() { refuses_to_bind_ = true; }
    // What its last life remembered is this now.
    void forget(std::uint32_t node, std::string instead) { remembered_[node] = std::move(instead); }

    // ---- what happens
    void start(std::uint32_t node) {
        auto& one = voters_[node];
        one = Node{};
        one.voter = std::make_unique<Voter>(options(node));
        feed(node, configured_);
        feed(node, used_);
    }
    // All, in one ring, until they are settled.
    void start_all() {
        NodeSet all;
        for (std::uint32_t n = 1; n < voters_.size(); ++n) {
            start(n);
            all.add(NodeId(n));
        }
        set_ring(all);
        run(std::chrono::milliseconds(9'000));
    }
    void kill(std::uint32_t node) { voters_[node] = Node{}; }
    // The next life is one of another boot.
    void reboot(std::uint32_t node) {
        kill(node);
        ++boots_[node];
        binds_[node] = false;
    }
    // It is taken out of the configuration of all that are left.
    void remove(std::uint32_t node) {
        kill(node);
        std::erase_if(configured_.nodes, [&](const auto& one) { return one.node == NodeId(node); });
        for (std::uint32_t n = 1; n < voters_.size(); ++n) {
            if (voters_[n].voter) {
                feed(n, configured_);
            }
        }
    }
    void ring(std::initializer_list<std::uint32_t> members) { set_ring(set_of(members)); }
    void split(std::initializer_list<std::uint32_t> a, std::initializer_list<std::uint32_t> b) {
        ring(a);
        ring(b);
    }
    void use_disks(std::vector<std::size_t> current, std::vector<std::size_t> next,
                   std::uint32_t step) {
        used_ = {};
        for (const auto disk : current) {
            used_.current.push_back({number(disk), uuid(disk)});
        }
        for (const auto disk : next) {
            used_.next.push_back({number(disk), uuid(disk)});
        }
        used_.step = step;
        for (std::uint32_t n = 1; n < voters_.size(); ++n) {
            if (voters_[n].voter) {
                feed(n, used_);
            }
        }
    }
    void break_disk(std::size_t disk) { broken_disks_.insert(disk); }
    // As a loss of power leaves it: the older side was being written. Both: the disk is damaged.
    void tear(std::uint32_t node, PageKind kind, bool both = false) {
        const auto sequence_of = [&](std::uint32_t side) {
            const auto& page = disks_[0][page_of(NodeId(node), kind, side)];
            return ByteReader(std::string_view(page).substr(16)).u64();
        };
        const std::uint32_t newer = sequence_of(1) > sequence_of(0) ? 1 : 0;
        for (const auto side : {newer, 1 - newer}) {
            if (side != newer || both) {
                disks_[0][page_of(NodeId(node), kind, side)].replace(0, 2048, 2048, 'x');
            }
        }
    }
    // Another voter in that place, which has read what stands there, writes once.
    void write_as_another(std::uint32_t node) {
        auto other = page(node).heartbeat;
        ++other.sequence;
        other.incarnation = Incarnation(++incarnations_);
        const auto side_of = [&](std::uint32_t side) {
            return page_of(NodeId(node), PageKind::kHeartbeat, side);
        };
        const auto first = decode_heartbeat(disks_[0][side_of(0)], NodeId(node));
        const bool first_is_newer = first && first->sequence == other.sequence - 1;
        disks_[0][side_of(first_is_newer ? 1 : 0)] = encode(other);
    }
    // Pages of that kind cannot be written there.
    void refuse(std::size_t disk, PageKind kind) { refused_ = {number(disk), kind}; }
    void refuse_nothing() { refused_.reset(); }
    // votequorum answers nothing there, and then all that it was asked.
    void freeze_corosync(std::uint32_t node) { voters_[node].frozen = true; }
    void thaw_corosync(std::uint32_t node) {
        voters_[node].frozen = false;
        for (const auto& poll : std::exchange(voters_[node].unanswered, {})) {
            answer(node, voters_[node].life, poll);
        }
    }

    void feed(std::uint32_t node, const VoterInput& input) {
        auto& one = voters_[node];
        const auto outputs = one.voter->step(now_, input);
        for (const auto& output : outputs) {
            std::visit([&](const auto& what) { on(node, one.life, what); }, output);
        }
    }
    void run(std::chrono::milliseconds time) {
        for (const auto end = now_ + time; now_ < end;) {
            now_ += std::chrono::milliseconds(1);
            for (auto due = std::exchange(soon_, {}); !due.empty(); due.pop_front()) {
                const auto& [node, life, input] = due.front();
                if (voters_[node].voter && voters_[node].life == life) {
                    feed(node, input);
                }
            }
            for (std::uint32_t n = 1; n < voters_.size(); ++n) {
                if (voters_[n].voter && voters_[n].voter->deadline() <= now_) {
                    ++voters_[n].work.ticks;
                    feed(n, Tick{});
                }
            }
        }
    }

    // ---- what came of it
    VoterStatus status(std::uint32_t node) const { return voters_[node].voter->status(now_); }
    // In the ring that it is in.
    bool casts(std::uint32_t node) const { return voters_[node].casts; }
    bool stopped(std::uint32_t node) const { return voters_[node].stopped; }
    std::optional<Poll> first_poll(std::uint32_t node) const { return voters_[node].first_poll; }
    struct PageRead {
        bool known = false;
        Heartbeat heartbeat;
    };
    PageRead page(std::uint32_t node) const {
        std::string all;
        for (const auto& page : disks_[0]) {
            all += page;
        }
        const auto read = newest_heartbeat(all, NodeId(node));
        return read ? PageRead{true, *read} : PageRead{};
    }
    // Of both sides of its heartbeat page.
    std::set<std::string> riders(std::uint32_t node) const {
        std::set<std::string> riders;
        for (std::uint32_t side = 0; side < kSides; ++side) {
            const auto at = page_of(NodeId(node), PageKind::kHeartbeat, side);
            const auto page = decode_heartbeat(disks_[0][at], NodeId(node));
            riders.insert(page ? page->rider : "?");
        }
        return riders;
    }
    RequestPage request(std::uint32_t node) const {
        RequestPage newest;
        for (std::uint32_t side = 0; side < kSides; ++side) {
            const auto at = page_of(NodeId(node), PageKind::kRequest, side);
            auto page = decode_request(disks_[0][at], NodeId(node));
            newest = page && page->sequence > newest.sequence ? *page : newest;
        }
        return newest;
    }
    // As it stands on that disk; empty: nobody has written it.
    std::string raw(std::size_t disk, std::uint32_t node, PageKind kind) const {
        const auto& page = disks_[disk][page_of(NodeId(node), kind, 0)];
        return page == std::string(kPageBytes, '\0') ? std::string() : page;
    }
    // Since it was asked last.
    struct Work {
        int reads = 0;
        int writes = 0;
        int polls = 0;
        int feeds = 0;
        int words = 0;
        int ticks = 0;
    };
    Work work(std::uint32_t node) { return std::exchange(voters_[node].work, {}); }
    const std::vector<FenceDone>& fences() const { return fences_; }
    const std::vector<RiderWritten>& riders_written() const { return riders_written_; }
    const std::vector<WitnessWritten>& witnesses_written() const { return witnesses_written_; }
    const std::vector<ReadDone>& readings() const { return readings_; }

private:
    struct Node {
        std::unique_ptr<Voter> voter;
        std::uint64_t life = ++lives;
        RingId ring;
        NodeSet members;
        bool casts = false;
        bool stopped = false;
        bool frozen = false;
        std::vector<Poll> unanswered;
        std::optional<Poll> first_poll;
        Work work;
        static inline std::uint64_t lives = 0;
    };
    static DiskNumber number(std::size_t disk) {
        return DiskNumber(static_cast<std::uint8_t>(disk));
    }
    static Uuid uuid(std::size_t disk) { return {kDisk.high, disk}; }
    static NodeSet set_of(std::initializer_list<std::uint32_t> members) {
        NodeSet set;
        for (const auto member : members) {
            set.add(NodeId(member));
        }
        return set;
    }
    VoterOptions options(std::uint32_t node) {
        VoterOptions options;
        options.self = NodeId(node);
        options.incarnation = Incarnation(++incarnations_);
        options.boot = {0xb007, boots_[node]};
        options.bound = binds_[node];
        options.remembered = remembered_[node];
        options.cluster = kCluster;
        options.timing = timing_;
        options.resets = resets_;
        return options;
    }
    void set_ring(NodeSet members) {
        ring_sequence_ += 4;
        for (std::uint32_t n = 1; n < voters_.size(); ++n) {
            auto& one = voters_[n];
            if (members.has(NodeId(n)) && one.voter) {
                one.ring = {members.lowest(), ring_sequence_};
                one.members = members;
                one.casts = false;
                feed(n, RingChanged{one.ring, members});
            }
        }
    }
    bool broken(std::uint32_t node, DiskNumber disk) const {
        return broken_paths_.contains(node) || broken_disks_.contains(disk.value());
    }
    std::string bytes_of(std::uint32_t node, const ReadPages& request) {
        const auto cache = caches_.find(node);
        std::string bytes;
        for (auto page = request.first; page < request.first + request.count; ++page) {
            const auto& there = disks_[request.disk.value()][page];
            bytes += cache == caches_.end()
                         ? there
                         : cache->second.try_emplace({request.disk, page}, there).first->second;
        }
        return bytes;
    }

    void on(std::uint32_t node, std::uint64_t life, const ReadPages& request) {
        const bool ok = !broken(node, request.disk);
        ++voters_[node].work.reads;
        soon_.push_back(
            {node, life, PagesRead{request.id, ok, ok ? bytes_of(node, request) : std::string()}});
    }
    void on(std::uint32_t node, std::uint64_t life, const WritePage& request) {
        const auto kind = [&](const auto& refused) {
            return request.disk == refused.first &&
                   (request.page == page_of(NodeId(node), refused.second, 0) ||
                    request.page == page_of(NodeId(node), refused.second, 1));
        };
        const bool ok = !broken(node, request.disk) && !(refused_ && kind(*refused_));
        ++voters_[node].work.writes;
        if (ok) {
            disks_[request.disk.value()][request.page] = request.bytes;
            if (const auto cache = caches_.find(node); cache != caches_.end()) {
                cache->second[{request.disk, request.page}] = request.bytes;
            }
        }
        soon_.push_back({node, life, PageWritten{request.id, ok}});
    }
    void on(std::uint32_t node, std::uint64_t life, const Poll& poll) {
        auto& one = voters_[node];
        ++one.work.polls;
        if (!one.first_poll) {
            one.first_poll = poll;
        }
        if (one.frozen) {
            one.unanswered.push_back(poll);
        } else {
            answer(node, life, poll);
        }
    }
    void answer(std::uint32_t node, std::uint64_t life, const Poll& poll) {
        auto& one = voters_[node];
        const bool ok = poll.ring == one.ring && now_ < poll.before;
        if (ok) {
            one.casts = poll.cast;
        }
        soon_.push_back({node, life, Polled{poll.ring, poll.cast, ok}});
    }
    void on(std::uint32_t node, std::uint64_t, const FeedWatchdog&) { ++voters_[node].work.feeds; }
    void on(std::uint32_t node, std::uint64_t life, const Binds&) {
        binds_[node] = !refuses_to_bind_;
        soon_.push_back({node, life, Bound{!refuses_to_bind_}});
    }
    void on(std::uint32_t node, std::uint64_t, const Remember& output) {
        remembered_[node] = output.bytes;
    }
    void on(std::uint32_t node, std::uint64_t, const Say& word) {
        ++voters_[node].work.words;
        const auto& to = voters_[word.to.value()];
        if (to.voter && to.ring == voters_[node].ring) {
            soon_.push_back({word.to.value(), to.life, PeerSaid{NodeId(node), word.bytes}});
        }
    }
    void on(std::uint32_t, std::uint64_t, const FenceDone& done) { fences_.push_back(done); }
    void on(std::uint32_t, std::uint64_t, const RiderWritten& done) {
        riders_written_.push_back(done);
    }
    void on(std::uint32_t, std::uint64_t, const WitnessWritten& done) {
        witnesses_written_.push_back(done);
    }
    void on(std::uint32_t, std::uint64_t, const ReadDone& done) { readings_.push_back(done); }
    void on(std::uint32_t node, std::uint64_t, const Stopped&) { voters_[node].stopped = true; }
    template <class Output>
    void on(std::uint32_t, std::uint64_t, const Output&) {}

    struct Soon {
        std::uint32_t node = 0;
        std::uint64_t life = 0;
        VoterInput input;
    };
    Timing timing_;
    std::uint32_t pages_;
    Configured configured_;
    UseDisks used_;
    std::vector<std::vector<std::string>> disks_;
    std::vector<Node> voters_;
    bool resets_ = true;
    bool refuses_to_bind_ = false;
    std::map<std::uint32_t, std::uint64_t> boots_;
    std::map<std::uint32_t, bool> binds_;
    std::map<std::uint32_t, std::string> remembered_;
    std::set<std::uint32_t> broken_paths_;
    std::map<std::uint32_t, std::map<std::pair<DiskNumber, std::uint32_t>, std::string>> caches_;
    std::set<std::size_t> broken_disks_;
    std::optional<std::pair<DiskNumber, PageKind>> refused_;
    std::deque<Soon> soon_;
    BootTime now_{std::chrono::seconds(1000)};
    std::uint64_t ring_sequence_ = 0;
    std::uint64_t incarnations_ = 0;
    std::vector<FenceDone> fences_;
    std::vector<RiderWritten> riders_written_;
    std::vector<WitnessWritten> witnesses_written_;
    std::vector<ReadDone> readings_;
};

}  // namespace quorate::quorum::testing
