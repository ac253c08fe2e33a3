#include "chronicle.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "io/time.hpp"

namespace quorate::cluster {

namespace json = boost::json;

std::string hexadecimal(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string Chronicle::name_of(NodeId node) const {
    if (const auto named = names_.find(node); named != names_.end()) {
        return named->second;
    }
    for (const auto& configured : nodes_.configured()) {
        if (configured.id == node.value() && !configured.name.empty()) {
            return configured.name;
        }
    }
    return fmt::format("node {}", node.value());
}

bool Chronicle::is_configured(NodeId node) const {
    return std::ranges::find(nodes_.configured(), node.value(), &CorosyncConf::Node::id) !=
           nodes_.configured().end();
}

std::uint64_t Chronicle::breaks(MemberId peer, std::uint32_t ring) const {
    const auto found = breaks_.find({peer, ring});
    return found == breaks_.end() ? 0 : found->second;
}

std::vector<Refusal> Chronicle::refusals() const {
    std::vector<Refusal> all;
    for (const auto& [node, refusal] : refusals_) {
        if (is_configured(node)) {
            all.push_back(refusal);
        }
    }
    return all;
}

void Chronicle::note(const ViewCommitted& committed) {
    const auto& view = committed.view;
    epoch_ = view.epoch;
    std::string names;
    json::array members;
    for (const auto& member : view.members) {
        names_[member.id.node] = member.name;
        refusals_.erase(member.id.node);
        names += (names.empty() ? "" : " ") + member.name;
        members.emplace_back(member.name);
    }
    std::erase_if(breaks_, [&](const auto& one) {
        const auto* member = view.find(one.first.first.node);
        return member == nullptr || member->id != one.first.first;
    });
    if (view.quorate && !formed_) {
        formed_ = io::wall_now();
    }
    std::erase_if(refusals_, [this](const auto& one) { return !is_configured(one.first); });
    nodes_.learn(view);
    log_.info("view", "epoch", view.epoch.value(), "quorate", view.quorate, "members", names,
              "coordinator", name_of(view.coordinator), "level", view.level);
    events_.add("view", fmt::format("members {}{}", names, view.quorate ? "" : ", without quorum"),
                epoch_, {{"members", std::move(members)}, {"quorate", view.quorate}});
}

void Chronicle::note(const QuorumLost& lost) {
    log_.warn("quorum_lost", "epoch", lost.epoch.value());
    events_.add("quorum_lost", "the view lost its votes: everything waits", lost.epoch);
}

void Chronicle::note(const TakeoverAllowed& allowed) {
    const auto name = name_of(allowed.lost.node);
    log_.info("takeover_allowed", "node", name, "incarnation",
              hexadecimal(allowed.lost.incarnation.value()), "epoch", allowed.epoch.value());
    events_.add("takeover_allowed", name + " can do no harm any more", allowed.epoch,
                {{"node", name}, {"incarnation", hexadecimal(allowed.lost.incarnation.value())}});
}

void Chronicle::note(const Expelled& expelled) {
    log_.warn("expelled", "why", expelled.reason, "epoch", epoch_.value());
    events_.add("expelled", expelled.reason, epoch_);
}

void Chronicle::note(const Refusal& refusal) {
    if (refusal.node == self_.node) {
        own_refusal_ = refusal.cause;
    }
    refusals_[refusal.node] = refusal;
    log_.warn("member_refused", "node", refusal.name, "id", refusal.node.value(), "why",
              refusal.text);
    events_.add("refused", refusal.name + ": " + refusal.text, epoch_, {{"node", refusal.name}});
}

void Chronicle::note(const LevelRefused& refused) { level_refusal_ = refused.text; }

void Chronicle::note(const Note& note) {
    switch (note.level) {
        case LogLevel::kDebug:
            log_.debug(note.event, "text", note.text);
            break;
        case LogLevel::kInfo:
            log_.info(note.event, "text", note.text);
            break;
        case LogLevel::kWarn:
            log_.warn(note.event, "text", note.text);
            break;
        case LogLevel::kError:
            log_.error(note.event, "text", note.text);
            break;
    }
}

void Chronicle::note(const RingChanged& changed) {
    const auto name = name_of(changed.peer.node);
    const char* kind = changed.up ? "ring_up" : "ring_down";
    if (!changed.up) {
        ++breaks_[{changed.peer, changed.ring}];
    }
    log_.info(kind, "node", name, "ring", changed.ring, "why", changed.reason);
    events_.add(kind,
                fmt::format("ring {} to {}{}{}", changed.ring, name,
                            changed.reason.empty() ? "" : ": ", changed.reason),
                epoch_, {{"node", name}, {"ring", changed.ring}});
}

void Chronicle::note(const LeasePage& lease) {
    const bool told = lease.state == LeaseState::kExpelled || lease.reason == StallReason::kStopped;
    if (told || std::exchange(stalled_, lease.reason) == lease.reason) {
        return;
    }
    if (lease.reason == StallReason::kNone) {
        log_.info("lease_runs", "epoch", lease.epoch.value());
        events_.add("lease_runs", "what the cluster shares may be used", lease.epoch);
        return;
    }
    log_.warn("lease_stalled", "why", text_of(lease.reason), "epoch", lease.epoch.value());
    events_.add("lease_stalled", std::string(text_of(lease.reason)), lease.epoch);
}

void Chronicle::note_draining(bool draining) {
    const char* kind = draining ? "drain" : "undrain";
    log_.info(kind);
    events_.add(kind, draining ? "takes no new work" : "takes work again", epoch_);
}

}  // namespace quorate::cluster
