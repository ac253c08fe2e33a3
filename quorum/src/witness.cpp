#include "quorum/witness.hpp"

#include <algorithm>
#include <utility>

#include "codec.hpp"

namespace quorate::quorum {

static_assert(1 + kMaxWitnessed * (16 + 16 + 3 * 8 + 4) <= kMaxFields);

bool Witness::same_generation(const Witness& other) const {
    return generation == other.generation && generation_id == other.generation_id &&
           lineage == other.lineage;
}

void Witness::learn(const Witness& other) {
    const auto most = std::max(reserved, other.reserved);
    if (other.generation > generation || same_generation(other)) {
        *this = other;
    }
    reserved = most;
}

Witness Witnessed::together() const {
    auto all = own;
    all.learn(others);
    return all;
}

Witnessed Witnessed::find(const std::vector<Witness>& own, const std::vector<Witness>& others,
                          const Uuid& set) {
    Witnessed found;
    for (const auto& [list, word] :
         {std::pair(&own, &found.own), std::pair(&others, &found.others)}) {
        const auto it = std::ranges::find(*list, set, &Witness::set);
        word->set = set;
        if (it != list->end()) {
            *word = *it;
        }
    }
    return found;
}

bool Witnessed::admits(const Witness& wanted) const {
    const auto known = together();
    if (wanted.reserves()) {
        return wanted.same_generation(known) && wanted.reserved > known.reserved;
    }
    return wanted.generation > known.generation && wanted.generation == known.reserved;
}

bool Witnessed::stands(const Witness& written) const {
    const bool taken = written.reserves() &&
                       (own.reserved != written.reserved || others.reserved >= written.reserved);
    return written.same_generation(together()) && !taken;
}

std::vector<Witness> together(const std::vector<Witness>& one, const std::vector<Witness>& other) {
    auto all = one;
    for (const auto& word : other) {
        const auto it = std::ranges::find(all, word.set, &Witness::set);
        if (it == all.end()) {
            all.push_back(word);
        } else {
            it->learn(word);
        }
    }
    std::ranges::sort(all, {}, &Witness::set);
    return all;
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
