#include "machine_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fmt/core.h>

namespace quorate::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileMax = 4U << 20;
constexpr unsigned kOldMax = 1000;

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }
    bool bad() const { return fd_ < 0; }

private:
    int fd_;
};

std::string folder_of(const std::string& path) {
    const auto folder = fs::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

Status flush_folder(const std::string& path) {
    const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.bad() || ::fsync(folder.get()) != 0) {
        return fail_errno(errno, folder_of(path));
    }
    return {};
}

Status write_all(int file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0) {
            return fail_errno(errno, path);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(file) == 0 ? Status() : fail_errno(errno, path);
}

// path.old, or the first path.old.N that is free.
Result<std::string> old_name(const std::string& path) {
    auto name = path + ".old";
    for (unsigned number = 2; ::access(name.c_str(), F_OK) == 0; ++number) {
        if (number > kOldMax) {
            return fail_errno(EEXIST, name + ": too many old files; remove some");
        }
        name = fmt::format("{}.old.{}", path, number);
    }
    return name;
}

Status make_folder(const std::string& path) {
    std::error_code error;
    fs::create_directories(folder_of(path), error);
    return error ? fail(error, folder_of(path)) : Status();
}

Status write_new(const std::string& path, std::string_view text, unsigned mode,
                 const struct stat* like) {
    ::unlink(path.c_str());
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.bad()) {
        return fail_errno(errno, path);
    }
    if (like != nullptr && (::fchmod(file.get(), like->st_mode & 07777U) != 0 ||
                            ::fchown(file.get(), like->st_uid, like->st_gid) != 0)) {
        return fail_errno(errno, path);
    }
    return write_all(file.get(), text, path);
}

}  // namespace

Result<std::optional<std::string>> read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.bad()) {
        if (errno == ENOENT) {
            return std::optional<std::string>();
        }
        return fail_errno(errno, path);
    }
    std::string text;
    char buffer[16384];
    for (;;) {
        const auto size = ::read(file.get(), buffer, sizeof(buffer));
        if (size < 0) {
            return fail_errno(errno, path);
        }
        if (size == 0) {
            return std::optional<std::string>(std::move(text));
        }
        text.append(buffer, static_cast<std::size_t>(size));
        if (text.size() > kFileMax) {
            return fail_errno(EFBIG, path);
        }
    }
}

Status replace_file(const std::string& path, std::string_view text, unsigned mode) {
    QUORATE_CHECK(make_folder(path));
    struct stat before {};
    const bool exists = ::stat(path.c_str(), &before) == 0;
    const auto beside = path + ".new";
    QUORATE_CHECK(write_new(beside, text, mode, exists ? &before : nullptr));
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        return fail_errno(errno, path);
    }
    return flush_folder(path);
}

Result<std::optional<std::string>> put_aside(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) {
        return std::optional<std::string>();
    }
    QUORATE_TRY(const auto name, old_name(path));
    if (::rename(path.c_str(), name.c_str()) != 0) {
        return fail_errno(errno, path);
    }
    QUORATE_CHECK(flush_folder(path));
    return std::optional<std::string>(name);
}

Result<std::optional<std::string>> keep_copy(const std::string& path) {
    QUORATE_TRY(const auto text, read_file(path));
    if (!text) {
        return std::optional<std::string>();
    }
    QUORATE_TRY(const auto name, old_name(path));
    struct stat like {};
    if (::stat(path.c_str(), &like) != 0) {
        return fail_errno(errno, path);
    }
    QUORATE_CHECK(write_new(name, *text, 0600, &like));
    return std::optional<std::string>(name);
}

Status writable(const std::string& path) {
    auto folder = folder_of(path);
    while (::access(folder.c_str(), F_OK) != 0 && folder != "/" && folder != ".") {
        folder = folder_of(folder);
    }
    return ::access(folder.c_str(), W_OK | X_OK) == 0
               ? Status()
               : fail_errno(errno, folder + " (for " + path + ")");
}

}  // namespace quorate::ctl
