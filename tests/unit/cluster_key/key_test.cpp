#include "cluster/key.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

class ClusterKeyTest : public ::testing::Test {
protected:
    ClusterKeyTest() {
        std::string pattern = ::testing::TempDir() + "quorate-key-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~ClusterKeyTest() override {
        ::unlink(path().c_str());
        ::rmdir(folder_.c_str());
    }
    std::string path() const { return folder_ + "/cluster.key"; }

    std::string folder_;
};

TEST_F(ClusterKeyTest, AKeyIsReadBackFromItsFileAndKeptFromOthers) {
    const auto key = ClusterKey::generate();
    ASSERT_TRUE(key);
    ASSERT_TRUE(key->save(path()));
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0400U);
    const auto again = ClusterKey::load(path());
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(again->text(), key->text());
    EXPECT_EQ(again->fingerprint(), key->fingerprint());
}

TEST_F(ClusterKeyTest, AKeyIsNeverOverwritten) {
    const auto first = ClusterKey::generate();
    ASSERT_TRUE(first->save(path()));
    const auto second = ClusterKey::generate();
    EXPECT_FALSE(second->save(path()));
    EXPECT_EQ(ClusterKey::load(path())->text(), first->text());
}

TEST_F(ClusterKeyTest, AFileThatOthersMayReadIsRefused) {
    ASSERT_TRUE(ClusterKey::generate()->save(path()));
    ASSERT_EQ(::chmod(path().c_str(), 0440), 0);
    const auto loaded = ClusterKey::load(path());
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().detail.find("chmod 400"), std::string::npos);
}

TEST_F(ClusterKeyTest, WhatIsNoKeyIsRefusedWithAReason) {
    const auto error_of = [](std::string_view text) {
        const auto key = ClusterKey::parse(text, "k");
        return key ? "" : key.error().detail;
    };
    EXPECT_NE(error_of("").find("not a cluster key"), std::string::npos);
    EXPECT_NE(error_of("quorate-key 2 AAAA").find("newer version"), std::string::npos);
    EXPECT_NE(error_of("quorate-key 1 AAAA").find("damaged"), std::string::npos);
    EXPECT_NE(error_of(std::string(300, 'x')).find("not a cluster key"), std::string::npos);
    const auto whole = ClusterKey::generate()->text();
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        EXPECT_NE(error_of(whole.substr(0, size)), "") << size;
    }
    EXPECT_NE(ClusterKey::load("absent/key").error().detail.find("key generate"),
              std::string::npos);
}

TEST_F(ClusterKeyTest, CorosyncsKeyServesTooWhenNobodyElseMayReadIt) {
    const auto path = folder_ + "/authkey";
    const auto write = [&](std::size_t size, int mode) {
        std::remove(path.c_str());
        std::ofstream(path) << std::string(size, 'k');
        ::chmod(path.c_str(), static_cast<mode_t>(mode));
    };
    write(256, 0400);
    const auto key = ClusterKey::of_authkey(path);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->derive("a", 32), ClusterKey::of_authkey(path)->derive("a", 32));
    write(256, 0440);
    EXPECT_FALSE(ClusterKey::of_authkey(path));
    write(31, 0400);
    EXPECT_FALSE(ClusterKey::of_authkey(path));
    std::remove(path.c_str());
}

TEST_F(ClusterKeyTest, UsesGetKeysThatDifferAndStayTheSame) {
    const auto key =
        ClusterKey::parse("quorate-key 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "k");
    ASSERT_TRUE(key) << key.error().to_string();
    EXPECT_EQ(key->derive("a", 48).size(), 48U);
    EXPECT_EQ(key->derive("a", 48), key->derive("a", 48));
    EXPECT_NE(key->derive("a", 48), key->derive("b", 48));
    // RFC 5869 with the key octets 00 to 1f, no salt; made with Python's hmac.
    EXPECT_EQ(key->fingerprint(), "86952959fd96d870");
}

}  // namespace
}  // namespace quorate::cluster
