// Epoch floors, as files and as fields of a file that is otherwise right; and two of them merged.

#include <algorithm>
#include <optional>
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "cluster/floor.hpp"
#include "fuzz/input.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

constexpr std::size_t kHeader = 12;

std::optional<Floor> check(std::string_view bytes) {
    auto floor = decode_floor(bytes);
    if (!floor) {
        return std::nullopt;
    }
    const auto again = decode_floor(encode(*floor));
    QUORATE_ASSERT(again && *again == *floor);
    QUORATE_ASSERT(floor->lineage.epoch <= floor->epoch);
    return std::move(*floor);
}

// The header's size and the checksum are put right.
std::optional<Floor> check_dressed(std::string_view input) {
    if (input.size() < kHeader) {
        return std::nullopt;
    }
    std::string bytes(input.substr(0, kHeader - 4));
    ByteWriter out(bytes);
    out.u32(static_cast<std::uint32_t>(input.size() - kHeader));
    out.raw(input.substr(kHeader));
    out.u32(crc32c(bytes));
    return check(bytes);
}

// No epoch is forgotten, nobody who is lost to one is a member of both, and what comes of two that
// were kept can be kept.
void check_merged(const Floor& a, const Floor& b) {
    const auto both = merge(a, b);
    QUORATE_ASSERT(both.epoch == std::max(a.epoch, b.epoch));
    QUORATE_ASSERT(both.lineage.epoch == std::max(a.lineage.epoch, b.lineage.epoch));
    QUORATE_ASSERT(merge(a, a) == a);
    const auto kept = decode_floor(encode(both));
    QUORATE_ASSERT(kept && *kept == both);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input);
    check_dressed(input);
    auto choices = fuzz::choices(input);
    const auto cut = choices.below(size + 1);
    // A second one often begins with its magic.
    const auto second = input.find(input.substr(0, 4), 4);
    const auto at = size >= 8 && second != std::string_view::npos ? second : cut;
    const auto a = check_dressed(input.substr(0, at));
    const auto b = check_dressed(input.substr(at));
    if (a && b) {
        check_merged(*a, *b);
        check_merged(*b, *a);
    }
    return 0;
}
