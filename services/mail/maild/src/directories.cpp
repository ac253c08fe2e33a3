#include "directories.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "io/address.hpp"
#include "io/privileges.hpp"

namespace quorate::mail {
namespace {

constexpr mode_t kMode = 0750;

Status give(const std::string& path, const std::string& user) {
    if (!io::is_root() || user.empty()) {
        return {};
    }
    const struct passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        return fail_errno(ENOENT, "no such user: " + user);
    }
    if (::lchown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
        return fail_errno(errno, path);
    }
    return {};
}

}  // namespace

Status make_directory(const std::string& path, const std::string& user) {
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const auto prefix = path.substr(0, end);
        if (::mkdir(prefix.c_str(), kMode) == 0) {
            QUORATE_CHECK(give(prefix, user));
        } else if (errno != EEXIST) {
            return fail_errno(errno, prefix);
        }
    }
    return {};
}

Status give_sockets(const std::vector<ListenConfig>& listen, const std::string& user) {
    for (const auto& one : listen) {
        QUORATE_TRY(const auto address, io::Address::parse(one.address));
        if (address.kind == io::Address::Kind::kUnix) {
            QUORATE_CHECK(give(address.host, user));
        }
    }
    return {};
}

}  // namespace quorate::mail
