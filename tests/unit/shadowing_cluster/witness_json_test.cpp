#include "shadowing/cluster/witness_json.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace quorate::shadowing {
namespace {

// As it arrives.
boost::json::object sent(const WitnessBlock& block) {
    return boost::json::parse(boost::json::serialize(to_json(block))).as_object();
}

TEST(WitnessJson, IsReadAsItWasWritten) {
    WitnessBlock block;
    block.set = {0x5e, 1};
    block.reserved = 8;
    EXPECT_EQ(*witness_block_from(sent(block)), block);
    block.word = WitnessWord{{0x11, 2}, {7, 0xabcd}};
    EXPECT_EQ(*witness_block_from(sent(block)), block);
}

TEST(WitnessJson, WhatIsNoIdIsRefusedByName) {
    auto object = sent({});
    for (const char* name : {"set", "lineage", "generation_id"}) {
        for (const char* wrong : {"", "12", "zz000000000000000000000000000000"}) {
            auto broken = object;
            broken[name] = wrong;
            const auto read = witness_block_from(broken);
            ASSERT_FALSE(read);
            EXPECT_TRUE(read.error().detail.starts_with(name)) << read.error().detail;
        }
    }
    object.erase("lineage");
    EXPECT_FALSE(witness_block_from(object));
}

}  // namespace
}  // namespace quorate::shadowing
