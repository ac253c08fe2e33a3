#include "memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace quorate::quorum {
namespace {

constexpr int kOwnMapping = 128 << 10;

// What is mapped without the right to write was never written to: relocations are in other
// segments.
int release_segments(dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int n = 0; n < object->dlpi_phnum; ++n) {
        const auto& segment = object->dlpi_phdr[n];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) {
            continue;
        }
        const std::uintptr_t first = object->dlpi_addr + segment.p_vaddr;
        const auto begin = first / page * page;
        const auto end = (first + segment.p_memsz + page - 1) / page * page;
        auto* const at = reinterpret_cast<void*>(begin);
        ::madvise(at, end - begin, MADV_DONTNEED);
    }
    return 0;
}

bool locked = false;

}  // namespace

bool lock_memory() {
    // Corosync's libraries ask for buffers of a mebibyte each, zero, and use little of them: fresh
    // from the kernel they cost what is used. Without this, malloc gives them freed memory soon,
    // which has to be cleared.
    ::mallopt(M_MMAP_THRESHOLD, kOwnMapping);
    locked = ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
    return locked;
}

void release_unused_memory() {
    ::munlockall();  // the kernel gives nothing back that is locked
    ::malloc_trim(0);
    ::dl_iterate_phdr(release_segments, nullptr);
    if (locked) {
        lock_memory();
    }
}

}  // namespace quorate::quorum
