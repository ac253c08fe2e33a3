#include "shadowing/io/witness_file.hpp"

#include <algorithm>

#include "io/durable_file.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {

Result<WitnessFile> WitnessFile::open(std::string path, Id128 set) {
    QUORATE_TRY(const auto bytes, io::read_file(path));
    WitnessBlock block;
    block.set = set;
    if (bytes) {
        QUORATE_TRY(block, decode_witness_block(*bytes));
        if (block.set != set) {
            return fail(errc::refused, path + ": is of another set of that name");
        }
    }
    return WitnessFile(std::move(path), block);
}

Status WitnessFile::keep(const WitnessBlock& block) {
    if (block == block_) {
        return {};
    }
    QUORATE_CHECK(io::replace_durably(path_, encode(block)));
    block_ = block;
    return {};
}

Status WitnessFile::reserve(std::uint64_t number) {
    auto block = block_;
    block.reserved = std::max(block.reserved, number);
    return keep(block);
}

// A word of another lineage comes from whoever forked it.
Status WitnessFile::write(const WitnessWord& word) {
    auto block = block_;
    const bool older = block.word && block.word->lineage == word.lineage &&
                       block.word->generation.number > word.generation.number;
    if (!older) {
        block.word = word;
    }
    return keep(block);
}

}  // namespace quorate::shadowing
