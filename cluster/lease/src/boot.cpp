#include "boot.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "base/assert.hpp"

namespace quorate::cluster {

std::uint64_t this_boot() {
    const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    QUORATE_ASSERT(fd >= 0);
    char text[36];
    const auto size = ::read(fd, text, sizeof(text));
    ::close(fd);
    QUORATE_ASSERT(size == sizeof(text));
    std::uint64_t boot = 0;
    for (const char c : std::string_view(text, 19)) {
        if (c != '-') {
            boot = boot << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        }
    }
    return boot;
}

}  // namespace quorate::cluster
