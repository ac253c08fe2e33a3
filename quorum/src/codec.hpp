#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "quorum/page.hpp"
#include "quorum/types.hpp"

// Pieces that the pages and messages share.
namespace quorate::quorum {

void put(ByteWriter& out, const Uuid& uuid);
Uuid get_uuid(ByteReader& in);

void put(ByteWriter& out, const RingId& ring);
RingId get_ring(ByteReader& in);

void put(ByteWriter& out, const Award& award);
Award get_award(ByteReader& in);

// u16 length, then the octets. get() yields nothing, with `sound` false, above `limit`.
void put_text(ByteWriter& out, std::string_view text);
std::string_view get_text(ByteReader& in, std::size_t limit, bool& sound);

// Whether `fields` was read as it should be: nothing missing, nothing left over unless the page is
// of a newer minor version.
Status check_read(const ByteReader& fields, const OpenedPage& page, bool sound);

}  // namespace quorate::quorum
