#include "sqlite_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "full.hpp"

namespace quorate::mail::store {
namespace {

struct OpenFile {
    sqlite3_file base;
    File* file;
    Doubt* doubt;
    bool read_ahead;
};

File& file_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->file; }

SqliteVfs::Targets& targets_of(sqlite3_vfs* vfs) {
    return *static_cast<SqliteVfs::Targets*>(vfs->pAppData);
}

Volume& volume_of(sqlite3_vfs* vfs) { return targets_of(vfs).volume; }

std::uint32_t big_endian(const unsigned char* bytes, int size) {
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
        value = value << 8 | bytes[i];
    }
    return value;
}

// sqlite.org/fileformat2.html 1.6: type, 1 octet; cells, 2 octets at 3; last child, 4 octets at 8;
// from 12 an array of 2 octets, the places of the cells, each of which begins with a child. What
// is not such a page costs a useless hint at worst.
void prefetch_children(File& file, const unsigned char* page, std::size_t size) {
    constexpr unsigned kInnerTablePage = 5;
    constexpr std::size_t kCells = 12;
    if (size < 512 || page[0] != kInnerTablePage) {
        return;
    }
    std::vector<std::uint32_t> children = {big_endian(page + 8, 4)};
    const std::size_t count = std::min<std::size_t>(big_endian(page + 3, 2), (size - kCells) / 2);
    for (std::size_t i = 0; i < count; ++i) {
        const auto cell = big_endian(page + kCells + 2 * i, 2);
        if (cell + 4 <= size) {
            children.push_back(big_endian(page + cell, 4));
        }
    }
    std::sort(children.begin(), children.end());
    for (std::size_t i = 0; i < children.size();) {
        std::size_t next = i + 1;
        while (next < children.size() && children[next] == children[i] + (next - i)) {
            ++next;
        }
        file.prefetch((children[i] - std::uint64_t{1}) * size, (next - i) * size);
        i = next;
    }
}

int file_close(sqlite3_file* file) {
    delete reinterpret_cast<OpenFile*>(file)->file;
    return SQLITE_OK;
}

int file_read(sqlite3_file* file, void* buffer, int size, sqlite3_int64 offset) {
    const auto wanted = static_cast<std::size_t>(size);
    const auto got = file_of(file).read(static_cast<std::uint64_t>(offset),
                                        {static_cast<char*>(buffer), wanted});
    if (!got) {
        return SQLITE_IOERR_READ;
    }
    if (*got < wanted) {
        std::memset(static_cast<char*>(buffer) + *got, 0, wanted - *got);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (reinterpret_cast<OpenFile*>(file)->read_ahead) {
        prefetch_children(file_of(file), static_cast<const unsigned char*>(buffer), wanted);
    }
    return SQLITE_OK;
}

int file_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    const std::array<std::string_view, 1> pieces = {
        std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size))};
    const auto status = file_of(file).write(static_cast<std::uint64_t>(offset), pieces);
    if (!status) {
        return is_full(status.error().code) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return SQLITE_OK;
}

int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
    return file_of(file).truncate(static_cast<std::uint64_t>(size)) ? SQLITE_OK
                                                                    : SQLITE_IOERR_TRUNCATE;
}

int file_sync(sqlite3_file* file, int) {
    const auto status = file_of(file).flush();
    if (!status) {
        reinterpret_cast<OpenFile*>(file)->doubt->raise(status.error());
        return SQLITE_IOERR_FSYNC;
    }
    return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    const auto result = file_of(file).size();
    if (!result) {
        return SQLITE_IOERR_FSTAT;
    }
    *size = static_cast<sqlite3_int64>(*result);
    return SQLITE_OK;
}

int file_lock(sqlite3_file*, int) { return SQLITE_OK; }
int file_unlock(sqlite3_file*, int) { return SQLITE_OK; }

int file_check_lock(sqlite3_file*, int* held) {
    *held = 0;
    return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 512; }
// A power failure damages no octet beside those being written (docs/formats/mail-journal.md).
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

const sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto* open_file = new (file) OpenFile{};
    open_file->base.pMethods = nullptr;  // xClose is not called when opening fails
    if (path == nullptr) {
        return SQLITE_CANTOPEN;
    }
    OpenMode mode;
    mode.create = (flags & SQLITE_OPEN_CREATE) != 0;
    mode.exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
    auto opened = volume_of(vfs).open(path, mode);
    if (!opened) {
        return is_full(opened.error().code) ? SQLITE_FULL : SQLITE_CANTOPEN;
    }
    open_file->file = opened->release();
    open_file->doubt = &targets_of(vfs).doubt;
    open_file->base.pMethods = &kMethods;
    if (out_flags != nullptr) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    auto& volume = volume_of(vfs);
    if (!volume.remove(path)) {
        return SQLITE_IOERR_DELETE;
    }
    if (sync_folder != 0) {
        const std::string_view name(path);
        if (!volume.flush_folder(name.substr(0, name.rfind('/')))) {
            return SQLITE_IOERR_DIR_FSYNC;
        }
    }
    return SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* path, int, int* answer) {
    const auto exists = volume_of(vfs).exists(path);
    if (!exists) {
        return SQLITE_IOERR_ACCESS;
    }
    *answer = *exists ? 1 : 0;
    return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* path, int size, char* out) {
    const auto length = std::strlen(path);
    if (length + 1 > static_cast<std::size_t>(size)) {
        return SQLITE_CANTOPEN;
    }
    std::memcpy(out, path, length + 1);
    return SQLITE_OK;
}

// SQLite asks its default VFS for the seed of its own generator; nothing here needs randomness.
int vfs_randomness(sqlite3_vfs*, int, char*) { return 0; }
int vfs_sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
int vfs_time(sqlite3_vfs*, double* time) {
    *time = 2440587.5;  // 1970: no statement of ours asks for the time
    return SQLITE_OK;
}
int vfs_last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

SqliteVfs::SqliteVfs(Volume& volume, Doubt& doubt)
    : targets_{volume, doubt}, vfs_(std::make_unique<sqlite3_vfs>()) {
    name_ = "quorate-" + std::to_string(reinterpret_cast<std::uintptr_t>(vfs_.get()));
    vfs_->iVersion = 1;
    vfs_->szOsFile = sizeof(OpenFile);
    vfs_->mxPathname = 512;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = &targets_;
    vfs_->xOpen = vfs_open;
    vfs_->xDelete = vfs_delete;
    vfs_->xAccess = vfs_access;
    vfs_->xFullPathname = vfs_full_path;
    vfs_->xRandomness = vfs_randomness;
    vfs_->xSleep = vfs_sleep;
    vfs_->xCurrentTime = vfs_time;
    vfs_->xGetLastError = vfs_last_error;
    QUORATE_ASSERT(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK);
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(vfs_.get()); }

void SqliteVfs::read_ahead(sqlite3_file* file, bool on) {
    reinterpret_cast<OpenFile*>(file)->read_ahead = on;
}

}  // namespace quorate::mail::store
