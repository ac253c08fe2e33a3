#pragma once

#include <string>

#include "base/result.hpp"
#include "shadowing/witness_block.hpp"

namespace quorate::shadowing {

// What this node remembers of a set, durably (docs/formats/shadow-witness.md). Blocking: in place,
// not on a worker thread, for no request goes on while the membership changes.
class WitnessFile {
public:
    // Nothing there: it has never heard of the set. Errors: the file is damaged, or of another set;
    // errno's values.
    static Result<WitnessFile> open(std::string path, Id128 set);

    const WitnessBlock& block() const { return block_; }
    // It never says less than it did. Errors: errno's values; nothing has changed then.
    Status reserve(std::uint64_t number);
    Status write(const WitnessWord& word);

private:
    WitnessFile(std::string path, WitnessBlock block) : path_(std::move(path)), block_(block) {}
    Status keep(const WitnessBlock& block);

    std::string path_;
    WitnessBlock block_;
};

}  // namespace quorate::shadowing
