#include "histories.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "message.hpp"
#include "table.hpp"

namespace quorate::lockmgr::model {
namespace {

constexpr MonoTime kNow{std::chrono::seconds(1000)};  // nothing here hangs on time
constexpr ClientId kClient{1};

RequestId asked(std::uint32_t slot) { return RequestId(slot + 1); }
RequestId given_up(std::uint32_t slot) { return RequestId(slot + 101); }

}  // namespace

std::uint32_t Packets::number_of(const std::string& bytes, std::uint64_t content) {
    auto key = bytes;
    key.append(reinterpret_cast<const char*>(&content), sizeof content);
    const auto [known, fresh] =
        numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(all_.size()));
    if (fresh) {
        all_.push_back({bytes, content});
    }
    return known->second;
}

Histories::Histories(std::uint32_t node, const Modes& modes,
                     const std::vector<cluster::View>& views, Packets& packets)
    : node_(node), modes_(modes), views_(views), packets_(packets), all_(1) {
    begin();
}

void Histories::begin() {
    LockManagerOptions options;
    options.self = views_.front().members[node_].id;
    options.deadlock_wait = std::chrono::hours(1);
    options.domains = {{"d", 0, 0, 0700}};
    options.idle = std::chrono::hours(1);
    machine_ = std::make_unique<LockManager>(options);
    machine_at_ = 0;
    names_ = {};
}

std::uint32_t Histories::after(std::uint32_t history, const Input& input) {
    const auto key = static_cast<std::uint64_t>(history) << 32 | input.code();
    if (const auto known = next_.find(key); known != next_.end()) {
        return known->second;
    }
    if (machine_at_ != history) {
        std::vector<Input> way;
        for (auto at = history; at != 0; at = all_[at].before) {
            way.push_back(all_[at].last);
        }
        begin();
        History nobody;
        for (auto step = way.rbegin(); step != way.rend(); ++step) {
            give(nobody, *step);
        }
    }
    auto next = all_[history];
    next.before = history;
    next.last = input;
    next.sent.clear();
    give(next, input);
    look(next);
    const auto number = static_cast<std::uint32_t>(all_.size());
    all_.push_back(std::move(next));
    next_.emplace(key, number);
    machine_at_ = number;
    return number;
}

void Histories::ask(std::uint32_t slot) {
    Enqueue input;
    input.client = kClient;
    input.request = asked(slot);
    input.domain = "d";
    input.name = "D";
    input.mode = modes_[slot];
    input.xid = slot + 1;
    machine_->step(kNow, input, outputs_);
}

void Histories::give_up(const Use& use, std::uint32_t slot) {
    machine_->step(kNow, Dequeue{kClient, given_up(slot), use.lock, 0, {}}, outputs_);
}

