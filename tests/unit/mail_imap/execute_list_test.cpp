// LIST and LSUB: RFC 3501 6.3.8, 6.3.9; RFC 3348; RFC 6154.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"
#include "list_pattern.hpp"

namespace quorate::mail::imap {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
    return ListPattern(pattern).matches(name);
}

TEST(ImapListPatternRfc3501, AStarMatchesAnythingAndAPercentOneLevel) {
    EXPECT_TRUE(matches("*", "a/b/c"));
    EXPECT_TRUE(matches("*", "a"));
    EXPECT_TRUE(matches("%", "a"));
    EXPECT_FALSE(matches("%", "a/b"));
    EXPECT_TRUE(matches("%/%", "a/b"));
    EXPECT_FALSE(matches("%/%", "a"));
    EXPECT_TRUE(matches("a/*", "a/b/c"));
    EXPECT_FALSE(matches("a/*", "a"));
    EXPECT_TRUE(matches("a*", "a"));
    EXPECT_TRUE(matches("*b", "a/xb"));
    EXPECT_TRUE(matches("%b", "xb"));
    EXPECT_FALSE(matches("%b", "a/xb"));
    EXPECT_TRUE(matches("a%c", "abbc"));
    EXPECT_TRUE(matches("a%%c", "abbc"));
    EXPECT_TRUE(matches("a%*c", "a/c"));
    EXPECT_TRUE(matches("a*%c", "a/c"));
    EXPECT_TRUE(matches("%a%b%c%", "xaxbxcx"));
    EXPECT_FALSE(matches("%a%b%c%", "xaxcxbx"));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_FALSE(matches("abc", "ab"));
    EXPECT_FALSE(matches("ab", "abc"));
    EXPECT_TRUE(matches("a*a*a", "aaa"));
    EXPECT_FALSE(matches("a*a*a", "aa"));
}

TEST(ImapListPatternRfc3501, InboxMatchesInAnyCaseOtherNamesDoNot) {
    EXPECT_TRUE(matches("inbox", "INBOX"));
    EXPECT_TRUE(matches("inBox/*", "INBOX/a"));
    EXPECT_FALSE(matches("inbox/A", "INBOX/a"));
    EXPECT_TRUE(matches("%nbo%", "INBOX"));
    EXPECT_FALSE(matches("inboxes", "INBOXES"));
    EXPECT_FALSE(matches("A", "a"));
}

