#include "render.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace quorate::mail::imap {
namespace {

template <class Append, class... Arguments>
std::string made(Append append, const Arguments&... arguments) {
    std::string out = "<";
    append(out, arguments...);
    return out.substr(1);
}

TEST(Render, Numbers) {
    EXPECT_EQ(made(append_number, 0U), "0");
    EXPECT_EQ(made(append_number, 18446744073709551615ULL), "18446744073709551615");
}

TEST(RenderRfc3501Section43, AStringIsQuotedWhenItCanBeAndALiteralOtherwise) {
    EXPECT_EQ(made(append_string, ""), "\"\"");
    EXPECT_EQ(made(append_string, "a b"), "\"a b\"");
    EXPECT_EQ(made(append_string, "say \"\\o/\""), "\"say \\\"\\\\o/\\\"\"");
    EXPECT_EQ(made(append_string, "a\r\nb"), "{4}\r\na\r\nb");
    EXPECT_EQ(made(append_string, "\u00e4"), "{2}\r\n\u00e4");
}

TEST(RenderRfc3501Section9, AnAstringIsAnAtomWhenItIsOne) {
    EXPECT_EQ(made(append_astring, "INBOX"), "INBOX");
    EXPECT_EQ(made(append_astring, "a/&AOQ-]"), "a/&AOQ-]");
    for (const auto* text : {"", "a b", "(", ")", "{", "%", "*", "NIL", "nil", "a\x7f"}) {
        EXPECT_EQ(made(append_astring, text), '"' + std::string(text) + '"');
    }
}

TEST(Render, FlagsAreSystemFlagsThenKeywords) {
    const std::vector<std::string> keywords{"$Forwarded", "Junk"};
    EXPECT_EQ(made(append_flag_list, RenderedFlags{}), "()");
    EXPECT_EQ(made(append_flag_list, RenderedFlags{store::kSystemFlags, keywords}),
              "(\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
    EXPECT_EQ(made(append_flag_list, RenderedFlags{store::kSeen | 64, keywords, /*recent=*/true}),
              "(\\Seen \\Recent Junk)");
    EXPECT_EQ(made(append_flags, RenderedFlags{~store::FlagBits{0} << 5, keywords}),
              "$Forwarded Junk");
}

TEST(RenderRfc4315Section4, UidSetsKeepTheirOrder) {
    const auto set = [](std::vector<store::Uid> uids) { return made(append_uid_set, uids); };
    EXPECT_EQ(set({7}), "7");
    EXPECT_EQ(set({1, 2, 3}), "1:3");
    EXPECT_EQ(set({1, 2, 4, 9, 8, 4294967295U}), "1:2,4,9,8,4294967295");
}

}  // namespace
}  // namespace quorate::mail::imap
