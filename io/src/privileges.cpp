#include "io/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace quorate::io {

Status drop_privileges(const std::string& user) {
    const struct passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        return fail_errno(ENOENT, "no such user: " + user);
    }
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
        ::setuid(entry->pw_uid) != 0) {
        return fail_errno(errno, "cannot become " + user);
    }
    if (entry->pw_uid != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) {
        return fail_errno(EPERM, "root could be had back after becoming " + user);
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail_errno(errno, "no_new_privs");
    }
    return {};
}

bool is_root() { return ::geteuid() == 0; }

std::size_t raise_open_files() {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

}  // namespace quorate::io
