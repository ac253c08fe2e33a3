#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "cluster/floor.hpp"
#include "cluster/view.hpp"

// Pieces that the module's formats share.
namespace quorate::cluster {

void put(ByteWriter& out, MemberId id);
MemberId get_member_id(ByteReader& in);

// u16 count, then the entries. get() yields nothing, with `sound` false, above `limit`.
void put(ByteWriter& out, const std::vector<MemberId>& ids);
std::vector<MemberId> get_member_ids(ByteReader& in, std::size_t limit, bool& sound);

void put(ByteWriter& out, const Lineage& lineage);
Lineage get_lineage(ByteReader& in, bool& sound);

// u16 length, then the octets.
void put_text(ByteWriter& out, std::string_view text);
std::string_view get_text(ByteReader& in, std::size_t limit, bool& sound);

}  // namespace quorate::cluster
