#include "quorum/io/disk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include <fmt/core.h>

#include "file_disk.hpp"
#include "nbd_disk.hpp"
#include "quorum/errc.hpp"
#include "quorum/io/fitness.hpp"
#include "quorum/page.hpp"
#include "rados_disk.hpp"
#include "rados_path.hpp"

namespace quorate::quorum {

Result<std::unique_ptr<Disk>> open_disk(boost::asio::io_context& io, const std::string& path) {
    return is_nbd_uri(path)      ? open_nbd_disk(io, path)
           : is_rados_path(path) ? open_rados_disk(io, path)
                                 : open_file_disk(io, path);
}

Status make_disk(const std::string& path, std::uint32_t pages) {
    if (is_nbd_uri(path)) {
        return {};  // it is as large as its server says
    }
    if (is_rados_path(path)) {
        return make_rados_disk(path, pages * kPageBytes);
    }
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail_errno(errno, path);
    }
    auto status = check_fitness(file, path);
    struct stat info {};
    ::fstat(file, &info);
    const auto bytes = static_cast<off_t>(pages * kPageBytes);
    // Allocated now: a full file system must not take a place away later.
    if (status && S_ISREG(info.st_mode) && info.st_size < bytes) {
        const int error = ::posix_fallocate(file, 0, bytes);
        if (error != 0 || ::fsync(file) != 0) {
            status = fail_errno(error != 0 ? error : errno, path);
        }
    }
    ::close(file);
    return status;
}

Result<std::string> read_now(boost::asio::io_context& io, Disk& disk, std::uint32_t first,
                             std::uint32_t count) {
    std::optional<Result<std::string>> answer;
    disk.read(first, count, [&](Result<std::string> result) { answer = std::move(result); });
    while (!answer) {
        io.restart();
        io.run_one();
    }
    return std::move(*answer);
}

Status write_now(boost::asio::io_context& io, Disk& disk, std::uint32_t first, std::string bytes) {
    std::optional<Status> answer;
    disk.write(first, std::move(bytes), [&](Status result) { answer = std::move(result); });
    while (!answer) {
        io.restart();
        io.run_one();
    }
    return std::move(*answer);
}

}  // namespace quorate::quorum