void Histories::give(History& history, const Input& input) {
    outputs_.clear();
    auto& use = history.uses[std::min<std::size_t>(input.what, kSlots - 1)];
    switch (input.kind) {
        case Input::Kind::kAsk:
            use.slot = Slot::kAsked;
            use.mode = modes_[input.what];
            ask(input.what);
            break;
        case Input::Kind::kGiveUp:
            use.slot = Slot::kGivenUp;
            give_up(use, input.what);
            break;
        case Input::Kind::kDeliver:
            names_.learn(packets_[input.what].bytes);
            machine_->step(kNow, Received{NodeId(input.from + 1), packets_[input.what].bytes},
                           outputs_);
            break;
        case Input::Kind::kCommit:
            history.view = input.what + 1;
            machine_->step(kNow, cluster::ViewCommitted{views_[input.what]}, outputs_);
            break;
        case Input::Kind::kTakeOver: {
            const auto& view = views_[history.view - 1];
            machine_->step(kNow, cluster::TakeoverAllowed{view.epoch, view.lost.front()}, outputs_);
            break;
        }
        case Input::Kind::kDrain:
            machine_->step(kNow, Drain{}, outputs_);
            break;
        case Input::Kind::kOpen:
            machine_->step(kNow, ClientOpened{kClient, 100, 0, {}, 0}, outputs_);
            break;
    }
    for (const auto& output : outputs_) {
        if (const auto* waiting = std::get_if<Waiting>(&output)) {
            names_.learn(self(), waiting->lock, waiting->request.value());
        } else if (const auto* done = std::get_if<Completion>(&output);
                   done != nullptr && done->status == LockStatus::kGranted) {
            names_.learn(self(), done->lock, done->request.value());
        }
    }
    for (const auto& output : outputs_) {
        if (const auto* send = std::get_if<Send>(&output)) {
            const auto content = content_of_packet(send->bytes, send->to);
            history.sent.push_back(
                {send->to.value() - 1, packets_.number_of(send->bytes, content)});
        } else if (const auto* completion = std::get_if<Completion>(&output)) {
            hear(history, *completion);
        } else if (std::holds_alternative<Drained>(output)) {
            history.drained = true;
        } else if (const auto* note = std::get_if<Note>(&output);
                   note != nullptr && note->level == LogLevel::kError) {
            history.breach = note->event + " " + note->text;
        }
    }
}

void Histories::hear(History& history, const Completion& completion) const {
    if (completion.status == LockStatus::kUnlocked) {
        return;
    }
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        auto& use = history.uses[slot];
        if (completion.request != asked(slot)) {
            continue;
        }
        if (use.slot != Slot::kAsked || completion.status != LockStatus::kGranted) {
            history.breach = fmt::format("n{}: request {} is answered: {}", node_ + 1, slot + 1,
                                         name_of(completion.status));
            return;
        }
        use.slot = Slot::kHeld;
        use.lock = completion.lock;
        use.mode = completion.mode;
        use.token = completion.token.value();
    }
}

// Acknowledgements are left out, and what is numbered is so by its place.
std::uint64_t Histories::content_of_packet(const std::string& bytes, NodeId to) const {
    const auto packet = decode_packet(bytes);
    auto content = mix(packet->epoch.value());
    if (const auto* batch = std::get_if<Batch>(&packet->content)) {
        for (const auto& item : batch->items) {
            content = mix(content ^ item.issued_before);
            content =
                mix(content ^ model::content_of(*decode_message(item.body), self(), to, names_));
        }
    } else {
        content = mix(content ^ ~std::get<Begin>(packet->content).previous.value());
    }
    return content;
}

// What the others may compare with theirs.
void Histories::look(History& history) {
    auto content = model::content_of(*machine_, names_);
    for (const auto& use : history.uses) {
        content = mix(content ^ static_cast<std::uint64_t>(use.slot));
    }
    history.content = content;
    for (std::uint32_t peer = 0; peer < kNodes; ++peer) {
        if (peer == node_) {
            continue;
        }
        const auto link = link_content_of(*machine_, NodeId(peer + 1), names_);
        history.links[peer] = {static_cast<std::uint32_t>(link.sent),
                               static_cast<std::uint32_t>(link.received),
                               static_cast<std::uint32_t>(unacknowledged_.size()),
                               static_cast<std::uint32_t>(link.unacknowledged.size())};
        std::uint64_t tail = 0;
        for (auto item = link.unacknowledged.rbegin(); item != link.unacknowledged.rend(); ++item) {
            tail = mix(tail ^ *item) + 1;
            unacknowledged_.push_back(tail);
        }
    }
    history.master = false;
    history.copies.clear();
    machine_->each_resource([&](const ResourceInfo& info) {
        history.master = history.master || info.here;
        for (const auto& lock : info.locks) {
            if (info.here) {
                history.copies.push_back({lock.node.value() - 1, lock.lock,
                                          lock.queue != LockInfo::Queue::kGranted, lock.granted});
            }
        }
    });
}

}  // namespace quorate::lockmgr::model
