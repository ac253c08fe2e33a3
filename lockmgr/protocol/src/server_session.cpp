#include "lockmgr/protocol/server_session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace quorate::lockmgr {
namespace {

using Reason = wire::Refused::Reason;
using wire::LockNumber;
using wire::RequestNumber;

// What a completion belongs to, in the number of a request as the lock manager sees it: two bits of
// kind, thirty of the lock's number, the client's request number.
constexpr std::uint64_t kEnqueue = 0;
constexpr std::uint64_t kConvert = 1;
constexpr std::uint64_t kDequeue = 2;
constexpr std::uint64_t kOther = 3;
constexpr unsigned kKindShift = 62;
constexpr unsigned kNumberShift = 32;
constexpr std::uint32_t kNumberMask = 0x3fffffff;
constexpr std::size_t kDomainsKnown = 256;
// Of requests other than for locks and modes there may be more: clients do not count releases.
constexpr std::uint32_t kOthersPerRequest = 4;

std::uint64_t kind_of(RequestId id) { return id.value() >> kKindShift; }
LockNumber number_of(RequestId id) {
    return static_cast<LockNumber>(id.value() >> kNumberShift) & kNumberMask;
}
RequestNumber request_of(RequestId id) { return static_cast<RequestNumber>(id.value()); }

std::optional<MonoTime> due(MonoTime now, std::uint32_t deadline_ms) {
    return deadline_ms == 0 ? std::nullopt
                            : std::optional(now + std::chrono::milliseconds(deadline_ms));
}

}  // namespace

ServerSession::ServerSession(Who who, Limits limits, wire::Welcome welcome)
    : who_(std::move(who)), limits_(limits), welcome_(std::move(welcome)), slots_(1) {
    limits_.locks = std::min(limits_.locks, kNumberMask);
    welcome_.locks_max = limits_.locks;
    welcome_.requests_max = limits_.requests;
}

// ---- what the client says

std::optional<LockInput> ServerSession::next(MonoTime now) {
    while (!cut_) {
        const auto rest = std::string_view(in_).substr(taken_);
        const auto frame = wire::first_frame(rest, wire::kMaxRequest);
        if (!frame) {
            cut_off(Reason::kMalformed, frame.error().detail + ": empty, or longer than 1024");
            break;
        }
        if (frame->empty()) {
            in_.erase(0, std::exchange(taken_, 0));
            break;
        }
        taken_ += wire::kLength + frame->size();
        const auto request = wire::decode_request(*frame);
        if (!request) {
            cut_off(Reason::kMalformed, request.error().detail);
            break;
        }
        if (!opened_ && !std::holds_alternative<wire::Hello>(*request)) {
            cut_off(Reason::kMalformed, "the first frame is no hello");
            break;
        }
        auto input = std::visit([&](const auto& one) { return read(one, now); }, *request);
        if (input) {
            return input;
        }
    }
    return std::nullopt;
}

void ServerSession::cut_off(Reason reason, std::string text) {
    if (!cut_) {
        cut_ = wire::Refused{reason, std::move(text)};
        wire::append(out_, *cut_);
    }
}

RequestId ServerSession::begin(std::uint64_t kind, LockNumber number, RequestNumber request) {
    ++pending_;
    return RequestId((kind << kKindShift) | (static_cast<std::uint64_t>(number) << kNumberShift) |
                     request);
}

// Answers may be withheld for a while, with all that they hold.
bool ServerSession::takes_more(std::uint32_t requests) {
    if (pending_ >= requests) {
        cut_off(Reason::kTooMuch, "more requests than may be unanswered");
    }
    return !cut_;
}

// Without asking the lock manager.
void ServerSession::answer(RequestNumber request, LockNumber number, LockStatus status) {
    Completion completion;
    completion.status = status;
    wire::append(out_, request, number, completion);
}

ServerSession::Slot* ServerSession::find(LockNumber number) {
    return number != 0 && number < slots_.size() && slots_[number].state != Slot::State::kFree
               ? &slots_[number]
               : nullptr;
}

// A sublock's is its parent's.
std::uint16_t ServerSession::domain_of(const wire::Enqueue& enqueue) {
    if (const auto* above = find(enqueue.parent); above != nullptr) {
        return above->domain;
    }
    if (domains_[last_domain_] != enqueue.domain) {
        auto at = std::ranges::find(domains_, enqueue.domain);
        if (at == domains_.end() && domains_.size() < kDomainsKnown) {
            at = domains_.insert(at, std::string(enqueue.domain));
        }
        last_domain_ = at == domains_.end() ? 0 : static_cast<std::uint16_t>(at - domains_.begin());
    }
    return last_domain_;
}

