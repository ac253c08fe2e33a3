#pragma once

#include <memory>
#include <string>

#include "doubt.hpp"
#include "mail/store/volume.hpp"

struct sqlite3_file;
struct sqlite3_vfs;

namespace quorate::mail::store {

// Lets SQLite live on a Volume. Version-1 file methods: no shared memory, so WAL needs
// locking_mode=EXCLUSIVE, which the one owner of an account has anyway; locks are no-ops.
// Temporary files are refused: connections keep them in memory. A flush that fails raises doubt.
// Registered while it lives; volume and doubt must outlive it. Any thread.
class SqliteVfs {
public:
    SqliteVfs(Volume& volume, Doubt& doubt);
    ~SqliteVfs();
    SqliteVfs(const SqliteVfs&) = delete;
    SqliteVfs& operator=(const SqliteVfs&) = delete;

    // For sqlite3_open_v2.
    const char* name() const { return name_.c_str(); }

    // While `on`, a read of an inner page of a table has the volume fetch all pages below it at
    // once: a table scattered over a cold file is read in a few milliseconds.
    static void read_ahead(sqlite3_file* file, bool on);

    Doubt& doubt() const { return targets_.doubt; }

    struct Targets {
        Volume& volume;
        Doubt& doubt;
    };

private:
    Targets targets_;
    std::string name_;
    std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace quorate::mail::store
