#include "io/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace quorate::io {

namespace {

constexpr mode_t kDirectoryMode = 0750;

}  // namespace

Status drop_privileges(const std::string& user, const std::string& group) {
    const struct passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        return fail_errno(ENOENT, "no such user: " + user);
    }
    gid_t gid = entry->pw_gid;
    if (!group.empty()) {
        const struct group* named = ::getgrnam(group.c_str());
        if (named == nullptr) {
            return fail_errno(ENOENT, "no such group: " + group);
        }
        gid = named->gr_gid;
    }
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(gid) != 0 ||
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

Status give_to_user(const std::string& path, const std::string& user) {
    if (!is_root() || user.empty()) {
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

Status make_directory(const std::string& path, const std::string& user) {
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const auto prefix = path.substr(0, end);
        if (::mkdir(prefix.c_str(), kDirectoryMode) == 0) {
            QUORATE_CHECK(give_to_user(prefix, user));
        } else if (errno != EEXIST) {
            return fail_errno(errno, prefix);
        }
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
