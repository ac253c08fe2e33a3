#include "lease_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace quorate::cluster {
namespace {

constexpr std::size_t kBytes = kLeaseWords * sizeof(std::uint64_t);

Result<void*> map_file(int file, const std::string& path) {
    if (::fchmod(file, 0644) != 0 || ::ftruncate(file, kBytes) != 0) {
        return fail_errno(errno, path);
    }
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? Result<void*>(fail_errno(errno, path)) : Result<void*>(memory);
}

}  // namespace

Result<LeaseWriter> LeaseWriter::open(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        return fail_errno(errno, path);
    }
    auto memory = map_file(file, path);
    ::close(file);
    if (!memory) {
        return tl::unexpected<Error>(std::move(memory).error());
    }
    return LeaseWriter(*memory, 0);
}

LeaseWriter::LeaseWriter(LeaseWriter&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), boot_(other.boot_) {}

LeaseWriter::~LeaseWriter() {
    if (memory_ != nullptr) {
        ::munmap(memory_, kBytes);
    }
}

// An odd sequence says that the words are being written; so does one that a killed writer left.
void LeaseWriter::publish(LeasePage page) {
    page.boot = boot_;
    const auto words = encode(page);
    auto* shared = static_cast<std::uint64_t*>(memory_);
    std::atomic_ref<std::uint64_t> sequence(shared[kLeaseSequence]);
    const auto odd = sequence.load(std::memory_order_relaxed) | 1;
    sequence.store(odd, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < kLeaseWords; ++i) {
        if (i != kLeaseSequence) {
            std::atomic_ref<std::uint64_t>(shared[i]).store(words[i], std::memory_order_relaxed);
        }
    }
    sequence.store(odd + 1, std::memory_order_release);
}

}  // namespace quorate::cluster
