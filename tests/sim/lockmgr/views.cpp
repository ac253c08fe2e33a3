#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// The membership as clusterd gives it: views whenever it likes, each member commits when it gets to
// it, or skips to a later one; quorum by majority; a life that the others went on without is
// expelled; takeover when the lost life is dead or knows that it has no quorum.
namespace quorate::lockmgr::simulator {

void World::topology_changed() {
    pump_all();
    // Whoever is cut off hears of it in its own time.
    for (int i = 0; i < 2; ++i) {
        events_.after(between(random_, milliseconds(5), milliseconds(i == 0 ? 60 : 300)),
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
        told_.clear();
    }
    for (const auto node : members) {
        hosts_[node].views.push_back(view);
        commit_later(node);
    }
}

void World::commit_later(std::size_t node) {
    events_.after(between(random_, sim::Time(0), milliseconds(random_.one_in(5) ? 120 : 10)),
                  [this, node, life = hosts_[node].life] {
                      if (hosts_[node].life == life) {
                          commit(node);
                      }
                  });
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
    const auto& host = hosts_[life.node.value() - 1];
    return !host.manager || host.life != life || !host.quorate;
}

void World::consider_takeover(cluster::Epoch epoch) {
    if (!lineage_ || lineage_->epoch != epoch) {
        return;
    }
    bool again = false;
    for (const auto& life : lineage_->lost) {
        if (!may_be_taken_over(life)) {
            // Its lease ends.
            const auto node = static_cast<std::size_t>(life.node.value() - 1);
            hosts_[node].quorate = false;
            give(node, cluster::QuorumLost{hosts_[node].epoch});
        }
        if (allowed_.insert(life).second) {
            oracle_.taken_over(life, events_.now());
        }
        for (const auto& member : lineage_->members) {
            const auto node = static_cast<std::size_t>(member.id.node.value() - 1);
            if (told_[life].contains(member.id.node)) {
                continue;
            }
            if (!hosts_[node].manager || hosts_[node].life != member.id ||
                hosts_[node].epoch != epoch || random_.one_in(3)) {
                again = true;
                continue;
            }
            told_[life].insert(member.id.node);
            trace(node, fmt::format("may take over from n{}", life.node.value()));
            give(node, cluster::TakeoverAllowed{epoch, life});
        }
    }
    if (again) {
        events_.after(milliseconds(30), [this, epoch] { consider_takeover(epoch); });
    }
}

}  // namespace quorate::lockmgr::simulator
