#include "shared_ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace quorate::shadowing {

Result<std::shared_ptr<SharedRing>> SharedRing::make() {
    const int file = ::memfd_create("quorate-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) {
        return fail_errno(errno, "memory for a client of the unit");
    }
    auto ring = std::shared_ptr<SharedRing>(new SharedRing(file));
    if (::ftruncate(file, sizeof(RingMemory)) != 0 ||
        ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return fail_errno(errno, "memory for a client of the unit");
    }
    void* memory = ::mmap(nullptr, sizeof(RingMemory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        return fail_errno(errno, "memory for a client of the unit");
    }
    ring->memory_ = static_cast<RingMemory*>(memory);
    return ring;
}

SharedRing::~SharedRing() {
    if (memory_ != nullptr) {
        ::munmap(memory_, sizeof(RingMemory));
    }
    ::close(file_);
}

}  // namespace quorate::shadowing