TEST(ImapListPattern, HostilePatternsTakeLinearTime) {
    std::string pattern;
    for (int i = 0; i < 250; ++i) {
        pattern += "%a*a";
    }
    EXPECT_FALSE(matches(pattern + "b", std::string(512, 'a')));
    EXPECT_FALSE(matches(std::string(60'000, 'a'), std::string(512, 'a')));
}

class ImapList : public ::testing::Test {
protected:
    ImapList() : client_(mail_) {
        for (const char* name : {"foo", "foo/bar", "lists/a/deep", "zoo"}) {
            EXPECT_TRUE(mail_.account().create(name, store::SpecialUse::kNone).has_value());
        }
        EXPECT_TRUE(mail_.account().remove("lists").has_value());
        EXPECT_TRUE(mail_.account().remove("lists/a").has_value());
    }

    Mail mail_;
    Client client_;
};

TEST_F(ImapList, Rfc3501EmptyPatternTellsTheSeparator) {
    EXPECT_EQ(client_("LIST \"\" \"\""),
              crlf("* LIST (\\Noselect) \"/\" \"\"\na OK LIST completed\n"));
    EXPECT_EQ(client_("LIST foo \"\""),
              crlf("* LIST (\\Noselect) \"/\" \"\"\na OK LIST completed\n"));
}

TEST_F(ImapList, Rfc3348ChildrenAreAnnounced) {
    EXPECT_EQ(client_("LIST \"\" *"), crlf("* LIST (\\HasNoChildren) \"/\" INBOX\n"
                                           "* LIST (\\HasChildren) \"/\" foo\n"
                                           "* LIST (\\HasNoChildren) \"/\" foo/bar\n"
                                           "* LIST (\\Noselect \\HasChildren) \"/\" lists\n"
                                           "* LIST (\\Noselect \\HasChildren) \"/\" lists/a\n"
                                           "* LIST (\\HasNoChildren) \"/\" lists/a/deep\n"
                                           "* LIST (\\HasNoChildren) \"/\" zoo\n"
                                           "a OK LIST completed\n"));
}

TEST_F(ImapList, Rfc3501PercentStopsAtTheSeparatorAndShowsLevelsThatAreNoMailbox) {
    EXPECT_EQ(client_("LIST \"\" %"), crlf("* LIST (\\HasNoChildren) \"/\" INBOX\n"
                                           "* LIST (\\HasChildren) \"/\" foo\n"
                                           "* LIST (\\Noselect \\HasChildren) \"/\" lists\n"
                                           "* LIST (\\HasNoChildren) \"/\" zoo\n"
                                           "a OK LIST completed\n"));
    EXPECT_EQ(client_("LIST \"\" lists/%"),
              crlf("* LIST (\\Noselect \\HasChildren) \"/\" lists/a\na OK LIST completed\n"));
}

TEST_F(ImapList, Rfc3501TheReferenceStandsBeforeThePattern) {
    EXPECT_EQ(client_("LIST foo/ *"),
              crlf("* LIST (\\HasNoChildren) \"/\" foo/bar\na OK LIST completed\n"));
    EXPECT_EQ(client_("LIST \"\" inbox"),
              crlf("* LIST (\\HasNoChildren) \"/\" INBOX\na OK LIST completed\n"));
    EXPECT_EQ(client_("LIST \"\" nothing"), crlf("a OK LIST completed\n"));
}

TEST_F(ImapList, Rfc6154SpecialUsesAreShown) {
    using store::SpecialUse;
    const std::pair<const char*, SpecialUse> uses[] = {
        {"u/All", SpecialUse::kAll},       {"u/Archive", SpecialUse::kArchive},
        {"u/Drafts", SpecialUse::kDrafts}, {"u/Flagged", SpecialUse::kFlagged},
        {"u/Junk", SpecialUse::kJunk},     {"u/Sent", SpecialUse::kSent},
        {"u/Trash", SpecialUse::kTrash},
    };
    std::string expected;
    for (const auto& [name, use] : uses) {
        EXPECT_TRUE(mail_.account().create(name, use).has_value());
        expected +=
            "* LIST (\\HasNoChildren \\" + std::string(name).substr(2) + ") \"/\" " + name + "\n";
    }
    EXPECT_EQ(client_("LIST \"\" u/*"), crlf(expected + "a OK LIST completed\n"));
}

TEST_F(ImapList, Rfc3501LsubShowsTheParentOfASubscribedNameWithNoselect) {
    client_("SUBSCRIBE foo/bar");
    EXPECT_EQ(client_("LSUB \"\" %"), crlf("* LSUB (\\Noselect) \"/\" foo\na OK LSUB completed\n"));
    EXPECT_EQ(client_("LSUB \"\" *"), crlf("* LSUB () \"/\" foo/bar\na OK LSUB completed\n"));
    client_("SUBSCRIBE foo");
    EXPECT_EQ(client_("LSUB \"\" %"), crlf("* LSUB () \"/\" foo\na OK LSUB completed\n"));
}

TEST_F(ImapList, Rfc3501LsubShowsEachParentOnce) {
    client_("SUBSCRIBE lists/a/deep");
    EXPECT_TRUE(mail_.account().create("lists/a/other", store::SpecialUse::kNone).has_value());
    client_("SUBSCRIBE lists/a/other");
    EXPECT_EQ(client_("LSUB \"\" lists/%"),
              crlf("* LSUB (\\Noselect) \"/\" lists/a\na OK LSUB completed\n"));
    EXPECT_EQ(client_("LSUB lists/ %"),
              crlf("* LSUB (\\Noselect) \"/\" lists/a\na OK LSUB completed\n"));
}

TEST(ImapListPieces, LongListsComeInBoundedPieces) {
    Mail mail;
    Client client(mail, {.piece_bytes = 256});
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(mail.account()
                        .create("mailbox-" + std::to_string(1000 + i), store::SpecialUse::kNone)
                        .has_value());
    }
    const auto text = client("LIST \"\" mailbox-*");
    EXPECT_GT(client.pieces(), 10U);
    EXPECT_LT(client.largest_piece(), 512U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_NE(text.find(" mailbox-" + std::to_string(1000 + i) + "\r\n"), std::string::npos);
    }
}

}  // namespace
}  // namespace quorate::mail::imap
