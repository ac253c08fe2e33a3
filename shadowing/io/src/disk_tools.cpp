#include "shadowing/io/disk_tools.hpp"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>

#include "base/random.hpp"
#include "io/time.hpp"
#include "rados_client.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/member.hpp"

namespace quorate::shadowing {
namespace {

class OpenDisk {
public:
    static Result<OpenDisk> open(const std::string& path, int flags) {
        OpenDisk disk;
        disk.path_ = path;
        if (is_rados_place(path)) {
            QUORATE_TRY(const auto place, parse_rados_place(path));
            if (flags == O_RDWR && place.octets != 0) {
                QUORATE_CHECK(make_rados_member(path, place.octets));
            }
            QUORATE_TRY(disk.rados_, RadosClient::connect(path));
            QUORATE_TRY(disk.header_, disk.rados_->read_header());
            disk.octets_ = disk.header_.octets;
            return disk;
        }
        disk.file_ = ::open(path.c_str(), flags | O_CLOEXEC);
        if (disk.file_ < 0) {
            return fail_errno(errno, path);
        }
        struct stat status {};
        if (::fstat(disk.file_, &status) != 0) {
            return fail_errno(errno, path);
        }
        disk.is_device_ = S_ISBLK(status.st_mode);
        disk.number_ = status.st_rdev;
        disk.octets_ = static_cast<std::uint64_t>(status.st_size);
        if (!disk.is_device_ && !S_ISREG(status.st_mode)) {
            return fail(errc::refused, path + ": neither a file nor a block device");
        }
        if (disk.is_device_ && ::ioctl(disk.file_, BLKGETSIZE64, &disk.octets_) != 0) {
            return fail_errno(errno, path);
        }
        return disk;
    }
    OpenDisk(OpenDisk&& other) noexcept { *this = std::move(other); }
    OpenDisk& operator=(OpenDisk&& other) noexcept {
        std::swap(file_, other.file_);
        rados_ = std::move(other.rados_);
        header_ = other.header_;
        path_ = other.path_;
        is_device_ = other.is_device_;
        number_ = other.number_;
        octets_ = other.octets_;
        return *this;
    }
    ~OpenDisk() {
        if (file_ >= 0) {
            ::close(file_);
        }
    }

    Result<std::string> read(std::uint64_t offset, std::size_t size) const {
        if (rados_) {
            return rados_->read(header_, offset, size);
        }
        std::string bytes(size, '\0');
        const auto got = ::pread(file_, bytes.data(), size, static_cast<off_t>(offset));
        if (got < 0) {
            return fail_errno(errno, path_);
        }
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
    Status write(std::uint64_t offset, std::string_view bytes) const {
        if (rados_) {
            return rados_->write(header_, offset, bytes);
        }
        const auto put = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put != static_cast<ssize_t>(bytes.size())) {
            return fail_errno(put < 0 ? errno : EIO, path_);
        }
        return {};
    }
    Status sync() const {
        return rados_ || ::fdatasync(file_) == 0 ? Status() : Status(fail_errno(errno, path_));
    }

    bool is_in_rados() const { return rados_ != nullptr; }
    std::uint64_t life() const { return rados_ ? header_.life : machine_life(); }
    int file() const { return file_; }
    bool is_device() const { return is_device_; }
    dev_t number() const { return number_; }
    std::uint64_t octets() const { return octets_; }

private:
    OpenDisk() = default;

