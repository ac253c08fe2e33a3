#include "shadowing/cluster/disk_opener.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "io/event.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/member_meta.hpp"
#include "shadowing/io/rados_member.hpp"
#include "shadowing/io/served_member.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;

constexpr std::uint64_t kLooker = 1;
constexpr std::chrono::seconds kLookTime{10};
constexpr std::chrono::seconds kLittleWhile{1};

// Where it is served its node's shadowd knows.
awaitable<Result<ServedDisk>> find_served(ClusterNode& node, DiskPlace place) {
    boost::json::object body{{"path", place.path}};
    auto answer = co_await node.ask(place.node, "POST", "/v1/shadow/cluster/disk", std::move(body));
    if (!answer) {
        co_return tl::unexpected<Error>(std::move(answer).error());
    }
    if (answer->status != 200 || !answer->body.is_object()) {
        co_return fail(errc::refused, fmt::format("{}: {}", place.node, answer->text));
    }
    const auto& object = answer->body.as_object();
    ServedDisk disk;
    disk.disk = object.at("name").as_string();
    disk.address = object.at("address").as_string();
    co_return disk;
}

// Whether nobody serves the disk: its node has left, by itself or as a lost one, has no shadowd, or
// one that does not have it.
awaitable<bool> is_unserved(ClusterNode& node, DiskPlace place) {
    auto members = co_await node.members();
    if (!members) {
        co_return false;
    }
    if (std::ranges::find(*members, place.node) == members->end()) {
        co_return true;
    }
    boost::json::object body{{"path", place.path}};
    auto answer = co_await node.ask(place.node, "POST", "/v1/shadow/cluster/disk", std::move(body));
    co_return answer && (ClusterNode::has_no_shadowd(*answer) || answer->status == 404);
}

awaitable<void> ask_for_end(ClusterNode& node, DiskPlace place, std::function<void(bool)> answer) {
    auto ended = co_await is_unserved(node, std::move(place));
    answer(ended);
}

}  // namespace

OpenerSlot slot_of(cluster::NodeId node) {
    return OpenerSlot(static_cast<std::uint16_t>(node.value() - 1));
}

std::optional<DiskPlace> parse_disk_place(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size() ||
        text.substr(0, colon).find('/') != std::string_view::npos || is_rados_place(text)) {
        return std::nullopt;
    }
    return DiskPlace{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

struct DiskOpener::Link {
    bool ended = false;

    static awaitable<void> open_served(std::shared_ptr<Link> link, ClusterNode& node,
                                       std::string psk_file, Id128 set, DiskPlace place,
                                       Opened done) {
        auto found = co_await find_served(node, place);
        if (link->ended) {
            co_return;
        }
        if (!found) {
            done(tl::unexpected<Error>(std::move(found).error()));
            co_return;
        }
        found->set = set;
        found->opener = {node.self(), node.process()};
        found->psk_file = std::move(psk_file);
        found->epoch = [&node] { return node.lease(io::exact_boot_now()).epoch.value(); };
        found->has_ended = [&node, place](std::function<void(bool)> answer) {
            io::spawn(node.io(), ask_for_end(node, place, std::move(answer)));
        };
        open_served_member(node.io(), std::move(*found), std::move(done));
    }
};

DiskOpener::DiskOpener(ClusterNode& node, LocalDisks& local, DiskWays ways)
    : node_(node), local_(local), ways_(std::move(ways)), link_(std::make_shared<Link>()) {}

DiskOpener::~DiskOpener() { link_->ended = true; }

void DiskOpener::open(io::Uring& ring, Id128 set, const std::string& disk, Opened done) {
    if (is_rados_place(disk)) {
        // Who looks is noted beside the opener that this process has or will have there.
        open_rados_member(node_.io(), disk, {node_.self(), ways_.looks ? kLooker : node_.process()},
                          RadosOthers::kStay, std::move(done));
        return;
    }
    if (ways_.shared) {
        done(open_shared_member(ring, node_.io(), disk, slot_of(node_.self().node)));
        return;
    }
    const auto place = parse_disk_place(disk);
    if (!place) {
        done(fail(errc::refused, disk + ": wants NODE:PATH, or shared disks"));
    } else if (place->node != node_.name()) {
        io::spawn(node_.io(),
                  Link::open_served(link_, node_, ways_.psk_file, set, *place, std::move(done)));
    } else if (auto opened = local_.open(place->path); opened) {
        done(make_file_member(ring, node_.io(), std::move(*opened)));
    } else {
        done(tl::unexpected(opened.error()));
    }
}

// ---- a look at them

namespace {

// Shared with all that is under way.
struct DiskLook : std::enable_shared_from_this<DiskLook> {
    DiskLook(ClusterNode& node, LocalDisks& local, DiskWays ways, io::Uring uring)
        : io(node.io()),
          ring(std::move(uring)),
          opener(node, local, std::move(ways)),
          done(node.io()) {}

    void begin(const std::vector<std::string>& disks) {
        left = disks.size();
        members.resize(left);
        for (const auto& disk : disks) {
            seen.push_back({disk, {}, "does not answer"});
        }
        for (std::size_t i = 0; i < disks.size(); ++i) {
            opener.open(ring, Id128(), disks[i],
                        [self = shared_from_this(), i](Result<std::unique_ptr<Member>> member) {
                            self->opened(i, std::move(member));
                        });
        }
    }

    void opened(std::size_t i, Result<std::unique_ptr<Member>> member) {
        if (!member) {
            told(i, tl::unexpected(member.error()));
            return;
        }
        members[i] = std::move(*member);
        read_label(*members[i], [self = shared_from_this(), i](const Result<FoundLabel>& found) {
            self->told(i, found);
        });
    }

    void told(std::size_t i, const Result<FoundLabel>& found) {
        if (found) {
            seen[i].label = found->label;
        }
        seen[i].problem = found ? "" : found.error().to_string();
        if (--left == 0) {
            done.set();
            // What is over now, members and ring, goes when nothing of it is on the stack.
            boost::asio::post(io, [self = shared_from_this()] {});
        }
    }

    boost::asio::io_context& io;
    io::Uring ring;
    DiskOpener opener;
    io::Event done;
    std::vector<SeenDisk> seen;
    std::vector<std::unique_ptr<Member>> members;
    std::size_t left = 0;
};

}  // namespace

awaitable<std::vector<SeenDisk>> look_at_disks(ClusterNode& node, LocalDisks& local, DiskWays ways,
                                               std::vector<std::string> disks, LookFor what) {
    auto ring = io::Uring::open(node.io());
    std::vector<SeenDisk> seen;
    if (!ring || disks.empty()) {
        for (const auto& disk : disks) {
            seen.push_back({disk, {}, ring.error().to_string()});
        }
        co_return seen;
    }
    ways.looks = true;
    const auto look = std::make_shared<DiskLook>(node, local, std::move(ways), std::move(*ring));
    look->begin(disks);
    auto all = co_await look->done.wait(io::after(kLittleWhile));
    const bool any =
        std::ranges::any_of(look->seen, [](const SeenDisk& one) { return one.label.has_value(); });
    if (!all && (what == LookFor::kAll || !any)) {
        all = co_await look->done.wait(io::after(kLookTime));
    }
    seen = look->seen;
    co_return seen;
}

}  // namespace quorate::shadowing
