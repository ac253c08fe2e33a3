#include <algorithm>
#include <fstream>

#include "database.hpp"
#include "journal.hpp"
#include "mail/store/errc.hpp"
#include "schema.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

// What rots on the medium is found and named, never served.
class DamageTest : public StoreTest {
protected:
    void SetUp() override {
        StoreTest::SetUp();
        for (int i = 1; i <= 3; ++i) {
            append(account(), "INBOX", message("text " + std::to_string(i), 2000));
        }
        flush();
        ASSERT_TRUE(store_->checkpoint());
    }
    std::string read_file(const std::string& path) {
        std::ifstream file(folder_ / path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write_file(const std::string& path, const std::string& bytes) {
        std::ofstream(folder_ / path, std::ios::binary | std::ios::trunc) << bytes;
    }
    void flip(const std::string& path, std::size_t at) {
        auto bytes = read_file(path);
        ASSERT_LT(at, bytes.size());
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        write_file(path, bytes);
    }
    // Does `sql` to the closed account's database.
    void edit(const char* sql) {
        kill();
        {
            auto volume = open_local_volume(folder_.string());
            ASSERT_TRUE(volume);
            Doubt doubt(**volume, Logger());
            const SqliteVfs vfs(**volume, doubt);
            auto db = Database::open(vfs, account_database(kAnna));
            ASSERT_TRUE(db) << db.error().to_string();
            ASSERT_TRUE((*db)->query(sql).run());
        }
        open();
    }
    std::vector<std::string> problems() {
        const auto report = store_->verify(kAnna);
        EXPECT_TRUE(report) << report.error().to_string();
        return report ? report->problems : std::vector<std::string>();
    }
    void expect_problem(const std::string& text) {
        const auto all = problems();
        EXPECT_TRUE(
            std::any_of(all.begin(), all.end(),
                        [&](const auto& one) { return one.find(text) != std::string::npos; }))
            << "no problem speaks of: " << text << "\nfirst: " << (all.empty() ? "" : all[0]);
    }
};

TEST_F(DamageTest, ASoundAccountHasNoProblems) {
    const auto report = store_->verify(kAnna);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->problems.empty());
    EXPECT_EQ(report->mailboxes, 1U);
    EXPECT_EQ(report->messages, 3U);
    EXPECT_EQ(report->bytes, 3 * message("text 1", 2000).size());
}

TEST_F(DamageTest, AWrongOctetInABodyIsNamedWithFileOffsetAndUid) {
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    const auto ref = anna.content(shown->at(1).body)->body;
    flip(segment_path(ref.segment), ref.offset + 100);
    const auto bytes = anna.read_body(ref, 0, 10);
    ASSERT_FALSE(bytes) << "not even the sound part of it";
    EXPECT_EQ(bytes.error().code, errc::damaged);
    EXPECT_EQ(body(anna, *shown, 2), message("text 3", 2000)) << "the others are served";
    expect_problem("journal/00000001.seg offset " + std::to_string(ref.offset) +
                   ": wrong checksum: body 2 (mailbox 1 uid 2)");
    EXPECT_EQ(problems().size(), 1U);
}

TEST_F(DamageTest, NoMemoryIsAskedForOnTheWordOfACounter) {
    edit("UPDATE mailbox SET messages = 4000000000");
    const auto inbox = account().mailbox("INBOX");
    ASSERT_TRUE(inbox);
    const auto opened = account().open(inbox->id, true, {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, errc::damaged);
    accounts_.clear();
}

TEST_F(DamageTest, NoMemoryIsAskedForOnTheWordOfALargeBodysHeader) {
    kill();
    auto volume = std::move(*open_local_volume(folder_.string()));
    // The sizes add up to the file's, modulo 2^64.
    LargeHeader header{1, {1, 2}, 0, 0, 0xffffffff};
    const std::uint64_t length = std::uint64_t{8} * header.owners + 4;
    header.size = std::uint64_t{100} - kLargeHeaderBytes - length;
    auto bytes = encode(header);
    bytes.resize(100);
    std::filesystem::create_directories(folder_ / "large");
    write_file("large/00000001.body", bytes);
    Reserve reserve(*volume, 0, Logger());
    LargeBodies bodies(*volume, reserve, {1, 2});
    const auto owners = bodies.owners(kLargeSegment + 1);
    ASSERT_FALSE(owners);
    EXPECT_EQ(owners.error().code, errc::damaged);
}

TEST_F(DamageTest, AMissingSegmentIsNamed) {
    kill();
    std::filesystem::remove(folder_ / "journal/00000001.seg");
    auto volume = open_local_volume(folder_.string());
    ASSERT_TRUE(volume);
    const auto opened = StoreImpl::open(**volume, options_, false, Logger());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, errc::damaged);
    EXPECT_NE(opened.error().detail.find("journal/00000001.seg is missing"), std::string::npos);
}

TEST_F(DamageTest, ADamagedChangeThatWasAcknowledgedStopsTheStart) {
    append(account(), "INBOX", message("four"));
    flush();
    append(account(), "INBOX", message("five"));
    flush();
    kill();
    auto bytes = read_file("journal/00000001.seg");
    const auto at = bytes.find("Subject: four");
    ASSERT_NE(at, std::string::npos);
    const auto frame = bytes.find("QRM1", at);  // the change that refers to it
    bytes[frame + 60] = static_cast<char>(bytes[frame + 60] ^ 1);
    write_file("journal/00000001.seg", bytes);
    auto volume = open_local_volume(folder_.string());
    const auto opened = StoreImpl::open(**volume, options_, false, Logger());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, errc::damaged);
    EXPECT_NE(opened.error().detail.find("acknowledged frame at octet " + std::to_string(frame)),
              std::string::npos)
        << opened.error().detail;
}