    std::string path_;
    int file_ = -1;
    bool is_device_ = false;
    std::shared_ptr<RadosClient> rados_;  // of this one alone
    RadosHeader header_;
    dev_t number_ = 0;
    std::uint64_t octets_ = 0;
};

// Where the file system on this device, or on a partition of its, is mounted; empty: nowhere.
std::string mounted_at(dev_t number) {
    std::ifstream mounts("/proc/self/mountinfo");
    const auto wanted = fmt::format("{}:{}", major(number), minor(number));
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string id;
        std::string parent;
        std::string device;
        std::string root;
        std::string where;
        words >> id >> parent >> device >> root >> where;
        if (device == wanted) {
            return where;
        }
    }
    return {};
}

Status refuse(const std::string& path, std::string_view what) {
    return fail(errc::refused, fmt::format("{}: {}", path, what));
}

// What libblkid finds on it.
std::string contents_of(const OpenDisk& disk) {
    const std::unique_ptr<blkid_struct_probe, decltype(&::blkid_free_probe)> probe(
        ::blkid_new_probe(), &::blkid_free_probe);
    if (!probe || ::blkid_probe_set_device(probe.get(), disk.file(), 0, 0) != 0) {
        return {};
    }
    ::blkid_probe_enable_superblocks(probe.get(), 1);
    ::blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
    ::blkid_probe_enable_partitions(probe.get(), 1);
    std::string found;
    while (::blkid_do_probe(probe.get()) == 0) {
        const auto value_of = [&](const char* name) {
            const char* value = nullptr;
            return ::blkid_probe_lookup_value(probe.get(), name, &value, nullptr) == 0
                       ? std::string(value)
                       : std::string();
        };
        const auto type = value_of("TYPE");
        const auto name = value_of("LABEL");
        const auto table = value_of("PTTYPE");
        if (!type.empty()) {
            found = name.empty() ? type : fmt::format("{} labelled {}", type, name);
            break;
        }
        if (!table.empty()) {
            found = "a partition table (" + table + ")";
        }
    }
    return found;
}

Status check_unused(const OpenDisk& disk, const std::string& path) {
    if (disk.is_in_rados()) {
        return {};  // its label says whether it is a member
    }
    if (disk.is_device()) {
        if (const auto where = mounted_at(disk.number()); !where.empty()) {
            return refuse(path, "is mounted at " + where);
        }
        const int exclusive = ::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
        if (exclusive < 0 && errno == EBUSY) {
            return refuse(path, "is in use (a mounted partition, swap, LVM, md or a mapping)");
        }
        if (exclusive >= 0) {
            ::close(exclusive);
        }
    }
    if (::flock(disk.file(), LOCK_EX | LOCK_NB) != 0) {
        return refuse(path, "another process has it open as a member");
    }
    return {};
}

Result<FoundLabel> label_of(const OpenDisk& disk) {
    if (disk.octets() < 2 * kMetaBlock) {
        return fail(errc::not_a_member, "too small");
    }
    QUORATE_TRY(auto first, disk.read(0, kMetaBlock));
    QUORATE_TRY(auto second, disk.read(second_copy_offset(disk.octets()), kMetaBlock));
    return choose_label({std::move(first), std::move(second)});
}

Status check_contents(const OpenDisk& disk, const std::string& path) {
    const auto found = label_of(disk);
    if (found) {
        return refuse(path, fmt::format("is a member of {}, set {}", found->label.unit,
                                        found->label.set.to_hex()));
    }
    if (found.error().code != errc::not_a_member) {
        return refuse(path, "carries a label of a shadow set: " + found.error().to_string());
    }
    if (const auto contents = disk.is_in_rados() ? "" : contents_of(disk); !contents.empty()) {
        return refuse(path, "carries " + contents);
    }
    return {};
}

// An empty log, then the label: never the label above an older log.
Status write_all(const OpenDisk& disk, const Label& label) {
    const std::string zeros(std::size_t{label.layout.slot_octets}, '\0');
    for (std::uint16_t slot = 0; slot < label.layout.openers; ++slot) {
        QUORATE_CHECK(disk.write(slot_offset(label.layout, OpenerSlot(slot)), zeros));
    }
    QUORATE_CHECK(disk.sync());
    QUORATE_CHECK(disk.write(0, encode(label, 0)));
    QUORATE_CHECK(disk.write(second_copy_offset(disk.octets()), encode(label, 1)));
    return disk.sync();
}

Result<OpenDisk> open_to_label(const std::string& path, LabelDiskOptions options) {
    QUORATE_TRY(auto disk, OpenDisk::open(path, O_RDWR));
    if (!options.served) {
        QUORATE_CHECK(check_unused(disk, path));
    }
    if (!options.force) {
        QUORATE_CHECK(check_contents(disk, path));
    }
    return disk;
}

}  // namespace

