#include "memory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace quorate::quorum {
namespace {

std::size_t resident_pages_of_files() {
    std::size_t size = 0;
    std::size_t resident = 0;
    std::size_t of_files = 0;
    std::ifstream("/proc/self/statm") >> size >> resident >> of_files;
    return of_files;
}

TEST(Memory, CodeThatIsNotInUseIsGivenBackAndWorksAfterwards) {
    const auto before = resident_pages_of_files();
    release_unused_memory();
    EXPECT_LT(resident_pages_of_files(), before * 3 / 4);
    release_unused_memory();
    EXPECT_GT(resident_pages_of_files(), 0U);
}

}  // namespace
}  // namespace quorate::quorum
