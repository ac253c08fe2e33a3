#include "quorum/witness.hpp"

#include <algorithm>

#include "codec.hpp"

namespace quorate::quorum {

static_assert(1 + kMaxWitnessed * (16 + 16 + 3 * 8 + 4) <= kMaxFields);

void Witness::learn(const Witness& other) {
    const auto most = std::max(reserved, other.reserved);
    if (other.generation >= generation) {
        *this = other;
    }
    reserved = most;
}

std::string encode(const WitnessPage& page) {
    std::string fields;
    ByteWriter out(fields);
    out.u8(static_cast<std::uint8_t>(page.sets.size()));
    for (const auto& witness : page.sets) {
        put(out, witness.set);
        put(out, witness.lineage);
        out.u64(witness.generation);
        out.u64(witness.generation_id);
        out.u64(witness.reserved);
        out.u32(witness.members);
    }
    return seal({PageKind::kWitness, page.node, page.sequence, page.cluster}, fields);
}

Result<WitnessPage> decode_witness(std::string_view bytes, NodeId owner) {
    QUORATE_TRY(const auto opened, open_page(bytes, PageKind::kWitness, owner));
    ByteReader in(opened.fields);
    WitnessPage page;
    page.node = owner;
    page.sequence = opened.head.sequence;
    page.cluster = opened.head.cluster;
    const auto count = in.u8();
    bool sound = count <= kMaxWitnessed;
    for (std::size_t left = sound ? count : 0; left > 0 && sound; --left) {
        Witness witness;
        witness.set = get_uuid(in);
        witness.lineage = get_uuid(in);
        witness.generation = in.u64();
        witness.generation_id = in.u64();
        witness.reserved = in.u64();
        witness.members = in.u32();
        sound = page.sets.empty() || page.sets.back().set < witness.set;
        page.sets.push_back(witness);
    }
    QUORATE_CHECK(check_read(in, opened, sound));
    return page;
}

}  // namespace quorate::quorum
