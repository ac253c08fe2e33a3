#include "lockmgr/mode.hpp"

#include <gtest/gtest.h>

namespace quorate::lockmgr {
namespace {

using enum LockMode;
constexpr LockMode kAll[] = {NL, CR, CW, PR, PW, EX};

// OpenVMS System Services, $ENQ, "Compatibility of lock modes".
TEST(Modes, AreCompatibleAsEnqTables) {
    const char* const kTable[] = {"YYYYYY", "YYYYY-", "YYY---", "YY-Y--", "YY----", "Y-----"};
    for (const auto requested : kAll) {
        for (const auto held : kAll) {
            EXPECT_EQ(compatible(requested, held),
                      kTable[index_of(requested)][index_of(held)] == 'Y')
                << name_of(requested) << " beside " << name_of(held);
        }
    }
}

TEST(Modes, CompatibilityIsMutual) {
    for (const auto a : kAll) {
        for (const auto b : kAll) {
            EXPECT_EQ(compatible(a, b), compatible(b, a)) << name_of(a) << name_of(b);
        }
    }
}

// PR and CW are neither above nor below each other; everything else is ordered by number.
TEST(Modes, ConversionsDownConflictWithNothingNew) {
    for (const auto from : kAll) {
        for (const auto to : kAll) {
            const bool middle = (from == PR && to == CW) || (from == CW && to == PR);
            EXPECT_EQ(conflicts_no_more(from, to), to <= from && !middle)
                << name_of(from) << " to " << name_of(to);
        }
    }
}

// Linux fs/dlm, __quecvt_compat_matrix.
TEST(Modes, QuecvtIsLegalForTheListedPairsOnly) {
    const char* const kTable[] = {"-YYYYY", "--YYYY", "---YYY", "--Y-YY", "-----Y", "------"};
    for (const auto from : kAll) {
        for (const auto to : kAll) {
            EXPECT_EQ(quecvt_allowed(from, to), kTable[index_of(from)][index_of(to)] == 'Y')
                << name_of(from) << " to " << name_of(to);
        }
    }
}

// Linux fs/dlm, dlm_lvb_operations; $ENQ, "Value block".
TEST(Modes, ConversionsReadOrWriteTheValueBlock) {
    const char* const kTable[] = {"RRRRRR", ".RRRRR", "..RRRR", "...RRR", "WWWWWR", "WWWWWW"};
    for (const auto from : kAll) {
        for (const auto to : kAll) {
            const char expected = kTable[index_of(from)][index_of(to)];
            const auto effect = value_effect(from, to);
            EXPECT_EQ(effect, expected == 'R'   ? ValueEffect::kRead
                              : expected == 'W' ? ValueEffect::kWrite
                                                : ValueEffect::kNone)
                << name_of(from) << " to " << name_of(to);
        }
    }
}

}  // namespace
}  // namespace quorate::lockmgr
