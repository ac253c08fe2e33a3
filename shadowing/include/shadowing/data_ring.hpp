#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

// Memory that a client of a virtual unit shares with shadowd: docs/protocols/shadow-ring.md. What
// the other end writes there is never trusted: the server takes a copy of a request, and then looks
// at the copy.
//
// Limits: kRingSlots requests at a time, kRingPart octets of data each. Thread rule: any, as each
// field says. Errors: none; a sound request is an optional.
namespace quorate::shadowing {

inline constexpr std::uint32_t kRingMagic = 0x52485351;  // "QSHR"
inline constexpr std::uint32_t kRingVersion = 1;
inline constexpr std::size_t kRingHello = 32;
inline constexpr std::uint32_t kRingSlots = 32;
inline constexpr std::uint32_t kRingPart = 256u << 10;
inline constexpr std::uint32_t kMaxDataOctets = 32u << 20;
inline constexpr std::size_t kMaxDataExtents = 256;

enum class DataKind : std::uint8_t { kRead = 1, kWrite = 2, kZero = 3, kFlush = 4, kExtents = 5 };

// A slot's word, on which its client sleeps (futex).
enum class SlotState : std::uint32_t {
    kClients = 0,  // the request may be written, or the answer read
    kAsked = 1,    // the server has it
    kAwaited = 2,  // and somebody sleeps until it is answered
    kAnswered = 3,
};

// Each field is read once: what the other end writes meanwhile changes nothing.
struct alignas(64) RingSlot {
    std::atomic<std::uint32_t> state;   // SlotState
    std::atomic<std::uint64_t> what;    // client: kind, 8 bits; flags, 8; 0, 16; octets, 32
    std::atomic<std::uint64_t> offset;  // client
    std::atomic<std::uint64_t> answer;  // server: status, 32 bits; octets of data, 32
};
static_assert(sizeof(RingSlot) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

struct RingMemory {
    alignas(64) std::atomic<std::uint32_t> tail;               // client: requests made so far
    alignas(64) std::atomic<std::uint32_t> asleep;             // 1: the server waits for its bell
    alignas(64) std::atomic<std::uint32_t> asked[kRingSlots];  // client: the slots of requests
    alignas(4096) RingSlot slots[kRingSlots];
    alignas(4096) char data[kRingSlots][kRingPart];
};
static_assert(sizeof(RingMemory) == 8192 + kRingSlots * kRingPart);

struct RingRequest {
    DataKind kind = DataKind::kFlush;
    bool fua = false;
    std::uint64_t offset = 0;
    std::uint32_t octets = 0;
};

constexpr std::uint64_t what_of(const RingRequest& request) {
    return static_cast<std::uint64_t>(request.kind) | (request.fua ? 1u << 8 : 0u) |
           std::uint64_t(request.octets) << 32;
}

// What a slot asks for, if it may.
constexpr std::optional<RingRequest> request_of(std::uint64_t what, std::uint64_t offset) {
    const auto kind = what & 0xff;
    const auto flags = what >> 8 & 0xffffff;
    const RingRequest request{static_cast<DataKind>(kind), flags == 1, offset,
                              static_cast<std::uint32_t>(what >> 32)};
    std::uint32_t most = kMaxDataOctets;
    if (request.kind == DataKind::kRead || request.kind == DataKind::kWrite) {
        most = kRingPart;
    } else if (request.kind == DataKind::kExtents) {
        most = UINT32_MAX;
    }
    const bool sound = kind >= 1 && kind <= 5 && flags <= 1 && request.octets <= most;
    return sound ? std::optional(request) : std::nullopt;
}

}  // namespace quorate::shadowing
