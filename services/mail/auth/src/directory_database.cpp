#include "directory_database.hpp"

#include <sqlite3.h>

#include <fmt/core.h>

#include "base/text.hpp"
#include "mail/auth/errc.hpp"

namespace quorate::mail::auth {
namespace {

constexpr int kSchemaVersion = 1;

// AUTOINCREMENT: an id is never given again, also not that of the account removed last.
constexpr const char* kSchema = R"sql(
CREATE TABLE domain(name TEXT PRIMARY KEY, enabled INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE account(
    id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, enabled INTEGER NOT NULL,
    quota_bytes INTEGER NOT NULL, quota_messages INTEGER NOT NULL, created INTEGER NOT NULL, secrets TEXT NOT NULL);
CREATE TABLE alias(address TEXT PRIMARY KEY, targets TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

// Lists are one text with a line each: no element can hold a line end.
std::string join_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) {
        text += line;
        text += '\n';
    }
    return text;
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    for (const auto line : split(text, '\n')) {
        if (!line.empty()) {
            lines.emplace_back(line);
        }
    }
    return lines;
}

}  // namespace

class DirectoryDatabase::Statement {
public:
    Statement(sqlite3* database, const char* sql) {
        sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& text(std::string_view value) {
        sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                          SQLITE_TRANSIENT);
        return *this;
    }
    Statement& number(std::uint64_t value) {
        sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value));
        return *this;
    }
    int step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
    std::string text_at(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return bytes == nullptr
                   ? std::string()
                   : std::string(
                         bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
    }
    std::uint64_t number_at(int column) const {
        return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
    }

private:
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
};

tl::unexpected<Error> DirectoryDatabase::failure(const char* what) const {
    const char* file = sqlite3_db_filename(database_, "main");
    return fail(errc::storage, fmt::format("{}: {}: {}", file == nullptr ? "" : file, what,
                                           sqlite3_errmsg(database_)));
}

Status DirectoryDatabase::execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        return failure("statement");
    }
    return {};
}

Result<std::unique_ptr<DirectoryDatabase>> DirectoryDatabase::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open(path.c_str(), &raw);
    std::unique_ptr<DirectoryDatabase> database(new DirectoryDatabase(raw));
    if (opened != SQLITE_OK) {
        return fail(errc::storage, path + ": " + sqlite3_errstr(opened));
    }
    QUORATE_CHECK(database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
    QUORATE_CHECK(database->prepare_schema());
    return database;
}

DirectoryDatabase::~DirectoryDatabase() { sqlite3_close(database_); }

Status DirectoryDatabase::prepare_schema() {
    std::uint64_t version = 0;
    {
        Statement query(database_, "PRAGMA user_version");
        if (query.step() != SQLITE_ROW) {
            return failure("schema version");
        }
        version = query.number_at(0);
    }
    if (version == 0) {
        QUORATE_CHECK(execute("BEGIN IMMEDIATE"));
        QUORATE_CHECK(execute(kSchema));
        return execute("COMMIT");
    }
    if (version != kSchemaVersion) {
        return fail(errc::unsupported_version,
                    fmt::format("{}: schema {}, this program knows {}",
                                sqlite3_db_filename(database_, "main"), version, kSchemaVersion));
    }
    return {};
}

Result<std::vector<DomainRecord>> DirectoryDatabase::domains() {
    std::vector<DomainRecord> records;
    Statement query(database_, "SELECT name, enabled FROM domain");
    int result = query.step();
    for (; result == SQLITE_ROW; result = query.step()) {
        records.push_back({query.text_at(0), query.number_at(1) != 0});
    }
    if (result != SQLITE_DONE) {
        return failure("reading domains");
    }
    return records;
}

Result<std::vector<AccountRecord>> DirectoryDatabase::accounts() {
    std::vector<AccountRecord> records;
    Statement query(
        database_,
        "SELECT id, address, enabled, quota_bytes, quota_messages, created, secrets FROM account");
    int result = query.step();
    for (; result == SQLITE_ROW; result = query.step()) {
        AccountRecord record;
        record.id = query.number_at(0);
        record.address = query.text_at(1);
        record.enabled = query.number_at(2) != 0;
        record.quota_bytes = query.number_at(3);
        record.quota_messages = query.number_at(4);
        record.created = static_cast<std::int64_t>(query.number_at(5));
        record.secrets = split_lines(query.text_at(6));
        records.push_back(std::move(record));
    }
    if (result != SQLITE_DONE) {
        return failure("reading accounts");
    }
    return records;
}

Result<std::vector<AliasRecord>> DirectoryDatabase::aliases() {
    std::vector<AliasRecord> records;
    Statement query(database_, "SELECT address, targets FROM alias");
    int result = query.step();
    for (; result == SQLITE_ROW; result = query.step()) {
        records.push_back({query.text_at(0), split_lines(query.text_at(1))});
    }
    if (result != SQLITE_DONE) {
        return failure("reading aliases");
    }
    return records;
}

Status DirectoryDatabase::put_domain(const DomainRecord& record) {
    Statement statement(database_, "INSERT OR REPLACE INTO domain VALUES(?, ?)");
    if (statement.text(record.name).number(record.enabled ? 1 : 0).step() != SQLITE_DONE) {
        return failure("writing a domain");
    }
    return {};
}

Status DirectoryDatabase::remove_domain(const std::string& name) {
    Statement statement(database_, "DELETE FROM domain WHERE name = ?");
    if (statement.text(name).step() != SQLITE_DONE) {
        return failure("removing a domain");
    }
    return {};
}

Result<std::uint64_t> DirectoryDatabase::insert_account(const AccountRecord& record) {
    Statement statement(
        database_,
        "INSERT INTO account(address, enabled, quota_bytes, quota_messages, created, secrets) "
        "VALUES(?, ?, ?, ?, ?, ?)");
    statement.text(record.address).number(record.enabled ? 1 : 0).number(record.quota_bytes);
    statement.number(record.quota_messages).number(static_cast<std::uint64_t>(record.created));
    if (statement.text(join_lines(record.secrets)).step() != SQLITE_DONE) {
        return failure("writing an account");
    }
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database_));
}

Status DirectoryDatabase::update_account(const AccountRecord& record) {
    Statement statement(database_,
                        "UPDATE account SET enabled = ?, quota_bytes = ?, quota_messages = ?, "
                        "secrets = ? WHERE id = ?");
    statement.number(record.enabled ? 1 : 0)
        .number(record.quota_bytes)
        .number(record.quota_messages);
    if (statement.text(join_lines(record.secrets)).number(record.id).step() != SQLITE_DONE) {
        return failure("changing an account");
    }
    return {};
}

Status DirectoryDatabase::remove_account(std::uint64_t id) {
    Statement statement(database_, "DELETE FROM account WHERE id = ?");
    if (statement.number(id).step() != SQLITE_DONE) {
        return failure("removing an account");
    }
    return {};
}

Status DirectoryDatabase::put_alias(const AliasRecord& record) {
    Statement statement(database_, "INSERT OR REPLACE INTO alias VALUES(?, ?)");
    if (statement.text(record.address).text(join_lines(record.targets)).step() != SQLITE_DONE) {
        return failure("writing an alias");
    }
    return {};
}

Status DirectoryDatabase::remove_alias(const std::string& address) {
    Statement statement(database_, "DELETE FROM alias WHERE address = ?");
    if (statement.text(address).step() != SQLITE_DONE) {
        return failure("removing an alias");
    }
    return {};
}

}  // namespace quorate::mail::auth
