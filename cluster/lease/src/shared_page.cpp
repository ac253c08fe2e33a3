#include "shared_page.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

constexpr std::size_t kBytes = sizeof(LeaseWords);
constexpr int kTries = 1000;

using Word = std::atomic_ref<std::uint64_t>;
static_assert(Word::is_always_lock_free, "shared between processes");

class File {
public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace

Result<std::unique_ptr<SharedPage>> SharedPage::open(const std::string& path, bool writable) {
    const File file(
        ::open(path.c_str(), writable ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0644));
    if (file.get() < 0) {
        return fail_errno(errno, path);
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return fail_errno(errno, path);
    }
    if (static_cast<std::size_t>(status.st_size) < kBytes) {
        if (!writable) {
            return fail(errc::damaged, path + ": too short for a lease page");
        }
        if (::ftruncate(file.get(), kBytes) != 0) {
            return fail_errno(errno, path);
        }
    }
    // Whatever the umask: readers are other users.
    if (writable && ::fchmod(file.get(), 0644) != 0) {
        return fail_errno(errno, path);
    }
    void* memory = ::mmap(nullptr, kBytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                          MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) {
        return fail_errno(errno, path);
    }
    return std::unique_ptr<SharedPage>(new SharedPage(static_cast<std::uint64_t*>(memory)));
}

SharedPage::~SharedPage() { ::munmap(words_, kBytes); }

// Each word is released after the odd sequence and acquired before the second look at it: a reader
// that took any new word sees that a writer was within.
void SharedPage::store(const LeaseWords& words) {
    const Word sequence(words_[kLeaseSequence]);
    const auto within = sequence.load(std::memory_order_relaxed) | 1;
    sequence.store(within, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kLeaseWords; ++i) {
        if (i != kLeaseSequence) {
            Word(words_[i]).store(words[i], std::memory_order_release);
        }
    }
    sequence.store(within + 1, std::memory_order_release);
}

std::optional<LeaseWords> SharedPage::load() const {
    LeaseWords words{};
    const Word sequence(words_[kLeaseSequence]);
    for (int tries = 0; tries < kTries; ++tries) {
        const auto before = sequence.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < kLeaseWords; ++i) {
            words[i] = Word(words_[i]).load(std::memory_order_acquire);
        }
        if (before % 2 == 0 && sequence.load(std::memory_order_relaxed) == before) {
            words[kLeaseSequence] = 0;
            return words;
        }
    }
    return std::nullopt;
}

}  // namespace quorate::cluster
