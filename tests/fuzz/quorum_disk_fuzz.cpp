// A page of the quorum disk, of whatever kind it says it is; sealed anew too, so that what lies
// behind the checksum is reached. What is understood is written back the same.

#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "quorum/ballot.hpp"
#include "quorum/header.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/request.hpp"
#include "quorum/witness.hpp"

namespace {

using namespace quorate;
using namespace quorate::quorum;

// What a newer minor version has beyond ours is lost; everything else comes back.
void same(const std::string& page, const std::string& again) {
    if (page[5] == 0) {
        QUORATE_ASSERT(again == page);
    }
}

void decode(const std::string& page) {
    ByteReader in(page);
    in.raw(12);
    const NodeId owner(in.u32());
    if (const auto header = decode_header(page)) {
        QUORATE_ASSERT(check(header->timing));
        QUORATE_ASSERT(*decode_header(encode(*header, 0), page) == *header);
    }
    if (const auto heartbeat = decode_heartbeat(page, owner)) {
        same(page, encode(*heartbeat));
        QUORATE_ASSERT(*decode_heartbeat(encode(*heartbeat), owner) == *heartbeat);
    }
    if (const auto ballot = decode_ballot(page, owner)) {
        same(page, encode(*ballot));
    }
    if (const auto request = decode_request(page, owner)) {
        same(page, encode(*request));
    }
    if (const auto witness = decode_witness(page, owner)) {
        same(page, encode(*witness));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string page(fuzz::as_text(data, size));
    decode(page);
    page.resize(kPageBytes - 4, '\0');
    ByteWriter(page).u32(crc32c(page));
    decode(page);
    return 0;
}
