#include "shadowing/served/export_name.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

constexpr const char* kDocumented =
    "quorate-disk-1/disk1/00000000000000010000000000000002/3.00000000000000a1.0000000000000b07/"
    "00000000000005e5.2/41/data";

ExportName documented() {
    return {"disk1",
            {1, 2},
            {{cluster::NodeId(3), cluster::Incarnation(0xa1)}, 0xb07},
            0x5e5,
            2,
            41,
            ServedView::kData};
}

TEST(ExportName, TheDocumentedExample) {
    EXPECT_EQ(encode(documented()), kDocumented);
    EXPECT_EQ(decode_export_name(kDocumented), documented());
}

TEST(ExportName, EveryWordThatIsLeftOutOrAddedIsRefused) {
    const std::string text = kDocumented;
    for (std::size_t at = 0; at < text.size(); ++at) {
        EXPECT_EQ(decode_export_name(text.substr(0, at)), std::nullopt) << at;
    }
    EXPECT_EQ(decode_export_name(text + "/"), std::nullopt);
    EXPECT_EQ(decode_export_name(text + " "), std::nullopt);
}

TEST(ExportName, NumbersAreWrittenInOneWayOnly) {
    const std::string head = "quorate-disk-1/d/00000000000000010000000000000002/";
    EXPECT_TRUE(decode_export_name(
        head + "3.00000000000000a1.0000000000000000/0000000000000001.0/0/digests"));
    for (const auto* tail : {
             "03.00000000000000a1.0000000000000000/0000000000000001.0/0/data",
             "3.00000000000000A1.0000000000000000/0000000000000001.0/0/data",
             "3.a1.0000000000000000/0000000000000001.0/0/data",
             "4294967296.00000000000000a1.0000000000000000/0000000000000001.0/0/data",
             "3.00000000000000a1.0000000000000000/0000000000000001.4294967296/0/data",
             "3.00000000000000a1.0000000000000000/0000000000000001.0/18446744073709551616/data",
             "3.00000000000000a1.0000000000000000/0000000000000001.0/-1/data",
             "3.00000000000000a1.0000000000000000/0000000000000001.0/0/everything",
         }) {
        EXPECT_EQ(decode_export_name(head + tail), std::nullopt) << tail;
    }
}

TEST(ExportName, ADiskHasANameThatIsAFileName) {
    EXPECT_TRUE(is_disk_name("disk-1.img_a"));
    EXPECT_TRUE(is_disk_name(std::string(kMaxDiskName, 'a')));
    EXPECT_FALSE(is_disk_name(std::string(kMaxDiskName + 1, 'a')));
    for (const auto* name : {"", ".hidden", "a/b", "a b", "a\n"}) {
        EXPECT_FALSE(is_disk_name(name)) << name;
    }
}

TEST(ServedDescription, TheDocumentedExample) {
    const std::string text = "quorate-disk-1 state=refused life=00000000000000f7 floor=42";
    const ServedDescription description{ServedState::kRefused, 0xf7, 42};
    EXPECT_EQ(encode(description), text);
    EXPECT_EQ(decode_served_description(text), description);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (at != text.size() - 1) {  // floor=4 is another sound one
            EXPECT_EQ(decode_served_description(text.substr(0, at)), std::nullopt) << at;
        }
    }
    EXPECT_EQ(decode_served_description(text + " more=1"), std::nullopt);
    EXPECT_EQ(decode_served_description("quorate-disk-1 state=busy life=00000000000000f7 floor=42"),
              std::nullopt);
}

}  // namespace
}  // namespace quorate::shadowing
