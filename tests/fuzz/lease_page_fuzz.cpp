// The words of a lease page, with a right first word too: refused, or the same when published
// again.

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "cluster/lease_page.hpp"
#include "fuzz/input.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

void check(const LeaseWords& words) {
    const auto page = decode_lease_page(words);
    if (!page) {
        return;
    }
    auto again = encode(*page);
    again[kLeaseSequence] = words[kLeaseSequence];
    QUORATE_ASSERT(again == words);
    QUORATE_ASSERT(*decode_lease_page(again) == *page);
    // Readers say these of themselves; a writer never does.
    QUORATE_ASSERT(page->reason != StallReason::kWriterSilent &&
                   page->reason != StallReason::kAnotherLife);
    QUORATE_ASSERT(text_of(page->reason) != "unknown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    LeaseWords words{};
    std::memcpy(words.data(), data, std::min(size, sizeof(words)));
    check(words);
    words[0] = encode(LeasePage())[0];
    check(words);
    return 0;
}
