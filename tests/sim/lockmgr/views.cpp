#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// The membership as clusterd gives it: views whenever it likes, each member commits when it gets to
// it, or skips to a later one; quorum by majority; a life that the others went on without is
// expelled; leases as long as a majority acknowledges; takeover when the lost life is dead or its
// lease is over.
namespace quorate::lockmgr::simulator {
namespace {

constexpr sim::Time kLease = milliseconds(300);

}  // namespace

void World::topology_changed() {
    pump_all();
    // Whoever is cut off hears of it in its own time.
    for (int i = 0; i < 2; ++i) {
        events_.after(between(random_, milliseconds(5),
                              i == 0 ? scenario_.detection / 5 : scenario_.detection),
                      [this] { form_views(); });
    }
}

void World::form_views() {
    std::map<std::size_t, std::vector<std::size_t>> groups;
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        if (hosts_[node].manager) {
            groups[hosts_[node].group].push_back(node);
        }
    }
    for (auto& [group, members] : groups) {
        bool expelled = false;
        const bool quorate = members.size() * 2 > hosts_.size();
        for (const auto node : members) {
            if (quorate && expelled_.contains(hosts_[node].life)) {
                expelled = true;
                trace(node, "expelled");
                give(node, cluster::Expelled{"the others went on without it"});
                crash(node);
                events_.after(milliseconds(20), [this, node] { start(node); });
            }
        }
        if (expelled) {
            continue;  // a new view when it is back
        }
        const auto& any = hosts_[members.front()];
        const auto last = any.views.empty() ? cluster::View{} : any.views.back();
        bool same = true;
        for (const auto node : members) {
            const auto& views = hosts_[node].views;
            same = same && !views.empty() && views.back().epoch == last.epoch;
        }
        same = same && last.members.size() == members.size() &&
               std::ranges::all_of(last.members, [&](const cluster::Member& member) {
                   return hosts_[member.id.node.value() - 1].life == member.id;
               });
        if (!same || random_.one_in(10)) {
            form_view(members, quorate);
        }
    }
}

void World::form_view(const std::vector<std::size_t>& members, bool quorate) {
    cluster::View view;
    view.epoch = cluster::Epoch(++last_epoch_);
    view.quorate = quorate;
    for (const auto node : members) {
        cluster::Member member;
        member.id = hosts_[node].life;
        if (scenario_.reweighs && random_.one_in(3)) {
            scenario_.weights[node] = static_cast<std::uint32_t>(random_.below(6));
        }
        member.directory_weight = scenario_.weights[node];
        view.members.push_back(member);
    }
    view.coordinator = view.members.front().id.node;
    if (quorate) {
        if (lineage_) {
            const auto keep = [&](cluster::MemberId life) {
                const auto told = told_.find(life);
                const bool all = told != told_.end() &&
                                 std::ranges::all_of(lineage_->members, [&](const auto& member) {
                                     return told->second.contains(member.id.node);
                                 });
                if (!all && view.find(life) == nullptr) {
                    view.lost.push_back(life);
                    expelled_.insert(life);
                }
            };
            std::ranges::for_each(lineage_->lost, keep);
            for (const auto& member : lineage_->members) {
                keep(member.id);
            }
            std::ranges::sort(view.lost);
        }
        lineage_ = view;
        for (const auto life : view.lost) {
            domains_.lost(life);
        }
        told_.clear();
    }
    for (const auto node : members) {
        hosts_[node].views.push_back(view);
        commit_later(node);
    }
}

void World::commit_later(std::size_t node) {
    later(node, between(random_, sim::Time(0), milliseconds(random_.one_in(5) ? 120 : 10)),
          [this, node] { commit(node); });
}

