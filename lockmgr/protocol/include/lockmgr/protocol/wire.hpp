#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "lockmgr/lock_manager.hpp"
#include "lockmgr/types.hpp"

// What a client of the lock manager and its node's clusterd say to each other, frame by frame:
// docs/protocols/lock.md. A frame is a length, a type and fields of fixed places; a client names
// its locks and requests with numbers of its own, so that it need not wait for an answer to go on.
namespace quorate::lockmgr::wire {

inline constexpr std::string_view kMagic = "QLCK";
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kMaxRequest = 1024;      // octets of a frame to the server
inline constexpr std::size_t kMaxAnswer = 64 * 1024;  // and of one to the client
inline constexpr std::size_t kMaxCycle = 64;          // locks of a deadlock that are told

// A lock of this client, chosen by it: from 1, and at most one more than the highest so far. Free
// again when the lock has ended.
using LockNumber = std::uint32_t;
// A request of this client, chosen by it, returned in the answer.
using RequestNumber = std::uint32_t;

// ---- to the server

struct Hello {
    std::uint16_t lowest = kVersion;
    std::uint16_t highest = kVersion;
    std::uint32_t priority = 0;  // DLCKPRI
};
struct Enqueue {
    RequestNumber request = 0;
    LockNumber lock = 0;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    LockNumber parent = 0;  // 0: a root of `domain`
    std::uint64_t xid = 0;
    std::uint32_t deadline_ms = 0;  // 0: none
    std::string_view domain;
    std::string_view name;
};
struct Convert {
    RequestNumber request = 0;
    LockNumber lock = 0;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    std::uint32_t deadline_ms = 0;
    ValueBlock value{};  // on the wire with VALBLK only
};
struct Dequeue {
    RequestNumber request = 0;
    LockNumber lock = 0;
    std::uint32_t flags = 0;
    ValueBlock value{};  // as above
};
struct Cancel {
    RequestNumber request = 0;
    LockNumber lock = 0;
};
struct DequeueAll {
    RequestNumber request = 0;
    LockNumber lock = 0;  // its sublocks; 0: everything
};
struct Purge {
    RequestNumber request = 0;
    NodeId node;
    std::uint32_t pid = 0;
};
struct DefineDomain {
    RequestNumber request = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint16_t mode = 0;
    std::string_view name;
};
using Request =
    std::variant<Hello, Enqueue, Convert, Dequeue, Cancel, DequeueAll, Purge, DefineDomain>;

// ---- to the client

struct Welcome {
    std::uint16_t version = kVersion;
    NodeId node;
    std::uint64_t incarnation = 0;   // of the lock manager: locks do not outlive it
    std::uint32_t locks_max = 0;     // highest number of a lock
    std::uint32_t requests_max = 0;  // not yet answered
    std::string node_name;
};
// The server's last words.
struct Refused {
    enum class Reason : std::uint8_t {
        kMalformed = 1,
        kOtherVersion,
        kTooMuch,  // requests not yet answered, or answers not read
        kForbidden,
        kFull,  // no more clients
        kStopping,
    } reason = Reason::kMalformed;
    std::string text;
};
struct Completion {
    RequestNumber request = 0;
    LockNumber lock = 0;          // of Enqueue, Convert and Dequeue
    lockmgr::Completion outcome;  // without client and request
};
struct Blocking {
    LockNumber lock = 0;
    LockMode mode = LockMode::NL;
    NodeId node;
    std::uint32_t pid = 0;
};
struct Waiting {
    RequestNumber request = 0;
    LockNumber lock = 0;
    LockId id;
    WaitCause cause{};
};
struct Suspended {
    std::optional<std::uint32_t> remaining_ms;
};
struct Resumed {};
struct Revoked {};
using Answer =
    std::variant<Welcome, Refused, Completion, Blocking, Waiting, Suspended, Resumed, Revoked>;

// ---- frames

// Appends a frame.
void append(std::string& out, const Request& request);
void append(std::string& out, const Answer& answer);
// The hottest one, without a copy.
void append(std::string& out, RequestNumber request, LockNumber lock,
            const lockmgr::Completion& outcome);

// The first frame of `bytes`, without its length: empty when it is not complete. Errors:
// errc::damaged for an empty frame, errc::too_large.
Result<std::string_view> first_frame(std::string_view bytes, std::size_t max);
inline constexpr std::size_t kLength = 4;

// Of a frame as first_frame() gives it; views point into it. Errors: errc::damaged.
Result<Request> decode_request(std::string_view frame);
Result<Answer> decode_answer(std::string_view frame);

}  // namespace quorate::lockmgr::wire
