#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "quorum/types.hpp"

// The quorum disk is an array of pages of 4 KiB (docs/formats/quorum-disk.md). Each page has one
// writer and is written whole; a page that fails its checksum says nothing, not even that its
// writer is silent.
namespace quorate::quorum {

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kEnvelopeBytes = 44;
inline constexpr std::size_t kMaxFields = kPageBytes - kEnvelopeBytes - 4;

enum class PageKind : std::uint16_t {
    kHeader = 1,  // two copies, written when the disk is formatted
    kHeartbeat = 2,
    kBallot = 3,
    kRequest = 4,
    kWitness = 5,
};

// ---- where pages are

inline constexpr std::uint32_t kHeaderCopies = 2;
inline constexpr std::uint32_t kPagesPerNode = 4;
// Each stands there twice: only the older of the two is written, so that a torn write leaves what
// was there before.
inline constexpr std::uint32_t kSides = 2;
constexpr std::uint32_t pages_for(std::uint32_t nodes) {
    return kHeaderCopies + kSides * kPagesPerNode * nodes;
}
// Number of one side, 0 or 1, of one of a node's four pages.
constexpr std::uint32_t page_of(NodeId node, PageKind kind, std::uint32_t side) {
    return pages_for(node.value() - 1) + side * kPagesPerNode + static_cast<std::uint32_t>(kind) -
           static_cast<std::uint32_t>(PageKind::kHeartbeat);
}

// ---- what all pages begin with

struct PageHead {
    PageKind kind = PageKind::kHeader;
    NodeId owner;            // 0 in the header
    std::uint64_t sequence;  // grows with every writing, over all lives of the writer
    Uuid cluster;
    std::uint16_t copy = 0;  // of the header
    bool operator==(const PageHead&) const = default;
};

// The page as it stands on the disk. `fields` has at most kMaxFields octets.
std::string seal(const PageHead& head, std::string_view fields);

struct OpenedPage {
    PageHead head;
    std::string_view fields;       // in the octets given
    bool surplus_allowed = false;  // of a newer minor version
};
// Errors: errc::blank (all octets zero), errc::unsupported_version, errc::foreign (another kind of
// page, or another owner's), errc::damaged.
Result<OpenedPage> open_page(std::string_view bytes, PageKind kind, NodeId owner);

}  // namespace quorate::quorum
