// Errors of the store under a running command: what the client is told, and that nothing is served
// that is not whole.

#include <fstream>

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

constexpr auto kCorruption = "a NO [CORRUPTION] Some of the mail is damaged\r\n";

TEST(ImapFaults, ADamagedMessageIsLeftOutAndTheOthersAreShown) {
    Mail mail;
    mail.fill(3);
    Client client(mail);
    client("EXAMINE INBOX");
    const std::pair<const char*, unsigned> cases[] = {
        {"FETCH 1:* (UID BODY.PEEK[TEXT])", 0},  // content of the first message
        {"FETCH 1:* (UID BODY.PEEK[TEXT])", 1},  // its body
        {"FETCH 1:* (ENVELOPE BODYSTRUCTURE)", 0},
        {"FETCH 1:* ENVELOPE", 0},
    };
    for (const auto& [command, spared] : cases) {
        mail.account().fail(store::errc::damaged, spared);
        const auto text = client(command);
        EXPECT_EQ(text.find("* 1 FETCH"), std::string::npos) << text;
        EXPECT_NE(text.find("* 2 FETCH"), std::string::npos) << text;
        EXPECT_NE(text.find("* 3 FETCH"), std::string::npos) << text;
        EXPECT_TRUE(text.ends_with(kCorruption)) << text;
        EXPECT_FALSE(client.executed().ok);
    }
}

TEST(ImapFaults, ALiteralThatCannotBeCompletedEndsTheConnection) {
    Mail mail;
    mail.deliver(std::string(300'000, 'x'));
    Client client(mail);
    client("EXAMINE INBOX");
    // content, first octet and first step are read, the next piece begins with content again
    mail.account().fail(store::errc::damaged, 4);
    const auto text = client("FETCH 1 BODY.PEEK[]");
    EXPECT_TRUE(text.starts_with("* 1 FETCH (BODY[] {300000}\r\n"));
    EXPECT_LT(text.size(), 300'000U);
    EXPECT_EQ(client.executed().bye, "A message could not be read");
}

TEST(ImapFaults, ALargeBodyIsVerifiedBeforeItsLiteralBegins) {
    Mail mail;
    mail.deliver(std::string(300'000, 'x'));
    Client client(mail);
    client("EXAMINE INBOX");
    mail.account().fail(store::errc::damaged, 1);
    EXPECT_EQ(client("FETCH 1 BODY.PEEK[]"), kCorruption);
}

TEST(ImapFaults, EveryCallThatFailsIsAnsweredNo) {
    const char* commands[] = {
        "LIST \"\" *",
        "LSUB \"\" *",
        "CREATE new",
        "DELETE other",
        "RENAME other else",
        "SUBSCRIBE other",
        "UNSUBSCRIBE other",
        "STATUS other (UNSEEN)",
        "STORE 1 +FLAGS (\\Seen)",
        "COPY 1 other",
        "MOVE 1 other",
        "EXPUNGE",
        "UID EXPUNGE 1:*",
        "FETCH 1 BODY[]",
        "FETCH 1 ENVELOPE",
        "SEARCH SENTON 1-May-2020",
        "SEARCH FROM x",
        "SEARCH TEXT x",
        "EXAMINE other",
        "CLOSE",
    };
    for (const auto* command : commands) {
        for (unsigned spared = 0; spared < 8; ++spared) {
            Mail mail;
            mail.fill(1);
            Client client(mail);
            client("CREATE other");
            client("SELECT INBOX");
            client("STORE 1 +FLAGS.SILENT (\\Deleted)");
            const auto calls = mail.account().calls();
            mail.account().fail(store::errc::journal_failed, spared);
            const auto text = client(command);
            const bool failed = mail.account().calls() > calls + spared;
            if (!failed) {
                EXPECT_GT(spared, 0U) << command;
                break;
            }
            EXPECT_NE(text.find("a NO [UNAVAILABLE] "), std::string::npos) << command << text;
            EXPECT_FALSE(client.executed().ok) << command;
        }
    }
}

TEST(ImapFaults, ABusyAccountChangesNothingAndTheCommandCanBeRepeated) {
    const char* commands[] = {
        "STORE 1 +FLAGS (\\Seen)", "COPY 1 other", "MOVE 1 other", "EXPUNGE",
        "FETCH 1 BODY[]",          "CREATE x",     "CLOSE",        "DELETE other"};
    for (const auto* command : commands) {
        for (unsigned spared = 0; spared < 3; ++spared) {
            Mail mail;
            mail.fill(1);
            Client client(mail);
            client("CREATE other");
            client("SELECT INBOX");
            mail.account().fail(store::errc::account_busy, spared, 2);
            EXPECT_TRUE(client.ok(command)) << spared;
            mail.account().fail(store::errc::account_busy, 0, 0);
        }
    }
}

TEST(ImapFaults, ABusyAccountDuringAFetchIsWaitedFor) {
    Mail mail;
    for (int i = 0; i < 20; ++i) {
        mail.deliver(std::string(1000, 'x'));
    }
    Client client(mail, {.piece_bytes = 4096});
    client("SELECT INBOX");
    // marking the first batch, then content and body of its messages
    mail.account().fail(store::errc::account_busy, 11, 5);
    const auto text = client("FETCH 1:* BODY[]");
    EXPECT_TRUE(text.ends_with("a OK FETCH completed\r\n")) << text.substr(text.size() - 100);
    EXPECT_NE(text.find("* 20 FETCH"), std::string::npos);
    EXPECT_EQ(mail.account().mailbox("INBOX")->unseen, 0U);
}

TEST(ImapFaults, AnAccountThatStaysBusyIsGivenUp) {
    Mail mail;
    for (int i = 0; i < 20; ++i) {
        mail.deliver(std::string(1000, 'x'));
    }
    Client client(mail, {.piece_bytes = 4096});
    client("SELECT INBOX");
    mail.account().fail(store::errc::account_busy, 11, 1'000'000);
    const auto text = client("FETCH 1:* BODY[]");
    EXPECT_TRUE(text.ends_with("a NO [INUSE] The account is busy, try again later\r\n"));
    mail.account().fail(store::errc::account_busy, 0, 0);
}

// The store's own check, not a forced error.
TEST(ImapFaults, OctetsThatChangedOnTheVolumeAreNeverServed) {
    Mail mail;
    mail.deliver(crlf("Subject: first\n\nintact\n"));
    mail.deliver(crlf("Subject: second\n\nsoon damaged\n"));
    mail.settle();
    bool damaged = false;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(mail.folder())) {
        if (!entry.is_regular_file()) {
            continue;
        }
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        const std::string octets((std::istreambuf_iterator<char>(file)),
                                 std::istreambuf_iterator<char>());
        const auto at = octets.find("soon damaged");
        if (at != std::string::npos) {
            file.clear();
            file.seekp(static_cast<std::streamoff>(at));
            file.put('S');
            damaged = true;
        }
    }
    ASSERT_TRUE(damaged);
    Client client(mail);
    client("EXAMINE INBOX");
    const auto text = client("FETCH 1:2 BODY.PEEK[TEXT]");
    EXPECT_NE(text.find("intact"), std::string::npos);
    EXPECT_EQ(text.find("oon damaged"), std::string::npos);
    EXPECT_TRUE(text.ends_with(kCorruption));
    EXPECT_TRUE(client.ok("FETCH 1:2 ENVELOPE"));
}

}  // namespace
}  // namespace quorate::mail::imap