TEST_F(DamageTest, ADamagedBodyDoesNotStopTheStart) {
    append(account(), "INBOX", message("four"));
    flush();
    append(account(), "INBOX", message("five"));
    flush();
    kill();
    const auto at = read_file("journal/00000001.seg").find("Subject: four");
    flip("journal/00000001.seg", at);
    open();
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    ASSERT_EQ(shown->size(), 5U);
    EXPECT_NE(body(anna, *shown, 3).find("wrong checksum"), std::string::npos);
    EXPECT_EQ(body(anna, *shown, 4), message("five"));
    expect_problem("uid 4");
}

TEST_F(DamageTest, ADamagedDatabasePageIsNamed) {
    close();
    const auto path = account_database(kAnna);
    std::filesystem::remove(folder_ / (path + "-wal"));
    auto bytes = read_file(path);
    if (bytes.size() < 5 * 4096) {
        bytes.resize(5 * 4096);
    }
    std::fill(bytes.begin() + 4096, bytes.begin() + 3 * 4096, '\x55');
    write_file(path, bytes);
    open();
    const auto found = store_->account(kAnna, {});
    if (!found) {
        EXPECT_EQ(found.error().code, errc::damaged);
        EXPECT_NE(found.error().detail.find(path), std::string::npos);
    } else {
        accounts_.push_back(*found);
        expect_problem(path);
    }
}

TEST_F(DamageTest, AFileThatIsNoDatabaseRefusesItsAccountAlone) {
    append(account(kBert), "INBOX", message("two"));
    close();
    write_file(account_database(kAnna), std::string(8192, 'x'));
    open();
    EXPECT_EQ(store_->account(kAnna, {}).error().code, errc::damaged);
    EXPECT_EQ(view(account(kBert), "INBOX")->size(), 1U);
}

TEST_F(DamageTest, ChangesThatADamagedDatabaseCannotTakeAreKept) {
    append(account(), "INBOX", message("four"));
    append(account(kBert), "INBOX", message("for bert"));
    flush();
    kill();
    write_file(account_database(kAnna), std::string(8192, 'x'));
    std::filesystem::remove(folder_ / (account_database(kAnna) + "-wal"));
    open();
    EXPECT_EQ(store_->account(kAnna, {}).error().code, errc::damaged);
    EXPECT_EQ(view(account(kBert), "INBOX")->size(), 1U);
    const auto files = *volume_->list(account_folder(kAnna));
    EXPECT_TRUE(std::any_of(files.begin(), files.end(),
                            [](const auto& name) { return name.starts_with("redo-"); }));
    close();
    open();
    EXPECT_EQ(store_->account(kAnna, {}).error().code, errc::damaged) << "until it is repaired";
}

TEST_F(DamageTest, ContradictionsBetweenIndexAndBodiesAreNamed) {
    edit("UPDATE mailbox SET messages = 7");
    expect_problem("number of messages is 7, counted 3");
    edit("UPDATE mailbox SET messages = 3, uid_next = 2");
    expect_problem("uid 3 was not given yet");
    edit("DELETE FROM body WHERE id = 3");
    expect_problem("mailbox 1 uid 3: body 3 is missing");
    edit("UPDATE body SET size = size - 1 WHERE id = 1");
    expect_problem("body 1 (mailbox 1 uid 1): has");
    edit("INSERT INTO dead VALUES(2)");
    expect_problem("body 2 (mailbox 1 uid 2): has 1 references, counts 0");
    edit("UPDATE meta SET bytes = 1");
    expect_problem("quota counts 3 messages of 1 octets");
    edit("UPDATE body SET envelope = x'00112233445566' WHERE id = 1");
    expect_problem("body 1 (mailbox 1 uid 1): stored text: wrong checksum");
    edit("UPDATE chunk SET data = substr(data, 1, 5) || x'ff' || substr(data, 7)");
    expect_problem("mailbox 1 uids from 0: message block: wrong checksum");
}

TEST_F(DamageTest, ADamagedTextIsNotServed) {
    edit("UPDATE body SET envelope = x'00112233445566' WHERE id = 1");
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    EXPECT_EQ(anna.content(shown->at(0).body).error().code, errc::damaged);
    const std::vector<BodyId> bodies = {shown->at(0).body};
    EXPECT_EQ(anna.for_each(bodies, Account::Field::kEnvelope, [](auto, auto) { return true; })
                  .error()
                  .code,
              errc::damaged);
    EXPECT_TRUE(anna.for_each(bodies, Account::Field::kBody, [](auto, auto) { return true; }));
}

TEST_F(DamageTest, ANewerDatabaseVersionIsRefusedAsSuch) {
    edit("PRAGMA user_version = 2000");
    EXPECT_EQ(store_->account(kAnna, {}).error().code, errc::unsupported_version);
}

TEST_F(DamageTest, OneBadCopyOfTheSuperBlockIsNoMatter) {
    for (const std::size_t copy : {0U, 4096U}) {
        kill();
        flip("journal/super", copy + 40);
        open();
        EXPECT_EQ(view(account(), "INBOX")->size(), 3U);
        close();
        open();
    }
    kill();
    flip("journal/super", 40);
    flip("journal/super", 4096 + 40);
    auto volume = open_local_volume(folder_.string());
    EXPECT_EQ(StoreImpl::open(**volume, options_, false, Logger()).error().code, errc::damaged);
}

}  // namespace
}  // namespace quorate::mail::store
