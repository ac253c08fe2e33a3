#include "frame_io.hpp"

namespace quorate::lockmgr::wire {
namespace {

constexpr std::uint8_t kValueValid = 1;
constexpr std::uint8_t kHasValue = 2;
constexpr std::uint8_t kDemoted = 4;
constexpr std::uint8_t kAlternative = 8;
constexpr std::uint8_t kHasCycle = 16;
constexpr std::uint32_t kUnknownTime = 0xffffffff;

void write(std::string& out, const Welcome& welcome) {
    FrameWriter frame(out, Type::kWelcome);
    frame.u16(welcome.version);
    frame.u32(welcome.node.value());
    frame.u64(welcome.incarnation);
    frame.u32(welcome.locks_max);
    frame.u32(welcome.requests_max);
    frame.text(welcome.node_name);
}

void write(std::string& out, const Refused& refused) {
    FrameWriter frame(out, Type::kRefused);
    frame.u8(static_cast<std::uint8_t>(refused.reason));
    frame.text(refused.text);
}

void write_cycle(FrameWriter& frame, const std::vector<CycleEntry>& cycle) {
    const auto count = std::min(cycle.size(), kMaxCycle);
    frame.u8(static_cast<std::uint8_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
        const auto& entry = cycle[i];
        frame.u32(entry.node.value());
        frame.u32(entry.pid);
        frame.u64(entry.xid);
        frame.u64(entry.lock.value());
        frame.mode(entry.requested);
        frame.u64(entry.blocker.value());
        frame.text(entry.resource);
    }
}

void write(std::string& out, const Completion& completion) {
    append(out, completion.request, completion.lock, completion.outcome);
}

void write(std::string& out, const Blocking& blocking) {
    FrameWriter frame(out, Type::kBlocking);
    frame.u32(blocking.lock);
    frame.mode(blocking.mode);
    frame.u32(blocking.node.value());
    frame.u32(blocking.pid);
}

void write(std::string& out, const Waiting& waiting) {
    FrameWriter frame(out, Type::kWaiting);
    frame.u32(waiting.request);
    frame.u32(waiting.lock);
    frame.u64(waiting.id.value());
    frame.u8(static_cast<std::uint8_t>(waiting.cause));
}

void write(std::string& out, const Suspended& suspended) {
    FrameWriter frame(out, Type::kSuspended);
    frame.u32(suspended.remaining_ms.value_or(kUnknownTime));
}

void write(std::string& out, const Resumed&) { FrameWriter(out, Type::kResumed); }
void write(std::string& out, const Revoked&) { FrameWriter(out, Type::kRevoked); }

void read(FrameReader& in, Welcome& welcome, bool&) {
    welcome.version = in.u16();
    welcome.node = NodeId(in.u32());
    welcome.incarnation = in.u64();
    welcome.locks_max = in.u32();
    welcome.requests_max = in.u32();
    welcome.node_name = in.text();
}

void read(FrameReader& in, Refused& refused, bool& sound) {
    const auto reason = in.u8();
    sound = reason >= 1 && reason <= static_cast<std::uint8_t>(Refused::Reason::kStopping);
    refused.reason = static_cast<Refused::Reason>(reason);
    refused.text = in.text();
}

void read_cycle(FrameReader& in, std::vector<CycleEntry>& cycle) {
    const auto count = in.u8();
    for (unsigned i = 0; i < count && !in.failed(); ++i) {
        auto& entry = cycle.emplace_back();
        entry.node = NodeId(in.u32());
        entry.pid = in.u32();
        entry.xid = in.u64();
        entry.lock = LockId(in.u64());
        entry.requested = in.mode();
        entry.blocker = LockId(in.u64());
        entry.resource = in.text();
    }
}

void read(FrameReader& in, Completion& completion, bool& sound) {
    completion.request = in.u32();
    completion.lock = in.u32();
    auto& outcome = completion.outcome;
    outcome.lock = LockId(in.u64());
    const auto status = in.u8();
    outcome.status = static_cast<LockStatus>(status);
    outcome.mode = in.mode();
    const auto bits = in.u8();
    outcome.token = Token(in.u64());
    outcome.value_valid = (bits & kValueValid) != 0;
    outcome.has_value = (bits & kHasValue) != 0;
    outcome.demoted = (bits & kDemoted) != 0;
    outcome.alternative = (bits & kAlternative) != 0;
    if (outcome.has_value) {
        in.value(outcome.value);
    }
    if ((bits & kHasCycle) != 0) {
        read_cycle(in, outcome.cycle);
    }
    sound =
        status <= static_cast<std::uint8_t>(LockStatus::kExists) && index_of(outcome.mode) < kModes;
}

void read(FrameReader& in, Blocking& blocking, bool& sound) {
    blocking.lock = in.u32();
    blocking.mode = in.mode();
    blocking.node = NodeId(in.u32());
    blocking.pid = in.u32();
    sound = index_of(blocking.mode) < kModes;
}

void read(FrameReader& in, Waiting& waiting, bool& sound) {
    waiting.request = in.u32();
    waiting.lock = in.u32();
    waiting.id = LockId(in.u64());
    const auto cause = in.u8();
    waiting.cause = static_cast<WaitCause>(cause);
    sound = cause <= static_cast<std::uint8_t>(WaitCause::kMove);
}

void read(FrameReader& in, Suspended& suspended, bool&) {
    const auto remaining = in.u32();
    suspended.remaining_ms =
        remaining == kUnknownTime ? std::nullopt : std::optional<std::uint32_t>(remaining);
}

void read(FrameReader&, Resumed&, bool&) {}
void read(FrameReader&, Revoked&, bool&) {}

}  // namespace

void append(std::string& out, const Answer& answer) {
    std::visit([&](const auto& one) { write(out, one); }, answer);
}

void append(std::string& out, RequestNumber request, LockNumber lock,
            const lockmgr::Completion& outcome) {
    FrameWriter frame(out, Type::kCompletion);
    frame.u32(request);
    frame.u32(lock);
    frame.u64(outcome.lock.value());
    frame.u8(static_cast<std::uint8_t>(outcome.status));
    frame.mode(outcome.mode);
    frame.u8(static_cast<std::uint8_t>(
        (outcome.value_valid ? kValueValid : 0) | (outcome.has_value ? kHasValue : 0) |
        (outcome.demoted ? kDemoted : 0) | (outcome.alternative ? kAlternative : 0) |
        (outcome.cycle.empty() ? 0 : kHasCycle)));
    frame.u64(outcome.token.value());
    if (outcome.has_value) {
        frame.value(outcome.value);
    }
    if (!outcome.cycle.empty()) {
        write_cycle(frame, outcome.cycle);
    }
}

Result<Answer> decode_answer(std::string_view frame) {
    const auto type = frame.empty() ? 0 : static_cast<unsigned char>(frame[0]);
    const auto fields = frame.substr(frame.empty() ? 0 : 1);
    const auto reader = [](auto& in, auto& one, bool& sound) { read(in, one, sound); };
    switch (type) {
        case static_cast<int>(Type::kWelcome):
            return decode_as<Answer, Welcome>(fields, reader);
        case static_cast<int>(Type::kRefused):
            return decode_as<Answer, Refused>(fields, reader);
        case static_cast<int>(Type::kCompletion):
            return decode_as<Answer, Completion>(fields, reader);
        case static_cast<int>(Type::kBlocking):
            return decode_as<Answer, Blocking>(fields, reader);
        case static_cast<int>(Type::kWaiting):
            return decode_as<Answer, Waiting>(fields, reader);
        case static_cast<int>(Type::kSuspended):
            return decode_as<Answer, Suspended>(fields, reader);
        case static_cast<int>(Type::kResumed):
            return decode_as<Answer, Resumed>(fields, reader);
        case static_cast<int>(Type::kRevoked):
            return decode_as<Answer, Revoked>(fields, reader);
        default:
            return fail(errc::damaged, "frame of no known type");
    }
}

}  // namespace quorate::lockmgr::wire
