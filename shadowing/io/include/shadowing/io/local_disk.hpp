#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace quorate::shadowing {

// An open file or block device of this machine, locked (flock) until nobody has it any more and the
// last I/O on it has ended, that of a killed process too: so nothing of a dead process lands after
// its successor has opened it. The process that serves it to other nodes has the same opening, so
// that a set of this machine may use it meanwhile.
class LocalDisk {
public:
    // Errors: errno's values (EWOULDBLOCK: another process has it open); errc::refused, neither a
    // file nor a block device.
    static Result<std::shared_ptr<LocalDisk>> open(const std::string& path);
    // The same of a disk that other machines write too: excludes those who open it alone, and on
    // this machine whoever has the same slot.
    static Result<std::shared_ptr<LocalDisk>> open_shared(const std::string& path,
                                                          std::uint16_t slot);
    ~LocalDisk();
    LocalDisk(const LocalDisk&) = delete;
    LocalDisk& operator=(const LocalDisk&) = delete;

    int file() const { return file_; }
    std::uint64_t octets() const { return octets_; }
    const std::string& path() const { return path_; }

private:
    template <class LockFile>
    static Result<std::shared_ptr<LocalDisk>> open_locked(const std::string& path,
                                                          LockFile lock_file);
    LocalDisk(std::string path, int file) : path_(std::move(path)), file_(file) {}

    std::string path_;
    int file_;
    std::uint64_t octets_ = 0;
};

// The disks that this process has open. One that is open already is shared by its users: a set, and
// the server that other nodes use. Thread rule: io thread.
class LocalDisks {
public:
    // Errors: those of LocalDisk::open().
    Result<std::shared_ptr<LocalDisk>> open(const std::string& path);

private:
    std::map<std::string, std::weak_ptr<LocalDisk>> open_;  // by canonical path
};

}  // namespace quorate::shadowing
