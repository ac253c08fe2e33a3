#include "shadowing/witness_block.hpp"

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint32_t kWitnessMagic = 0x57535751;  // "QWSW"
constexpr std::uint8_t kWitnessMajor = 1;
constexpr std::size_t kWitnessChecksumAt = 76;

}  // namespace

std::string encode(const WitnessBlock& block) {
    std::string bytes;
    ByteWriter out(bytes);
    const auto word = block.word.value_or(WitnessWord{});
    out.u32(kWitnessMagic);
    out.u8(kWitnessMajor);
    out.u8(0);
    out.u16(block.word ? 1 : 0);
    out.u64(block.set.high);
    out.u64(block.set.low);
    out.u64(word.lineage.high);
    out.u64(word.lineage.low);
    out.u64(word.generation.number);
    out.u64(word.generation.id);
    out.u64(block.reserved);
    out.u64(0);
    out.u32(0);
    QUORATE_ASSERT(bytes.size() == kWitnessChecksumAt);
    out.u32(crc32c(bytes));
    return bytes;
}

Result<WitnessBlock> decode_witness_block(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.u32() != kWitnessMagic) {
        return fail(errc::not_a_member, "shadow witness: not one");
    }
    if (in.u8() != kWitnessMajor) {
        return fail(errc::unsupported_version, "shadow witness");
    }
    in.u8();  // a higher minor version changes nothing that is read here
    const auto flags = in.u16();
    WitnessBlock block;
    block.set.high = in.u64();
    block.set.low = in.u64();
    WitnessWord word;
    word.lineage.high = in.u64();
    word.lineage.low = in.u64();
    word.generation.number = in.u64();
    word.generation.id = in.u64();
    block.reserved = in.u64();
    const auto reserved = in.u64();
    const auto reserved_too = in.u32();
    const auto checksum = in.u32();
    if (!in.complete() || checksum != crc32c(bytes.substr(0, kWitnessChecksumAt))) {
        return fail(errc::damaged, "shadow witness: length or checksum");
    }
    if (flags > 1 || reserved != 0 || reserved_too != 0 || (flags == 0 && word != WitnessWord{})) {
        return fail(errc::damaged, "shadow witness: fields");
    }
    if (flags == 1) {
        block.word = word;
    }
    return block;
}

}  // namespace quorate::shadowing
