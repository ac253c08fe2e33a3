#include "witness_json.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace quorate::quorum {
namespace {

// As it goes over the socket.
boost::json::object as_read(const Witness& witness) {
    return boost::json::parse(boost::json::serialize(to_json(witness))).as_object();
}

const Witness kWitness{{1, 2}, {3, 4}, 7, 0xffff'ffff'ffff'abcd, 8, 0x8000'0001};

TEST(WitnessJson, ComesBackAsItWas) {
    const auto read = witness_from(as_read(kWitness));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, kWitness);
}

TEST(WitnessJson, EveryFieldIsWanted) {
    for (const auto& field : as_read(kWitness)) {
        auto body = as_read(kWitness);
        body.erase(field.key());
        const auto read = witness_from(body);
        ASSERT_FALSE(read) << field.key();
        EXPECT_NE(read.error().detail.find(std::string(field.key())), std::string::npos)
            << read.error().detail;
    }
}

TEST(WitnessJson, WrongValuesAreNamed) {
    const std::pair<const char*, boost::json::value> wrong[] = {
        {"set", "00"},
        {"lineage", 5},
        {"generation", -1},
        {"generation_id", "abcd"},
        {"generation_id", "xyz0000000000000"},
        {"reserved", "8"},
        {"reserved", 6},
        {"members", 4294967296}};
    for (const auto& [field, value] : wrong) {
        auto body = as_read(kWitness);
        body[field] = value;
        const auto read = witness_from(body);
        ASSERT_FALSE(read) << field;
        EXPECT_NE(read.error().detail.find(field), std::string::npos) << read.error().detail;
    }
}

}  // namespace
}  // namespace quorate::quorum
