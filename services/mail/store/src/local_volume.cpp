#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <utility>

#include "mail/store/volume.hpp"

namespace quorate::mail::store {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

Status flush_directory(int root, const std::string& path) {
    Descriptor folder(
        ::openat(root, path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) {
        return fail_errno(errno, "open folder " + path);
    }
    if (::fsync(folder.get()) != 0) {
        return fail_errno(errno, "fsync folder " + path);
    }
    return {};
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

class LocalFile final : public File {
public:
    LocalFile(Descriptor fd, int root, std::string path, bool created)
        : fd_(std::move(fd)), root_(root), path_(std::move(path)), created_(created) {}

    Result<std::size_t> read(std::uint64_t offset, std::span<char> buffer) override {
        std::size_t done = 0;
        while (done < buffer.size()) {
            const auto got = ::pread(fd_.get(), buffer.data() + done, buffer.size() - done,
                                     static_cast<off_t>(offset + done));
            if (got < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return fail_errno(errno, "read " + path_);
            }
            if (got == 0) {
                break;
            }
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    void prefetch(std::uint64_t offset, std::uint64_t size) override {
        static_cast<void>(::posix_fadvise(fd_.get(), static_cast<off_t>(offset),
                                          static_cast<off_t>(size), POSIX_FADV_WILLNEED));
    }

    Status write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::array<iovec, 256> vector;
        std::size_t next = 0;
        std::size_t skip = 0;  // octets of pieces[next] already written
        while (true) {
            std::size_t count = 0;
            for (std::size_t i = next; i < pieces.size() && count < vector.size(); ++i) {
                const auto rest = i == next ? pieces[i].substr(skip) : pieces[i];
                vector[count++] = {const_cast<char*>(rest.data()), rest.size()};
            }
            if (count == 0) {
                return {};
            }
            const auto put = ::pwritev(fd_.get(), vector.data(), static_cast<int>(count),
                                       static_cast<off_t>(offset));
            if (put < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return fail_errno(errno, "write " + path_);
            }
            offset += static_cast<std::uint64_t>(put);
            auto rest = static_cast<std::size_t>(put) + skip;
            while (next < pieces.size() && rest >= pieces[next].size()) {
                rest -= pieces[next++].size();
            }
            skip = rest;
        }
    }

    // The first flush of a created file makes its name durable too.
    Status flush() override {
        if (created_.exchange(false)) {
            if (::fsync(fd_.get()) != 0) {
                return fail_errno(errno, "fsync " + path_);
            }
            for (auto folder = parent_of(path_);; folder = parent_of(folder)) {
                QUORATE_CHECK(flush_directory(root_, folder));
                if (folder.empty()) {
                    return {};
                }
            }
        }
        if (::fdatasync(fd_.get()) != 0) {
            return fail_errno(errno, "fdatasync " + path_);
        }
        return {};
    }

    Status truncate(std::uint64_t size) override {
        if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
            return fail_errno(errno, "truncate " + path_);
        }
        return {};
    }

    Result<std::uint64_t> size() override {
        struct stat status {};
        if (::fstat(fd_.get(), &status) != 0) {
            return fail_errno(errno, "stat " + path_);
        }
        return static_cast<std::uint64_t>(status.st_size);
    }

    Status allocate(std::uint64_t size) override {
        const int error = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
        if (error != 0) {
            return fail_errno(error, "allocate " + path_);
        }
        return {};
    }

private:
    Descriptor fd_;
    int root_;
    std::string path_;
    std::atomic<bool> created_;
};

class LocalVolume final : public Volume {
public:
    LocalVolume(std::string directory, Descriptor root, Descriptor lock)
        : directory_(std::move(directory)), root_(std::move(root)), lock_(std::move(lock)) {}

    Result<std::unique_ptr<File>> open(std::string_view name, OpenMode mode) override {
        const std::string path(name);
        int fd = ::openat(root_.get(), path.c_str(), O_RDWR | O_CLOEXEC);
        const bool found = fd >= 0;
        if (!found && errno == ENOENT && mode.create) {
            std::error_code ignored;  // the open below tells
            std::filesystem::create_directories(std::filesystem::path(directory_) / parent_of(path),
                                                ignored);
            fd = ::openat(root_.get(), path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        }
        Descriptor file(fd);
        if (fd < 0) {
            return fail_errno(errno, "open " + path);
        }
        if (found && mode.create && mode.exclusive) {
            return fail_errno(EEXIST, "create " + path);
        }
        return std::make_unique<LocalFile>(std::move(file), root_.get(), path, !found);
    }

    Result<bool> exists(std::string_view path) override {
        struct stat status {};
        if (::fstatat(root_.get(), std::string(path).c_str(), &status, 0) == 0) {
            return true;
        }
        if (errno == ENOENT || errno == ENOTDIR) {
            return false;
        }
        return fail_errno(errno, "stat " + std::string(path));
    }

    Status remove(std::string_view path) override {
        if (::unlinkat(root_.get(), std::string(path).c_str(), 0) != 0 && errno != ENOENT) {
            return fail_errno(errno, "remove " + std::string(path));
        }
        return {};
    }

    Status remove_tree(std::string_view path) override {
        std::error_code error;
        std::filesystem::remove_all(std::filesystem::path(directory_) / path, error);
        if (error) {
            return fail(error, "remove " + std::string(path));
        }
        return {};
    }

    Status rename(std::string_view from, std::string_view to) override {
        if (::renameat(root_.get(), std::string(from).c_str(), root_.get(),
                       std::string(to).c_str()) != 0) {
            return fail_errno(errno, "rename " + std::string(from));
        }
        return {};
    }

    Result<std::vector<std::string>> list(std::string_view folder) override {
        std::vector<std::string> names;
        std::error_code error;
        std::filesystem::directory_iterator entry(std::filesystem::path(directory_) / folder,
                                                  error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            names.push_back(entry->path().filename().string());
        }
        if (error && error != std::errc::no_such_file_or_directory) {
            return fail(error, "list " + std::string(folder));
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    Status flush_folder(std::string_view folder) override {
        return flush_directory(root_.get(), std::string(folder));
    }

    Status flush_all() override {
        if (::syncfs(root_.get()) != 0) {
            return fail_errno(errno, "syncfs " + directory_);
        }
        return {};
    }

    Result<Space> space() override {
        struct statvfs status {};
        if (::fstatvfs(root_.get(), &status) != 0) {
            return fail_errno(errno, "statvfs " + directory_);
        }
        return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
    }

private:
    std::string directory_;
    Descriptor root_;
    Descriptor lock_;
};

}  // namespace

Result<std::unique_ptr<Volume>> open_local_volume(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return fail(error, "create " + directory);
    }
    Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root.get() < 0) {
        return fail_errno(errno, "open " + directory);
    }
    Descriptor lock(::openat(root.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.get() < 0) {
        return fail_errno(errno, "open " + directory + "/lock");
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return fail_errno(errno, directory + " is in use by another process");
    }
    return std::make_unique<LocalVolume>(directory, std::move(root), std::move(lock));
}

}  // namespace quorate::mail::store
