#include "io/lock_file.hpp"

#include <gtest/gtest.h>

#include "support/scratch.hpp"

namespace quorate::io {
namespace {

TEST(LockFile, IsHeldOnce) {
    const support::Scratch scratch;
    const auto path = scratch.file("lock");
    ASSERT_TRUE(hold_lock_file(path).value());
    EXPECT_FALSE(hold_lock_file(path).value());
    EXPECT_TRUE(hold_lock_file(scratch.file("another")).value());
}

TEST(LockFile, NamesThePathThatCannotBeMade) {
    const support::Scratch scratch;
    const auto held = hold_lock_file(scratch.file("no/such/folder"));
    ASSERT_FALSE(held);
    EXPECT_NE(held.error().to_string().find("no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace quorate::io
