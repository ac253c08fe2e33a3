#include "schema.hpp"

#include <sqlite3.h>

#include <array>
#include <cstdio>

#include "full.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::int64_t kMajor = 1;  // PRAGMA user_version = major * 1000 + minor

constexpr const char* kSchema = R"sql(
PRAGMA page_size = 4096;
PRAGMA user_version = 1000;
PRAGMA application_id = 1364349268;
CREATE TABLE meta(one INTEGER PRIMARY KEY, applied_lsn INTEGER NOT NULL, modseq INTEGER NOT NULL,
    next_mailbox INTEGER NOT NULL, next_body INTEGER NOT NULL, uid_validity INTEGER NOT NULL,
    bytes INTEGER NOT NULL, messages INTEGER NOT NULL);
INSERT INTO meta VALUES(1, 0, 1, 1, 1, 0, 0, 0);
CREATE TABLE mailbox(id INTEGER PRIMARY KEY, name TEXT NOT NULL, uid_validity INTEGER NOT NULL,
    object_id BLOB NOT NULL, special_use INTEGER NOT NULL, created INTEGER NOT NULL,
    uid_next INTEGER NOT NULL, highest_modseq INTEGER NOT NULL, messages INTEGER NOT NULL,
    unseen INTEGER NOT NULL, deleted INTEGER NOT NULL, size INTEGER NOT NULL,
    recent_from INTEGER NOT NULL);
CREATE TABLE keyword(mailbox INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY(mailbox, bit)) WITHOUT ROWID;
CREATE TABLE subscription(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE chunk(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE body(id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
    size INTEGER NOT NULL, crc INTEGER NOT NULL, email_id BLOB NOT NULL, envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL, body BLOB NOT NULL, structure BLOB NOT NULL);
CREATE INDEX body_segment ON body(segment);
CREATE TABLE shared(body INTEGER PRIMARY KEY, extra INTEGER NOT NULL);
CREATE TABLE dead(body INTEGER PRIMARY KEY);
CREATE TABLE expunged(mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, uids BLOB NOT NULL,
    PRIMARY KEY(mailbox, modseq)) WITHOUT ROWID;
)sql";

// An empty database as it stands in a file: made once, so that a new account costs one small write.
std::string make_image() {
    sqlite3* db = nullptr;
    std::string image;
    if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr) ==
            SQLITE_OK &&
        sqlite3_exec(db, kSchema, nullptr, nullptr, nullptr) == SQLITE_OK) {
        sqlite3_int64 size = 0;
        auto* bytes = sqlite3_serialize(db, "main", &size, 0);
        if (bytes != nullptr) {
            image.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
            sqlite3_free(bytes);
            // File format write and read version 2: WAL (sqlite.org/fileformat2.html 1.3.3).
            image[18] = 2;
            image[19] = 2;
        }
    }
    sqlite3_close_v2(db);
    return image;
}

Status write_draft(Volume& volume, const std::string& draft, const std::string& image) {
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(auto file, volume.open(draft, mode));
    const std::array<std::string_view, 1> pieces = {image};
    QUORATE_CHECK(file->truncate(0));
    return file->write(0, pieces);
}

// Complete under its name, or not there, whenever the process dies. It is not flushed: until the
// next checkpoint flushes the volume, recovery makes the database anew from the journal, which has
// all of the account (recovery.cpp).
Status create_database(Volume& volume, const std::string& path) {
    static const std::string image = make_image();
    if (image.empty()) {
        return fail(std::make_error_code(std::errc::not_enough_memory), "no empty database");
    }
    const auto draft = path + ".new";
    auto created = write_draft(volume, draft, image);
    if (created) {
        created = volume.rename(draft, path);
    }
    if (!created) {
        static_cast<void>(volume.remove(draft));  // gives back the room that there was
    }
    return created;
}

}  // namespace

std::string_view account_schema() { return kSchema; }

std::string account_folder(AccountId id) {
    std::array<char, 8> hex;
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(id.value() & 0xff));
    return "accounts/" + std::string(hex.data()) + "/" + std::to_string(id.value());
}

std::string account_database(AccountId id) { return account_folder(id) + "/mail.db"; }

Result<std::unique_ptr<Database>> open_stand_in_database(AccountId id) {
    return Database::make_in_memory(kSchema, account_database(id) + " in memory");
}

Result<std::unique_ptr<Database>> open_account_database(Volume& volume, const SqliteVfs& vfs,
                                                        AccountId id) {
    const auto path = account_database(id);
    QUORATE_TRY(const bool exists, volume.exists(path));
    if (!exists) {
        if (auto created = create_database(volume, path); !created) {
            return is_full(created.error().code)
                       ? fail(errc::volume_full, std::move(created.error().detail))
                       : tl::unexpected(std::move(created.error()));
        }
    }
    QUORATE_TRY(auto database, Database::open(vfs, path));
    auto version = database->query("PRAGMA user_version");
    QUORATE_TRY(const bool row, version.step());
    if (!row || version.integer(0) == 0) {
        return fail(errc::damaged, path + ": has no version");
    }
    if (version.integer(0) / 1000 != kMajor) {
        return fail(errc::unsupported_version,
                    path + ": version " + std::to_string(version.integer(0)));
    }
    return database;
}

}  // namespace quorate::mail::store