std::optional<LockInput> ServerSession::read(const wire::Hello& hello, MonoTime) {
    if (opened_) {
        cut_off(Reason::kMalformed, "a second hello");
        return std::nullopt;
    }
    if (hello.lowest > wire::kVersion || hello.highest < wire::kVersion) {
        cut_off(Reason::kOtherVersion,
                fmt::format("this clusterd speaks version {}, the client {} to {}", wire::kVersion,
                            hello.lowest, hello.highest));
        return std::nullopt;
    }
    opened_ = true;
    wire::append(out_, welcome_);
    return ClientOpened{who_.client, who_.pid, who_.uid, who_.gids, hello.priority};
}

std::optional<LockInput> ServerSession::read(const wire::Enqueue& enqueue, MonoTime now) {
    const auto number = enqueue.lock;
    if (number == 0 || number > slots_.size() || find(number) != nullptr) {
        cut_off(Reason::kMalformed,
                fmt::format("lock number {} is in use or skips others", number));
        return std::nullopt;
    }
    if (!takes_more(limits_.requests)) {
        return std::nullopt;
    }
    LockId parent;
    if (enqueue.parent != 0) {
        const auto* above = find(enqueue.parent);
        if (above == nullptr) {
            answer(enqueue.request, number, LockStatus::kNoSuchLock);
            return std::nullopt;
        }
        parent = above->id;
    }
    if (number > limits_.locks) {
        answer(enqueue.request, number, LockStatus::kOverLimit);
        return std::nullopt;
    }
    if (number == slots_.size()) {
        slots_.emplace_back();
    }
    const auto domain = domain_of(enqueue);
    auto& slot = slots_[number];
    slot = Slot{};
    slot.domain = domain;
    slot.state = Slot::State::kNew;
    slot.since = now;
    slot.parent = enqueue.parent;
    slot.blocking = (enqueue.flags & flag::BLOCKING) != 0;
    ++locks_;
    Enqueue input;
    input.client = who_.client;
    input.request = begin(kEnqueue, number, enqueue.request);
    input.domain = enqueue.domain;
    input.parent = parent;
    input.name = enqueue.name;
    input.mode = enqueue.mode;
    input.flags = enqueue.flags;
    input.xid = enqueue.xid;
    input.deadline = due(now, enqueue.deadline_ms);
    return input;
}

std::optional<LockInput> ServerSession::read(const wire::Convert& convert, MonoTime now) {
    auto* slot = find(convert.lock);
    if (slot == nullptr) {
        answer(convert.request, convert.lock, LockStatus::kNoSuchLock);
        return std::nullopt;
    }
    if (!takes_more(limits_.requests)) {
        return std::nullopt;
    }
    if (!slot->converting && slot->state == Slot::State::kHeld) {
        slot->since = now;
    }
    slot->converting = true;
    if ((convert.flags & flag::BLOCKING) != 0 && !slot->blocking) {
        slot->blocking = true;
        remember(convert.lock, slot->id);
    }
    Convert input;
    input.client = who_.client;
    input.request = begin(kConvert, convert.lock, convert.request);
    input.lock = slot->id;
    input.mode = convert.mode;
    input.flags = convert.flags;
    input.value = convert.value;
    input.deadline = due(now, convert.deadline_ms);
    return input;
}

std::optional<LockInput> ServerSession::read(const wire::Dequeue& dequeue, MonoTime) {
    const auto* slot = find(dequeue.lock);
    if (slot == nullptr) {
        answer(dequeue.request, dequeue.lock, LockStatus::kNoSuchLock);
        return std::nullopt;
    }
    if (!takes_more(kOthersPerRequest * limits_.requests)) {
        return std::nullopt;
    }
    Dequeue input;
    input.client = who_.client;
    input.request = begin(kDequeue, dequeue.lock, dequeue.request);
    input.lock = slot->id;
    input.flags = dequeue.flags;
    input.value = dequeue.value;
    return input;
}

std::optional<LockInput> ServerSession::read(const wire::Cancel& cancel, MonoTime) {
    const auto* slot = find(cancel.lock);
    if (slot == nullptr) {
        answer(cancel.request, 0, LockStatus::kNoSuchLock);
        return std::nullopt;
    }
    if (!takes_more(kOthersPerRequest * limits_.requests)) {
        return std::nullopt;
    }
    return Cancel{who_.client, begin(kOther, 0, cancel.request), slot->id};
}

std::optional<LockInput> ServerSession::read(const wire::DequeueAll& all, MonoTime) {
    const auto* slot = find(all.lock);
    if (all.lock != 0 && slot == nullptr) {
        answer(all.request, 0, LockStatus::kNoSuchLock);
        return std::nullopt;
    }
    if (!takes_more(kOthersPerRequest * limits_.requests)) {
        return std::nullopt;
    }
    sweeps_.push_back({all.request, below(all.lock)});
    return DequeueAll{who_.client, begin(kOther, 0, all.request),
                      slot == nullptr ? LockId() : slot->id};
}

