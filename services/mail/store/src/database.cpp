#include "database.hpp"

#include <sqlite3.h>

#include "base/assert.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

tl::unexpected<Error> sqlite_failure(sqlite3* db, int code, const std::string& path) {
    std::string detail = path + ": " + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)) +
                         " (SQLite " + std::to_string(code) + ")";
    switch (code & 0xff) {
        case SQLITE_FULL:
            return fail(errc::volume_full, std::move(detail));
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return fail(errc::damaged, std::move(detail));
        default:
            return fail(std::make_error_code(std::errc::io_error), std::move(detail));
    }
}

// Before the first access: WAL without shared memory needs it. Nothing is written before a commit,
// so that a full volume cannot tear an open transaction.
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA cache_spill=OFF;"
    "PRAGMA cache_size=-512; PRAGMA synchronous=NORMAL;";

constexpr int kWalFramesMax = 1000;  // SQLite's own default
// A WAL shorter than this is left as it is when the database is closed: emptying it costs two
// flushes.
constexpr int kWalFramesLeft = 64;

void configure_library() {
    // No statistics: they cost a process-wide mutex per allocation.
    static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(once);
}

}  // namespace

Query::~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

Result<bool> Query::step() {
    // No statement: preparing failed, and the connection knows why.
    const int code = statement_ != nullptr ? sqlite3_step(statement_) : sqlite3_errcode(db_);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE && statement_ != nullptr) {
        return false;
    }
    return sqlite_failure(db_, code, path_);
}

Status Query::run() {
    QUORATE_TRY([[maybe_unused]] const bool row, step());
    return {};
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Query::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Query::bind_one(int index, std::string_view blob) {
    // A null pointer would bind NULL.
    const char* bytes = blob.data() != nullptr ? blob.data() : "";
    sqlite3_bind_blob64(statement_, index, bytes, blob.size(), SQLITE_STATIC);
}

void Query::bind_one(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_, index, value);
}

Result<std::unique_ptr<Database>> Database::open(const SqliteVfs& vfs, const std::string& path) {
    configure_library();
    sqlite3* db = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs.name());
    if (code != SQLITE_OK) {
        auto error = sqlite_failure(db, code, path);
        sqlite3_close_v2(db);
        return error;
    }
    std::unique_ptr<Database> database(new Database(db, path, &vfs.doubt()));
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
    if (const int set = sqlite3_exec(db, kSettings, nullptr, nullptr, nullptr); set != SQLITE_OK) {
        return sqlite_failure(db, set, path);
    }
    {
        auto mode = database->query("PRAGMA journal_mode=WAL");
        QUORATE_TRY(const bool row, mode.step());
        if (!row || mode.blob(0) != "wal") {
            return fail(errc::damaged, path + ": journal mode is not WAL");
        }
    }
    sqlite3_wal_hook(db, on_wal_commit, database.get());
    return database;
}

Result<std::unique_ptr<Database>> Database::make_in_memory(const char* schema, std::string path) {
    configure_library();
    sqlite3* db = nullptr;
    int code = sqlite3_open_v2(
        ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, schema, nullptr, nullptr, nullptr);
    }
    if (code != SQLITE_OK) {
        auto error = sqlite_failure(db, code, path);
        sqlite3_close_v2(db);
        return error;
    }
    std::unique_ptr<Database> database(new Database(db, std::move(path), nullptr));
    sqlite3_extended_result_codes(db, 1);
    return database;
}

// In place of SQLite's automatic checkpoint, which is the same hook.
int Database::on_wal_commit(void* self, sqlite3*, const char* schema, int frames) {
    auto& database = *static_cast<Database*>(self);
    database.wal_frames_ = frames;
    if (frames >= kWalFramesMax) {
        database.checkpoint(schema, SQLITE_CHECKPOINT_PASSIVE);
    }
    return SQLITE_OK;
}

// What hinders it now is met again by the next commit. In doubt the WAL is all that is sure to be
// whole, and is not to be given up.
void Database::checkpoint(const char* schema, int mode) {
    if (!doubt_->raised()) {
        static_cast<void>(sqlite3_wal_checkpoint_v2(db_, schema, mode, nullptr, nullptr));
    }
}

void Database::read_ahead(bool on) {
    if (in_memory()) {
        return;
    }
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK) {
        SqliteVfs::read_ahead(file, on);
    }
}

// Who opens the database next reads all of its WAL first.
Database::~Database() {
    for (auto& [sql, statement] : statements_) {
        sqlite3_finalize(statement);
    }
    if (wal_frames_ >= kWalFramesLeft && !in_transaction_) {
        checkpoint("main", SQLITE_CHECKPOINT_TRUNCATE);
    }
    sqlite3_close_v2(db_);
}

Query Database::query(const char* sql) {
    auto& statement = statements_[sql];
    if (statement == nullptr) {
        const int code =
            sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) {
            statement = nullptr;
        }
    }
    return Query(db_, statement, path_);
}

Status Database::begin() {
    QUORATE_ASSERT(!in_transaction_);
    QUORATE_CHECK(query("BEGIN IMMEDIATE").run());
    in_transaction_ = true;
    return {};
}

Status Database::commit() {
    QUORATE_CHECK(query("COMMIT").run());
    in_transaction_ = false;
    return {};
}

void Database::rollback() {
    // SQLite may have rolled back by itself.
    if (sqlite3_get_autocommit(db_) == 0) {
        static_cast<void>(query("ROLLBACK").run());
    }
    in_transaction_ = false;
}

void Database::release_memory() { sqlite3_db_release_memory(db_); }

}  // namespace quorate::mail::store
