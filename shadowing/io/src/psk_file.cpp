#include "shadowing/io/psk_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

namespace quorate::shadowing {

Status write_psk_file(const std::string& path, std::string_view key) {
    std::string text = "quorate:";
    for (const char octet : key) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(octet));
    }
    text += '\n';
    const auto beside = path + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail_errno(errno, beside);
    }
    const bool written = ::fchmod(file, 0600) == 0 && ::write(file, text.data(), text.size()) ==
                                                          static_cast<ssize_t>(text.size());
    const int error = written ? 0 : errno;
    ::close(file);
    if (!written) {
        return fail_errno(error, beside);
    }
    return ::rename(beside.c_str(), path.c_str()) == 0 ? Status() : Status(fail_errno(errno, path));
}

}  // namespace quorate::shadowing