std::optional<LockInput> ServerSession::read(const wire::Purge& purge, MonoTime) {
    if (!takes_more(kOthersPerRequest * limits_.requests)) {
        return std::nullopt;
    }
    return Purge{who_.client, begin(kOther, 0, purge.request), purge.node, purge.pid};
}

std::optional<LockInput> ServerSession::read(const wire::DefineDomain& define, MonoTime) {
    if (!takes_more(kOthersPerRequest * limits_.requests)) {
        return std::nullopt;
    }
    Domain domain{std::string(define.name), define.uid, define.gid, define.mode};
    return DefineDomain{who_.client, begin(kOther, 0, define.request), std::move(domain)};
}

// ---- what the lock manager says

ServerSession::Times ServerSession::tell(MonoTime now, const Completion& completion) {
    const auto number = number_of(completion.request);
    pending_ -= pending_ != 0 ? 1U : 0U;
    Times times;
    if (kind_of(completion.request) != kOther) {
        times = settle(kind_of(completion.request), number, completion, now);
    } else {
        end_sweep(request_of(completion.request), completion.status);
    }
    wire::append(out_, request_of(completion.request), number, completion);
    return times;
}

ServerSession::Times ServerSession::settle(std::uint64_t kind, LockNumber number,
                                           const Completion& completion, MonoTime now) {
    Times times;
    auto* slot = find(number);
    if (slot == nullptr) {
        return times;
    }
    times.domain = domains_[slot->domain];
    const bool granted = completion.status == LockStatus::kGranted;
    if (kind == kDequeue) {
        if (completion.status == LockStatus::kUnlocked) {
            times.held = now - slot->since;
            release(number);
        }
        return times;
    }
    if (granted) {
        times.waited = now - slot->since;
        slot->since = now;
    }
    if (kind == kConvert) {
        slot->converting = false;
    } else if (granted) {
        slot->state = Slot::State::kHeld;
        remember(number, completion.lock);
    } else {
        release(number);
    }
    return times;
}

void ServerSession::tell(const BlockingEvent& event) {
    const auto found = names_.find(event.lock);
    if (found != names_.end()) {
        wire::append(out_, wire::Blocking{found->second, event.mode, event.node, event.pid});
    }
}

void ServerSession::tell(const Waiting& waiting) {
    const auto number = number_of(waiting.request);
    if (find(number) != nullptr) {
        remember(number, waiting.lock);
    }
    if (waiting.cause != WaitCause::kMaster) {
        wire::append(
            out_, wire::Waiting{request_of(waiting.request), number, waiting.lock, waiting.cause});
    }
}

void ServerSession::tell(MonoTime now, const Suspended& suspended) {
    wire::Suspended event;
    if (suspended.deadline) {
        const auto left = std::max<std::int64_t>((*suspended.deadline - now).count(), 0);
        event.remaining_ms = static_cast<std::uint32_t>(std::min<std::int64_t>(left, INT32_MAX));
    }
    wire::append(out_, event);
}

void ServerSession::tell(const Resumed&) { wire::append(out_, wire::Resumed{}); }

void ServerSession::tell(const Revoked&) {
    sweeps_.clear();
    for (const auto number : below(0)) {
        release(number);
    }
    wire::append(out_, wire::Revoked{});
}

// ---- locks by number

void ServerSession::remember(LockNumber number, LockId id) {
    auto& slot = slots_[number];
    slot.id = id;
    if (slot.blocking) {
        names_[id] = number;
    }
}

void ServerSession::release(LockNumber number) {
    auto& slot = slots_[number];
    if (slot.blocking) {
        names_.erase(slot.id);
    }
    slot = Slot{};
    --locks_;
    // The number may be another lock's before the answer to the sweep comes.
    for (auto& sweep : sweeps_) {
        std::erase(sweep.locks, number);
    }
}

// All locks below `top`, or all.
std::vector<LockNumber> ServerSession::below(LockNumber top) const {
    std::vector<LockNumber> found;
    for (LockNumber number = 1; number < slots_.size(); ++number) {
        auto above = slots_[number].parent;
        while (above != 0 && above != top) {
            above = slots_[above].parent;
        }
        if (slots_[number].state != Slot::State::kFree && number != top && above == top) {
            found.push_back(number);
        }
    }
    return found;
}

void ServerSession::end_sweep(RequestNumber request, LockStatus status) {
    const auto found = std::ranges::find(sweeps_, request, &Sweep::request);
    if (found == sweeps_.end()) {
        return;  // another request
    }
    const auto locks = std::move(found->locks);
    sweeps_.erase(found);
    if (status == LockStatus::kUnlocked) {
        for (const auto number : locks) {
            release(number);
        }
    }
}

}  // namespace quorate::lockmgr
