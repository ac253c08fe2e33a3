#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mail/store/types.hpp"

// The messages of a mailbox stand in its database as blocks of up to 128 consecutive uids: a
// mailbox of 100,000 messages is read in a few milliseconds, and a flag changed on all of them
// rewrites 800 rows, not 100,000.
namespace quorate::mail::store {

inline constexpr unsigned kChunkShift = 7;

inline std::uint64_t chunk_key(MailboxId mailbox, Uid uid) {
    return (static_cast<std::uint64_t>(mailbox.value()) << 32) | (uid >> kChunkShift);
}

// Ascending uids, none twice. Ends with a checksum.
std::string encode_chunk(const std::vector<Message>& messages);
// Appends to `messages`. Errors: damaged, unsupported_version.
Status decode_chunk(std::string_view bytes, std::vector<Message>& messages);

}  // namespace quorate::mail::store
