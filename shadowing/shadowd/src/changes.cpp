#include <algorithm>
#include <utility>

#include "io/event.hpp"
#include "io/time.hpp"
#include "shadowd.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/disk_tools.hpp"

// What the operator asks of a unit that is mounted, and what other nodes want of this one for that.
namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;

// Below what clusterctl waits for an answer.
constexpr std::chrono::seconds kWordTime{15};

// Shared with the set, which says how it ended.
struct WordEnd {
    explicit WordEnd(boost::asio::io_context& io) : told(io) {}
    io::Event told;
    Status status;

    static MountedSet::Asked of(const std::shared_ptr<WordEnd>& end) {
        return [end](Status status) {
            end->status = std::move(status);
            end->told.set();
        };
    }
};

awaitable<Result<bool>> await_word(std::shared_ptr<WordEnd> end) {
    auto told = co_await end->told.wait(io::after(kWordTime));
    if (!told) {
        co_return false;
    }
    if (!end->status) {
        co_return tl::unexpected<Error>(end->status.error());
    }
    co_return true;
}

boost::json::object to_json(const DiskPlace& place, const Label& like, bool force) {
    return {{"path", place.path},
            {"unit", like.unit},
            {"set", like.set.to_hex()},
            {"lineage", like.lineage.to_hex()},
            {"blocks", like.set_blocks},
            {"block_shift", like.layout.block_shift},
            {"openers", like.layout.openers},
            {"force", force}};
}

Error not_mounted(const std::string& name) {
    return fail(errc::refused, name + ": is not mounted here").value();
}

}  // namespace

MountedSet* Shadowd::mounted(const std::string& name) {
    const auto* unit = find(name);
    const bool is_mounted =
        unit != nullptr && unit->set && !unit->leaving && unit->set->status().set.mounted;
    return is_mounted ? unit->set.get() : nullptr;
}

awaitable<Result<bool>> Shadowd::add(std::string name, std::string disk, bool force) {
    auto ready = co_await make_ready(name, disk, force);
    auto* set = mounted(name);
    if (ready && set == nullptr) {
        ready = tl::unexpected<Error>(not_mounted(name));
    }
    if (!ready) {
        co_return tl::unexpected<Error>(std::move(ready).error());
    }
    const auto end = std::make_shared<WordEnd>(daemon_.io());
    set->add(disk, WordEnd::of(end));
    auto added = co_await await_word(end);
    co_return added;
}

// The disk has a label of the set, and every node knows it before it is a member: who did not would
// expel it.
awaitable<Status> Shadowd::make_ready(std::string name, std::string disk, bool force) {
    auto* set = mounted(name);
    if (set == nullptr) {
        co_return tl::unexpected<Error>(not_mounted(name));
    }
    const auto like = set->like();
    const auto file = find(name)->file;
    const auto place = file.cluster && !file.shared ? parse_disk_place(disk) : std::nullopt;
    Status ready;
    if (place && place->node != cluster_->node_name()) {
        auto body = to_json(*place, like, force);
        ready = co_await cluster_->prepare(*place, std::move(body));
    } else {
        ready = co_await prepare(place ? place->path : disk, like, force);
    }
    if (ready && file.cluster) {
        ready = co_await cluster_->tell_of_disk(like.set, disk);
    }
    auto* unit = find(name);
    if (ready && unit != nullptr) {
        ready = remember(*unit, disk);
    }
    co_return ready;
}

awaitable<Result<bool>> Shadowd::remove(std::string name, std::string disk, bool keep_changes) {
    auto* set = mounted(name);
    if (set == nullptr) {
        co_return tl::unexpected<Error>(not_mounted(name));
    }
    const auto end = std::make_shared<WordEnd>(daemon_.io());
    set->remove(disk, keep_changes, WordEnd::of(end));
    auto removed = co_await await_word(end);
    co_return removed;
}

awaitable<Result<bool>> Shadowd::expand(std::string name) {
    auto* set = mounted(name);
    if (set == nullptr) {
        co_return tl::unexpected<Error>(not_mounted(name));
    }
    const auto end = std::make_shared<WordEnd>(daemon_.io());
    set->expand(WordEnd::of(end));
    auto expanded = co_await await_word(end);
    co_return expanded;
}

awaitable<Status> Shadowd::accept_loss(std::string name) {
    const auto* unit = find(name);
    if (unit == nullptr || unit->leaving) {
        co_return tl::unexpected<Error>(not_mounted(name));
    }
    if (mounted(name) != nullptr) {
        co_return fail(errc::refused, name + ": is mounted: there is no loss to accept");
    }
    const auto file = unit->file;
    co_await retire(name);
    if (units_.contains(name)) {
        co_return fail(errc::refused, name + ": another node cannot be told: try again");
    }
    auto& anew = place(file);
    anew.accept_loss = true;
    try_to_begin(anew);
    co_return Status();
}

// ---- disks

awaitable<Status> Shadowd::prepare(std::string path, Label like, bool force) {
    const bool is_served = served_.find(path) != nullptr;
    for (const auto& [name, unit] : units_) {
        const bool used = unit.set && std::ranges::any_of(unit.file.disks, [&](const auto& disk) {
                              const auto place = parse_disk_place(disk);
                              return disk == path || (place && cluster_ && place->path == path &&
                                                      place->node == cluster_->node_name());
                          });
        if (used && unit.set->set_id() != like.set) {
            co_return fail(errc::refused, path + ": is a disk of " + name);
        }
    }
    auto label = [&] { return label_disk(path, like, {force, is_served}); };
    auto labelled = co_await tools_.run(std::move(label));
    co_return labelled;
}

Status Shadowd::remember(Unit& unit, const std::string& disk) {
    auto& disks = unit.file.disks;
    if (std::ranges::find(disks, disk) != disks.end()) {
        return {};
    }
    disks.push_back(disk);
    return write_unit_file(unit.file);
}

Status Shadowd::know(Id128 set, const std::string& disk) {
    for (auto& [name, unit] : units_) {
        if (unit.set && unit.file.cluster && unit.set->set_id() == set) {
            QUORATE_CHECK(unit.set->know(disk));
            QUORATE_CHECK(remember(unit, disk));
        }
    }
    return {};
}

}  // namespace quorate::shadowing
