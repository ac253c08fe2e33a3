#include "fencer_desk.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/json/object.hpp>

#include "chronicle.hpp"
#include "unix_time.hpp"

namespace quorate::cluster {

namespace json = boost::json;

const FencerDesk::Fencer* FencerDesk::find(const std::string& name) const {
    const auto found = fencers_.find(name);
    return found == fencers_.end() ? nullptr : &found->second;
}

bool FencerDesk::is_attached(const std::string& name, std::uint64_t session) const {
    const auto* fencer = find(name);
    return fencer != nullptr && session != 0 && fencer->session == session;
}

void FencerDesk::add(const std::string& name, std::uint32_t uid, WallTime now) {
    fencers_[name] = {uid, 0, 0, now, {}};
}

void FencerDesk::attach(const std::string& name, std::uint64_t session, std::uint32_t process,
                        WallTime now) {
    if (const auto found = fencers_.find(name); found != fencers_.end()) {
        found->second.session = session;
        found->second.process = process;
        found->second.since = now;
    }
}

bool FencerDesk::detach(const std::string& name, std::uint64_t session, WallTime now) {
    if (!is_attached(name, session)) {
        return false;
    }
    attach(name, 0, 0, now);
    return true;
}

bool FencerDesk::ask(const Fence& fence, WallTime now) {
    const auto found = fencers_.find(fence.name);
    if (found == fencers_.end()) {
        return false;
    }
    const auto [request, is_new] =
        found->second.requests.try_emplace(fence.lost, Request{fence.epoch, now});
    request->second.epoch = fence.epoch;
    return is_new;
}

// Without quorum nothing is taken over; the next view with quorum asks again.
void FencerDesk::adopt(const View& view) {
    for (auto& [name, fencer] : fencers_) {
        std::erase_if(fencer.requests, [&](const auto& request) {
            return !view.quorate || std::ranges::find(view.lost, request.first) == view.lost.end();
        });
    }
}

void FencerDesk::taken_over(MemberId lost) {
    for (auto& [name, fencer] : fencers_) {
        fencer.requests.erase(lost);
    }
}

bool FencerDesk::confirm(const std::string& name, MemberId lost) {
    const auto found = fencers_.find(name);
    return found != fencers_.end() && found->second.requests.erase(lost) > 0;
}

std::vector<std::pair<MemberId, Epoch>> FencerDesk::news(const std::string& name,
                                                         Told& told) const {
    std::vector<std::pair<MemberId, Epoch>> unsaid;
    const auto* fencer = find(name);
    if (fencer == nullptr) {
        return unsaid;
    }
    Told now;
    for (const auto& [lost, request] : fencer->requests) {
        const auto before = told.find(lost);
        if (before == told.end() || before->second != request.epoch) {
            unsaid.emplace_back(lost, request.epoch);
        }
        now[lost] = request.epoch;
    }
    told = std::move(now);
    return unsaid;
}

json::object fencer_row(const std::string& name, const FencerDesk::Fencer& fencer,
                        const NameOf& name_of) {
    json::array owed;
    for (const auto& [lost, request] : fencer.requests) {
        owed.push_back({{"node", name_of(lost.node)},
                        {"node_id", lost.node.value()},
                        {"incarnation", hexadecimal(lost.incarnation.value())},
                        {"epoch", request.epoch.value()},
                        {"asked", unix_seconds(request.asked)}});
    }
    return {{"name", name},
            {"state", fencer.session != 0 ? "attached" : "absent"},
            {"since", unix_seconds(fencer.since)},
            {"uid", fencer.uid},
            {"pid", fencer.process},
            {"unconfirmed", std::move(owed)}};
}

json::array fencer_rows(const FencerDesk& desk, const NameOf& name_of) {
    json::array rows;
    for (const auto& [name, fencer] : desk.fencers()) {
        rows.push_back(fencer_row(name, fencer, name_of));
    }
    return rows;
}

std::string owed_text(const FencerDesk::Fencer& fencer, const NameOf& name_of) {
    std::string text;
    for (const auto& [lost, request] : fencer.requests) {
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name_of(lost.node),
                            hexadecimal(lost.incarnation.value()));
    }
    return text;
}

}  // namespace quorate::cluster
