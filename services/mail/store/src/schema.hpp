#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "database.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

// "accounts/<two hex digits>/<decimal id>", the folder of an account.
std::string account_folder(AccountId id);
std::string account_database(AccountId id);

// Opens an account's database; makes an empty one when it is not there. Checks the version. Errors:
// unsupported_version, damaged, volume_full.
Result<std::unique_ptr<Database>> open_account_database(Volume& volume, const SqliteVfs& vfs,
                                                        AccountId id);

// The statements that make an empty database; docs/formats/mail-account.md explains every column.
std::string_view account_schema();

// An empty one in memory, for reads while the volume has no room for the file.
Result<std::unique_ptr<Database>> open_stand_in_database(AccountId id);

}  // namespace quorate::mail::store
