#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mail/auth/directory.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace quorate::mail::auth {

// The directory's tables: what Directory holds in memory, on stable storage. One caller.
class DirectoryDatabase {
public:
    static Result<std::unique_ptr<DirectoryDatabase>> open(const std::string& path);
    ~DirectoryDatabase();

    Result<std::vector<DomainRecord>> domains();
    Result<std::vector<AccountRecord>> accounts();
    Result<std::vector<AliasRecord>> aliases();

    Status put_domain(const DomainRecord& record);
    Status remove_domain(const std::string& name);
    // Gives the new account its id, larger than any id ever given.
    Result<std::uint64_t> insert_account(const AccountRecord& record);
    Status update_account(const AccountRecord& record);
    Status remove_account(std::uint64_t id);
    Status put_alias(const AliasRecord& record);
    Status remove_alias(const std::string& address);

private:
    class Statement;
    explicit DirectoryDatabase(sqlite3* database) : database_(database) {}

    Status execute(const char* sql);
    Status prepare_schema();
    tl::unexpected<Error> failure(const char* what) const;

    sqlite3* database_;
};

}  // namespace quorate::mail::auth
