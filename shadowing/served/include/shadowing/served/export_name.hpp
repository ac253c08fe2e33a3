#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "cluster/view.hpp"

// What opener and server of a disk tell each other in the NBD handshake, beside what NBD has for
// it: docs/protocols/shadow-disk.md. Thread rule: values.
namespace quorate::shadowing {

// Who has a set open.
struct ServedOpener {
    cluster::MemberId member;
    std::uint64_t process = 0;  // drawn at its start; tells apart the openers of a node
    auto operator<=>(const ServedOpener&) const = default;
};

enum class ServedView : std::uint8_t {
    kData,
    kDigests  // kDigestOctets for each kDigestBlock of the data; read only
};
inline constexpr std::uint64_t kDigestBlock = 4096;
inline constexpr std::uint64_t kDigestOctets = 16;  // of the SHA-256 of the block, the first ones

inline constexpr std::size_t kMaxDiskName = 32;
// 1 to kMaxDiskName letters, digits, dots, hyphens and underscores; no dot first.
bool is_disk_name(std::string_view name);

struct ExportName {
    std::string disk;
    Id128 set;  // that the disk must be of; zero: any
    ServedOpener opener;
    std::uint64_t session = 0;  // drawn by who opens the disk; its connections take over from
    std::uint32_t number = 0;   // those of its that have a lower number
    std::uint64_t epoch = 0;    // of the opener's lease
    ServedView view = ServedView::kData;
    bool operator==(const ExportName&) const = default;
};
std::string encode(const ExportName& name);
std::optional<ExportName> decode_export_name(std::string_view text);

enum class ServedState : std::uint8_t {
    kReady,
    kRefused,   // the epoch is too old, or the opener was dropped: every request is refused
    kOtherDisk  // of another name or set than was asked for
};
// What the server says of the disk: NBD's description of the export.
struct ServedDescription {
    ServedState state = ServedState::kReady;
    std::uint64_t life = 0;   // of the server's volatile cache
    std::uint64_t floor = 0;  // the oldest epoch that is served
    bool operator==(const ServedDescription&) const = default;
};
std::string encode(const ServedDescription& description);
std::optional<ServedDescription> decode_served_description(std::string_view text);

}  // namespace quorate::shadowing
