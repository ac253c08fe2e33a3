#include "shadowing/io/local_disk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

Result<std::uint64_t> size_of(int file, const std::string& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0) {
        return fail_errno(errno, path);
    }
    if (S_ISREG(status.st_mode)) {
        return static_cast<std::uint64_t>(status.st_size);
    }
    std::uint64_t octets = 0;
    if (!S_ISBLK(status.st_mode)) {
        return fail(errc::refused, path + ": neither a file nor a block device");
    }
    if (::ioctl(file, BLKGETSIZE64, &octets) != 0) {
        return fail_errno(errno, path);
    }
    return octets;
}

bool lock_alone(int file) { return ::flock(file, LOCK_EX | LOCK_NB) == 0; }

// Of the open file, as flock's: both end with its last I/O.
bool lock_octet(int file, std::uint16_t octet) {
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = octet;
    range.l_len = 1;
    return ::flock(file, LOCK_SH | LOCK_NB) == 0 && ::fcntl(file, F_OFD_SETLK, &range) == 0;
}

}  // namespace

template <class LockFile>
Result<std::shared_ptr<LocalDisk>> LocalDisk::open_locked(const std::string& path,
                                                          LockFile lock_file) {
    int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT);
    if (file < 0 && errno == EINVAL) {
        file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);  // tmpfs has no O_DIRECT
    }
    if (file < 0) {
        return fail_errno(errno, path);
    }
    const std::shared_ptr<LocalDisk> disk(new LocalDisk(path, file));  // its users, see above
    QUORATE_TRY(disk->octets_, size_of(file, path));
    if (!lock_file(file)) {
        return fail_errno(errno, path + ": another process has it open");
    }
    return disk;
}

Result<std::shared_ptr<LocalDisk>> LocalDisk::open(const std::string& path) {
    return open_locked(path, lock_alone);
}

Result<std::shared_ptr<LocalDisk>> LocalDisk::open_shared(const std::string& path,
                                                          std::uint16_t slot) {
    return open_locked(path, [slot](int file) { return lock_octet(file, slot); });
}

LocalDisk::~LocalDisk() { ::close(file_); }

Result<std::shared_ptr<LocalDisk>> LocalDisks::open(const std::string& path) {
    std::error_code error;
    const auto canonical = std::filesystem::canonical(path, error);
    auto& known = open_[error ? path : canonical.string()];
    if (auto disk = known.lock()) {
        return disk;
    }
    QUORATE_TRY(auto disk, LocalDisk::open(path));
    known = disk;
    return disk;
}

}  // namespace quorate::shadowing
