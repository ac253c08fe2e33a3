#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lockmgr/lock_manager.hpp"
#include "lockmgr/protocol/wire.hpp"

namespace quorate::lockmgr {

// The server's side of one client's connection, without the socket: octets in, inputs of the lock
// manager out; what the lock manager says to the client in, octets out.
//
//     session.receive(bytes);
//     while (auto input = session.next(now)) { manager.step(now, *input, out); ...tell()... }
//     if (session.cut()) ...           write out(), close, ClientGone
//
// All outputs of a step are told to their sessions before the next next(). Views in an input are
// into the session and good until the next call. A client that breaks the rules is cut off.
class ServerSession {
public:
    struct Who {
        ClientId client;
        std::uint32_t pid = 0;
        std::uint32_t uid = 0;
        std::vector<std::uint32_t> gids;
    };
    struct Limits {
        std::uint32_t locks = 1'000'000;
        std::uint32_t requests = 65'536;  // not yet answered
    };
    ServerSession(Who who, Limits limits, wire::Welcome welcome);

    void receive(std::string_view bytes) { in_.append(bytes); }
    // Nothing: it needs more octets, or was cut off.
    std::optional<LockInput> next(MonoTime now);

    // How long the client waited for a lock, or held one, if that ended here.
    struct Times {
        std::optional<std::chrono::milliseconds> waited;
        std::optional<std::chrono::milliseconds> held;
        std::string_view domain;  // of the lock, until the next request is read
    };
    Times tell(MonoTime now, const Completion& completion);
    void tell(const BlockingEvent& event);
    void tell(const Waiting& waiting);
    void tell(MonoTime now, const Suspended& suspended);
    void tell(const Resumed&);
    void tell(const Revoked&);

    // What is to be written; whoever writes takes it.
    std::string& out() { return out_; }
    // Says why, last of all, and reads no more.
    void cut_off(wire::Refused::Reason reason, std::string text);
    const std::optional<wire::Refused>& cut() const { return cut_; }
    // The lock manager knows of it: ClientGone is due when it ends.
    bool opened() const { return opened_; }

    ClientId client() const { return who_.client; }
    const Who& who() const { return who_; }
    std::uint32_t locks() const { return locks_; }
    std::uint32_t pending() const { return pending_; }

private:
    using LockNumber = wire::LockNumber;
    struct Slot {
        LockId id;
        MonoTime since;         // asked for, or granted
        LockNumber parent = 0;  // for DequeueAll
        enum class State : std::uint8_t { kFree, kNew, kHeld } state = State::kFree;
        bool converting : 1 = false;
        bool blocking : 1 = false;
        std::uint16_t domain = 0;  // of domains_
    };
    static_assert(sizeof(Slot) == 24);

    std::optional<LockInput> read(const wire::Hello& hello, MonoTime now);
    std::optional<LockInput> read(const wire::Enqueue& enqueue, MonoTime now);
    std::optional<LockInput> read(const wire::Convert& convert, MonoTime now);
    std::optional<LockInput> read(const wire::Dequeue& dequeue, MonoTime now);
    std::optional<LockInput> read(const wire::Cancel& cancel, MonoTime now);
    std::optional<LockInput> read(const wire::DequeueAll& all, MonoTime now);
    std::optional<LockInput> read(const wire::Purge& purge, MonoTime now);
    std::optional<LockInput> read(const wire::DefineDomain& define, MonoTime now);

    Slot* find(LockNumber number);
    std::uint16_t domain_of(const wire::Enqueue& enqueue);
    RequestId begin(std::uint64_t kind, LockNumber number, wire::RequestNumber request);
    void answer(wire::RequestNumber request, LockNumber number, LockStatus status);
    Times settle(std::uint64_t kind, LockNumber number, const Completion& completion, MonoTime now);
    void remember(LockNumber number, LockId id);
    void release(LockNumber number);
    std::vector<LockNumber> below(LockNumber top) const;
    void end_sweep(wire::RequestNumber request, LockStatus status);
    bool takes_more(std::uint32_t requests);

    Who who_;
    Limits limits_;
    wire::Welcome welcome_;
    std::string in_;
    std::size_t taken_ = 0;  // of in_
    std::string out_;
    std::optional<wire::Refused> cut_;
    bool opened_ = false;
    std::vector<Slot> slots_;               // by number
    std::vector<std::string> domains_{{}};  // that it has asked in; the first stands for all others
    std::uint16_t last_domain_ = 0;
    std::uint32_t locks_ = 0;
    std::uint32_t pending_ = 0;
    // Locks that want blocking events, which the lock manager tells by its own names.
    std::unordered_map<LockId, LockNumber> names_;
    // What was there when it was asked: the answer may come when there is more.
    struct Sweep {
        wire::RequestNumber request = 0;
        std::vector<LockNumber> locks;
    };
    std::vector<Sweep> sweeps_;  // DequeueAll under way
};

}  // namespace quorate::lockmgr
