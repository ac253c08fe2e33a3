#include "io/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace quorate::io {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;

class Descriptor {
public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    ~Descriptor() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return descriptor_; }

private:
    int descriptor_;
};

Status flush_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
        return fail_errno(errno, folder);
    }
    return {};
}

Status write_flushed(const std::string& path, std::string_view bytes) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) {
        return fail_errno(errno, path);
    }
    while (!bytes.empty()) {
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return fail_errno(errno, path);
        }
        bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    return ::fsync(file.get()) == 0 ? Status() : Status(fail_errno(errno, path));
}

}  // namespace

Status replace_durably(const std::string& path, std::string_view bytes) {
    const auto draft = path + ".new";
    QUORATE_CHECK(write_flushed(draft, bytes));
    if (::rename(draft.c_str(), path.c_str()) != 0) {
        return fail_errno(errno, path);
    }
    return flush_folder_of(path);
}

Status remove_durably(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return fail_errno(errno, path);
    }
    return flush_folder_of(path);
}

Result<std::optional<std::string>> read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 && errno == ENOENT) {
        return std::optional<std::string>();
    }
    if (file.get() < 0) {
        return fail_errno(errno, path);
    }
    std::string bytes;
    std::array<char, 4096> piece{};
    for (;;) {
        const auto size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return fail_errno(errno, path);
        }
        if (size == 0) {
            return std::optional<std::string>(std::move(bytes));
        }
        bytes.append(piece.data(), static_cast<std::size_t>(size));
        if (bytes.size() > kBytesMax) {
            return fail_errno(EFBIG, path);
        }
    }
}

}  // namespace quorate::io
