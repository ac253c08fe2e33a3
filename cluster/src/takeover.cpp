#include "cluster/takeover.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"

namespace quorate::cluster {

bool is_heir(std::string_view name) { return name.starts_with("heir."); }

void Takeover::adopt(BootTime now, const View& view,
                     const std::function<BootTime(MemberId)>& over) {
    epoch_ = view.epoch;
    quorate_ = view.quorate;
    members_.clear();
    for (const auto& member : view.members) {
        members_.push_back(member.id.node);
    }
    std::erase_if(words_, [&](const auto& word) { return word.second.epoch < epoch_; });
    std::erase_if(confirmed_, [&](const auto& one) {
        return std::ranges::find(view.lost, one.first) == view.lost.end();
    });
    lost_.clear();
    if (!view.quorate) {
        return;
    }
    for (const auto id : view.lost) {
        lost_[id].lease_over = over(id);
        for (const auto& name : fencers_) {
            if ((!is_heir(name) || mutated("heirs_at_once")) && !confirmed_.contains({id, name})) {
                ask(name, id);
            }
        }
    }
    tick(now);
}

bool Takeover::add(const std::string& name) {
    if (name == kLeaseFencer || name.size() > kMaxText || fencers_.size() + 1 >= kMaxFencers) {
        return false;
    }
    if (fencers_.insert(name).second) {
        for (const auto& [id, lost] : lost_) {
            if (!lost.allowed && (!is_heir(name) || lost.heirs_asked)) {
                ask(name, id);
            }
        }
        tell();
    }
    return true;
}

void Takeover::remove(const std::string& name) {
    fencers_.erase(name);
    std::erase_if(confirmed_, [&](const auto& one) { return one.second == name; });
    tell();
}

void Takeover::confirmed(const std::string& name, MemberId lost) {
    if (fencers_.contains(name) && lost_.contains(lost)) {
        confirmed_.emplace(lost, name);
        tell();
    }
}

void Takeover::heard(NodeId member, const Fencing& fencing) {
    const std::pair key{fencing.lost, member};
    const bool room = words_.contains(key) || words_.size() < 2 * kMaxMembers * kMaxLost;
    if (fencing.epoch < epoch_ || !room) {
        return;
    }
    words_[key] = fencing;
    ask_heirs();
    allow();
}

void Takeover::tick(BootTime now) {
    for (auto& [id, lost] : lost_) {
        lost.lease_ended = lost.lease_ended || now >= lost.lease_over;
    }
    tell();
}

std::optional<BootTime> Takeover::deadline() const {
    std::optional<BootTime> next;
    for (const auto& [id, lost] : lost_) {
        if (!lost.lease_ended) {
            next = next ? std::min(*next, lost.lease_over) : lost.lease_over;
        }
    }
    return next;
}

std::vector<std::string> Takeover::waiting(MemberId id, const Lost& lost) const {
    std::vector<std::string> names;
    if (!lost.lease_ended && !mutated("without_lease_fencer")) {
        names.emplace_back(kLeaseFencer);
    }
    std::ranges::copy_if(fencers_, std::back_inserter(names), [&](const std::string& name) {
        return !confirmed_.contains({id, name});
    });
    return names;
}

// Whatever changed since the last word.
void Takeover::tell() {
    for (auto& [id, lost] : lost_) {
        auto names = waiting(id, lost);
        if (!lost.allowed && lost.told != names) {
            out_.emplace_back(Multicast{encode(GroupMessage(Fencing{epoch_, id, names}))});
            lost.told = std::move(names);
        }
    }
}

const Fencing* Takeover::word_of(NodeId member, MemberId id) const {
    const auto word = words_.find({id, member});
    return word != words_.end() && word->second.epoch == epoch_ ? &word->second : nullptr;
}

// A member's last word counts, so one whose new fencer still waits takes its consent back.
bool Takeover::all_confirmed(MemberId id) const {
    if (mutated("forget_heirs")) {
        return is_fenced(id);
    }
    return std::ranges::all_of(members_, [&](NodeId member) {
        if (mutated("one_consent") && member != self_.node) {
            return true;
        }
        const auto* word = word_of(member, id);
        return word != nullptr && word->waiting.empty();
    });
}

bool Takeover::is_fenced(MemberId id) const {
    return std::ranges::all_of(members_, [&](NodeId member) {
        if (mutated("heirs_after_own") && member != self_.node) {
            return true;
        }
        const auto* word = word_of(member, id);
        return word != nullptr && std::ranges::all_of(word->waiting, is_heir);
    });
}

void Takeover::ask_heirs() {
    for (auto& [id, lost] : lost_) {
        if (!quorate_ || lost.heirs_asked || !is_fenced(id)) {
            continue;
        }
        lost.heirs_asked = true;
        for (const auto& name : fencers_) {
            if (is_heir(name) && !confirmed_.contains({id, name})) {
                ask(name, id);
            }
        }
    }
}

void Takeover::allow() {
    for (auto& [id, lost] : lost_) {
        if (quorate_ && !lost.allowed && all_confirmed(id)) {
            lost.allowed = true;
            out_.emplace_back(TakeoverAllowed{epoch_, id});
        }
    }
}

std::vector<TakeoverStatus> Takeover::status(
    BootTime now, const std::function<std::string(NodeId)>& name_of) const {
    std::vector<TakeoverStatus> all;
    for (const auto& [id, lost] : lost_) {
        if (lost.allowed) {
            continue;
        }
        const auto name = name_of(id.node);
        std::string text;
        const auto add = [&](const std::string& what) {
            text += (text.empty() ? "" : ", ") + what;
        };
        if (!lost.lease_ended) {
            const std::chrono::duration<double> rest = lost.lease_over - now;
            add(fmt::format("lease of {} ends in {:.1f} s", name, std::max(0.0, rest.count())));
        }
        for (const auto member : members_) {
            const auto* word = word_of(member, id);
            if (word == nullptr) {
                add(fmt::format("word of {}", name_of(member)));
                continue;
            }
            for (const auto& fencer : word->waiting) {
                if (fencer != kLeaseFencer) {
                    add(fmt::format("fencer {} of {}", fencer, name_of(member)));
                } else if (member != self_.node) {
                    add(fmt::format("lease of {} as {} counts it", name, name_of(member)));
                }
            }
        }
        all.push_back({id, name, text.empty() ? "the group" : text});
    }
    return all;
}

}  // namespace quorate::cluster