Result<FoundLabel> inspect_label(const std::string& path) {
    QUORATE_TRY(const auto disk, OpenDisk::open(path, O_RDONLY));
    auto found = label_of(disk);
    if (!found) {
        found.error().detail = fmt::format("{}: {}", path, found.error().detail);
    }
    return found;
}

Result<Label> find_set(const std::vector<std::string>& disks) {
    std::optional<Error> problem;
    std::optional<Label> label;
    for (const auto& disk : disks) {
        auto found = inspect_label(disk);
        if (!found) {
            problem = problem ? problem : found.error();
        } else if (label && label->set != found->label.set) {
            return fail(errc::refused, disk + ": a disk of another set");
        } else {
            label = std::move(found->label);
        }
    }
    if (!label) {
        return tl::unexpected(problem.value_or(Error{make_error_code(errc::refused), "no disks"}));
    }
    return std::move(*label);
}

Status check_free(const std::string& path) {
    QUORATE_TRY(const auto disk, OpenDisk::open(path, O_RDONLY));
    QUORATE_CHECK(check_unused(disk, path));
    return check_contents(disk, path);
}

Result<Label> create_set(const CreateOptions& options) {
    if (options.disks.empty() || options.disks.size() > kMaxMembers) {
        return fail(errc::refused, fmt::format("a set has 1 to {} disks", kMaxMembers));
    }
    if (options.unit.empty() || options.unit.size() > kMaxUnitName) {
        return fail(errc::refused, fmt::format("a unit's name has 1 to {} letters", kMaxUnitName));
    }
    Random random(io::random_seed());
    Label label;
    label.sequence = 1;
    label.set = Id128::random(random);
    label.lineage = Id128::random(random);
    label.generation = {1, random.next()};
    label.unit = options.unit;
    label.set_blocks = kMaxMemberBlocks;
    std::vector<OpenDisk> disks;
    std::vector<Layout> layouts;
    for (const auto& path : options.disks) {
        QUORATE_TRY(auto disk, open_to_label(path, {options.force}));
        QUORATE_TRY(const auto layout, lay_out(disk.octets(), 12, options.openers));
        label.set_blocks = std::min(label.set_blocks, layout.member_blocks);
        const auto role = disks.empty() ? Role::kFull : Role::kCopy;
        label.members.push_back({Id128::random(random), role, 1, 0, disk.life()});
        layouts.push_back(layout);
        disks.push_back(std::move(disk));
    }
    for (std::size_t i = 0; i < disks.size(); ++i) {
        label.member = label.members[i].id;
        label.layout = layouts[i];
        QUORATE_CHECK(write_all(disks[i], label));
    }
    return label;
}

Status label_disk(const std::string& path, const Label& like, LabelDiskOptions options) {
    if (const auto found = inspect_label(path); found && found->label.set == like.set) {
        return {};
    }
    QUORATE_TRY(auto disk, open_to_label(path, options));
    Random random(io::random_seed());
    auto label = like;
    QUORATE_TRY(label.layout, lay_out(disk.octets(), like.layout.block_shift, like.layout.openers));
    if (label.layout.member_blocks < like.set_blocks) {
        return refuse(path, fmt::format("has room for {} blocks, the set has {}",
                                        label.layout.member_blocks, like.set_blocks));
    }
    label.sequence = 1;
    label.generation = {};  // older than any: it is never a source
    label.member = Id128::random(random);
    label.members = {{label.member, Role::kExpelled, 0, 0, 0}};
    label.forks.clear();
    return write_all(disk, label);
}

}  // namespace quorate::shadowing
