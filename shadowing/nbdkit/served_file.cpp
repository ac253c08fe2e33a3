#include "served_file.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/assert.hpp"
#include "shadowing/label.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::size_t kBounce = 1 << 20;
constexpr std::size_t kAlignment = 4096;

char* bounce() {
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };
    static thread_local const std::unique_ptr<char, Free> memory(
        static_cast<char*>(std::aligned_alloc(kAlignment, kBounce)));
    QUORATE_ASSERT(memory != nullptr);
    return memory.get();
}

int error_of(ssize_t result, std::size_t wanted) {
    return result < 0 ? errno : static_cast<std::size_t>(result) == wanted ? 0 : EIO;
}

}  // namespace

bool ServedFile::open(int file) {
    struct stat status {};
    file_ = file;
    if (::fstat(file, &status) != 0) {
        return false;
    }
    octets_ = static_cast<std::uint64_t>(status.st_size);
    errno = EINVAL;
    return S_ISREG(status.st_mode) ||
           (S_ISBLK(status.st_mode) && ::ioctl(file, BLKGETSIZE64, &octets_) == 0);
}

int ServedFile::read(std::span<char> into, std::uint64_t offset) const {
    while (!into.empty()) {
        const auto now = std::min(into.size(), kBounce);
        const auto got = ::pread(file_, bounce(), now, static_cast<off_t>(offset));
        if (const int error = error_of(got, now); error != 0) {
            return error;
        }
        std::memcpy(into.data(), bounce(), now);
        into = into.subspan(now);
        offset += now;
    }
    return 0;
}

int ServedFile::write(std::span<const char> from, std::uint64_t offset, bool durable) const {
    while (!from.empty()) {
        const auto now = std::min(from.size(), kBounce);
        std::memcpy(bounce(), from.data(), now);
        const iovec piece{bounce(), now};
        const auto put =
            ::pwritev2(file_, &piece, 1, static_cast<off_t>(offset), durable ? RWF_DSYNC : 0);
        if (const int error = error_of(put, now); error != 0) {
            return error;
        }
        from = from.subspan(now);
        offset += now;
    }
    return 0;
}

int ServedFile::zero(std::uint64_t octets, std::uint64_t offset, bool durable) const {
    const int mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(file_, mode, static_cast<off_t>(offset), static_cast<off_t>(octets)) == 0) {
        return durable ? flush() : 0;
    }
    if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    static const char zeros[kBounce] = {};
    while (octets > 0) {
        const auto now = std::min<std::uint64_t>(octets, kBounce);
        if (const int error = write(std::span(zeros, now), offset, durable); error != 0) {
            return error;
        }
        octets -= now;
        offset += now;
    }
    return 0;
}

int ServedFile::flush() const { return ::fdatasync(file_) == 0 ? 0 : errno; }

Id128 ServedFile::set() const {
    std::array<std::string, 2> copies{std::string(kMetaBlock, '\0'), std::string(kMetaBlock, '\0')};
    if (octets_ < 2 * kMetaBlock || read(copies[0], 0) != 0 ||
        read(copies[1], second_copy_offset(octets_)) != 0) {
        return {};
    }
    const auto found = choose_label(copies);
    return found ? found->label.set : Id128{};
}

}  // namespace quorate::shadowing