void World::commit(std::size_t node) {
    auto& host = hosts_[node];
    std::optional<cluster::View> next;
    for (const auto& view : host.views) {
        if (view.epoch > host.epoch && (!next || random_.one_in(2))) {
            next = view;  // one of those that wait: it may skip some
        }
    }
    if (!host.manager || !next) {
        return;
    }
    host.epoch = next->epoch;
    host.quorate = next->quorate;
    trace(node,
          fmt::format("commits epoch {}: {} members, quorate {}, {} lost", next->epoch.value(),
                      next->members.size(), next->quorate, next->lost.size()));
    give(node, cluster::ViewCommitted{*next});
    if (host.manager && host.views.back().epoch > host.epoch) {
        commit_later(node);
    }
    if (next->quorate && !next->lost.empty()) {
        events_.after(
            between(random_, milliseconds(10), milliseconds(random_.one_in(3) ? 2000 : 300)),
            [this, epoch = next->epoch] { consider_takeover(epoch); });
    }
    pump_all();
}

bool World::may_be_taken_over(cluster::MemberId life) const {
    const auto node = static_cast<std::size_t>(life.node.value() - 1);
    return !hosts_[node].manager || hosts_[node].life != life ||
           hosts_[node].lease <= events_.now();
}

// A member has not heard yet of somebody's takeover.
bool World::lost_may_hold() const {
    return lineage_ && std::ranges::any_of(lineage_->lost, [&](cluster::MemberId life) {
               const auto told = told_.find(life);
               return told == told_.end() ||
                      !std::ranges::all_of(lineage_->members, [&](const cluster::Member& member) {
                          return told->second.contains(member.id.node);
                      });
           });
}

// From then on nobody acknowledges those that it has lost.
bool World::adopted(const cluster::View& view) const {
    return std::ranges::all_of(view.members, [&](const cluster::Member& member) {
        const auto& host = hosts_[member.id.node.value() - 1];
        return host.manager && host.life == member.id && host.epoch == view.epoch;
    });
}

// ---- leases

void World::renew_lease_later(std::size_t node) {
    later(node, between(random_, milliseconds(5), milliseconds(120)), [this, node] {
        renew_lease(node);
        renew_lease_later(node);
    });
}

// Members acknowledge those that are in their view.
void World::renew_lease(std::size_t node) {
    auto& host = hosts_[node];
    std::size_t acknowledged = 0;
    for (const auto& peer : hosts_) {
        const auto it = std::ranges::find(peer.views, peer.epoch, &cluster::View::epoch);
        acknowledged += peer.manager && !peer.frozen && peer.group == host.group &&
                                it != peer.views.end() && it->find(host.life) != nullptr
                            ? 1U
                            : 0U;
    }
    if (host.quorate && acknowledged * 2 > hosts_.size()) {
        host.lease = events_.now() + kLease - between(random_, sim::Time(0), milliseconds(50));
        const auto until = std::chrono::duration_cast<std::chrono::milliseconds>(host.lease);
        give(node, LeaseKnown{MonoTime(until + std::chrono::seconds(1000 * (node + 1)))});
    }
}

void World::consider_takeover(cluster::Epoch epoch) {
    if (!lineage_ || lineage_->epoch != epoch) {
        return;
    }
    bool again = !adopted(*lineage_);
    for (const auto& life : again ? std::vector<cluster::MemberId>() : lineage_->lost) {
        if (!may_be_taken_over(life)) {
            const auto node = static_cast<std::size_t>(life.node.value() - 1);
            if (!hosts_[node].frozen && random_.one_in(3)) {
                hosts_[node].quorate = false;
                give(node, cluster::QuorumLost{hosts_[node].epoch});
            }
            again = true;
            continue;
        }
        if (allowed_.insert(life).second) {
            oracle_.taken_over(life, events_.now());
            domains_.taken_over(life, events_.now());
        }
        for (const auto& member : lineage_->members) {
            const auto node = static_cast<std::size_t>(member.id.node.value() - 1);
            if (told_[life].contains(member.id.node)) {
                continue;
            }
            if (!hosts_[node].manager || hosts_[node].life != member.id || hosts_[node].frozen ||
                random_.one_in(3)) {
                again = true;
                continue;
            }
            told_[life].insert(member.id.node);
            doubtful_until_ = events_.now();
            trace(node, fmt::format("may take over from n{}", life.node.value()));
            give(node, cluster::TakeoverAllowed{epoch, life});
        }
    }
    if (again) {
        events_.after(milliseconds(30), [this, epoch] { consider_takeover(epoch); });
    }
}

}  // namespace quorate::lockmgr::simulator
