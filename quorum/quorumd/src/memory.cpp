#include "memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace quorate::quorum {
namespace {

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
        ::munlock(at, end - begin);
        ::madvise(at, end - begin, MADV_DONTNEED);
        ::mlock2(at, end - begin, MLOCK_ONFAULT);  // where it is not permitted, nothing was locked
    }
    return 0;
}

}  // namespace

void release_unused_memory() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(release_segments, nullptr);
}

}  // namespace quorate::quorum
