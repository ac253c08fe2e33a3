#include "quorum/io/fitness.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

namespace fs = std::filesystem;

struct Objection {
    std::uint64_t type;
    std::string_view why;
};
// Those that <linux/magic.h> lacks, from their sources.
constexpr std::uint64_t kCifs = 0xff534d42;
constexpr std::uint64_t kSmb2 = 0xfe534d42;
constexpr std::uint64_t kGfs2 = 0x01161970;

// NFS and CephFS are missing on purpose: with O_DIRECT both ask the server every time.
constexpr Objection kObjections[] = {
    {TMPFS_MAGIC, "it is in this machine's memory (tmpfs)"},
    {RAMFS_MAGIC, "it is in this machine's memory (ramfs)"},
    {FUSE_SUPER_MAGIC,
     "it is on FUSE: whether O_DIRECT passes by its caches is up to the program behind it, and a "
     "shadow set's file system waits for quorum itself"},
    {kCifs, "it is on SMB, whose client caches as it agreed with the server, O_DIRECT or not"},
    {kSmb2, "it is on SMB, whose client caches as it agreed with the server, O_DIRECT or not"},
    {V9FS_MAGIC, "it is on 9p, which caches as it was mounted, O_DIRECT or not"},
    {AFS_SUPER_MAGIC, "it is on AFS, which writes when a file is closed"},
    {CODA_SUPER_MAGIC, "it is on Coda, which works on a local copy"},
    {OVERLAYFS_SUPER_MAGIC, "it is on overlayfs, where writing makes this machine's own copy"},
    {kGfs2, "it is on GFS2, which stands still without quorum, just when the disk is needed"},
    {OCFS2_SUPER_MAGIC,
     "it is on OCFS2, which stands still without quorum, just when the disk is needed"},
};

constexpr std::string_view kShadowMember = "QSHL";

std::string first_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

std::string_view objection_to_file_system(std::uint64_t type) {
    for (const auto& objection : kObjections) {
        if (objection.type == type) {
            return objection.why;
        }
    }
    return {};
}

BlockDevice describe_device(const std::string& sysfs) {
    BlockDevice device;
    std::error_code error;
    auto folder = fs::canonical(sysfs, error);
    if (error) {
        return device;
    }
    device.name = folder.filename();
    if (fs::exists(folder / "partition", error)) {
        folder = folder.parent_path();
    }
    device.mapper = first_line(folder / "dm/uuid");
    device.array = fs::exists(folder / "md", error);
    device.buffered = fs::exists(folder / "loop", error) && first_line(folder / "loop/dio") != "1";
    for (const auto& part : fs::directory_iterator(folder / "slaves", error)) {
        static_cast<void>(part);
        ++device.parts;
    }
    return device;
}

std::string objection_to_device(const BlockDevice& device) {
    if (device.array) {
        return fmt::format("{} is an md array, which each machine puts together by itself",
                           device.name);
    }
    if (device.name.starts_with("drbd")) {
        return fmt::format(
            "{} is DRBD: a mirror, each half of which goes on alone when they lose "
            "each other",
            device.name);
    }
    if (device.name.starts_with("ram") || device.name.starts_with("zram")) {
        return fmt::format("{} is in this machine's memory", device.name);
    }
    if (device.buffered) {
        return fmt::format("{} goes through this machine's page cache: losetup --direct-io=on",
                           device.name);
    }
    if (device.parts > 1 && !device.mapper.starts_with("mpath-")) {
        return fmt::format(
            "{} is put together from {} devices: use one of them, or three quorum "
            "disks",
            device.name, device.parts);
    }
    return {};
}

std::string objection_to_content(std::string_view first_page) {
    if (first_page.starts_with(kShadowMember)) {
        return "it is a member of a shadow set, which needs quorum before it can be used";
    }
    return {};
}

Status check_fitness(int descriptor, const std::string& path) {
    struct stat info {};
    struct statfs system {};
    if (::fstat(descriptor, &info) != 0 || ::fstatfs(descriptor, &system) != 0) {
        return fail_errno(errno, path);
    }
    std::string objection;
    if (S_ISBLK(info.st_mode)) {
        objection = objection_to_device(describe_device(
            fmt::format("/sys/dev/block/{}:{}", major(info.st_rdev), minor(info.st_rdev))));
    } else if (S_ISREG(info.st_mode)) {
        // Of a signed type here and an unsigned one there.
        objection = objection_to_file_system(static_cast<std::uint32_t>(system.f_type));
    } else {
        objection = "it is neither a file nor a block device";
    }
    if (!objection.empty()) {
        return fail(errc::unfit, fmt::format("{} cannot be a quorum disk: {}", path, objection));
    }
    return {};
}

}  // namespace quorate::quorum
