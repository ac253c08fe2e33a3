#include "fault_volume.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kSector = 512;

std::string folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

}  // namespace

struct FaultVolume::Node {
    std::string path;               // the newest name
    std::string data;               // what a reader sees
    std::string durable;            // what a power failure leaves at least
    std::set<std::uint64_t> dirty;  // sectors in which they may differ and that a flush would keep
    std::set<std::uint64_t> lost;   // sectors in which they differ and no flush would keep
    bool lost_unheard = false;      // a flush of everything lost some: the file's own flush tells
    std::uint64_t allocated = 0;
    std::set<std::uint64_t> announced;  // sectors
    FaultVolume::Reads reads;
    int open_files = 0;
};

class FaultFile final : public File {
public:
    FaultFile(FaultVolume& volume, std::shared_ptr<FaultVolume::Node> node)
        : volume_(volume), node_(std::move(node)) {
        ++node_->open_files;
    }
    ~FaultFile() override {
        std::lock_guard lock(volume_.mutex_);
        --node_->open_files;
    }

    Result<std::size_t> read(std::uint64_t offset, std::span<char> buffer) override {
        std::lock_guard lock(volume_.mutex_);
        QUORATE_CHECK(volume_.dead());
        ++node_->reads.all;
        node_->reads.announced += node_->announced.contains(offset / kSector) ? 1 : 0;
        if (offset >= node_->data.size()) {
            return std::size_t{0};
        }
        const auto size = std::min<std::uint64_t>(buffer.size(), node_->data.size() - offset);
        std::memcpy(buffer.data(), node_->data.data() + offset, size);
        return static_cast<std::size_t>(size);
    }
    void prefetch(std::uint64_t offset, std::uint64_t size) override {
        std::lock_guard lock(volume_.mutex_);
        for (auto sector = offset / kSector; sector * kSector < offset + size; ++sector) {
            node_->announced.insert(sector);
        }
    }
    Status write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::lock_guard lock(volume_.mutex_);
        return volume_.write(*node_, offset, pieces);
    }
    Status flush() override {
        std::lock_guard lock(volume_.mutex_);
        return volume_.flush(*node_);
    }
    Status truncate(std::uint64_t size) override {
        std::lock_guard lock(volume_.mutex_);
        return volume_.truncate(*node_, size);
    }
    Result<std::uint64_t> size() override {
        std::lock_guard lock(volume_.mutex_);
        QUORATE_CHECK(volume_.dead());
        return std::uint64_t{node_->data.size()};
    }
    Status allocate(std::uint64_t size) override {
        std::lock_guard lock(volume_.mutex_);
        const auto fate = volume_.next_change();
        if (fate != FaultVolume::Fate::kDone) {
            return volume_.change_fails(fate, "allocate", node_->path);
        }
        QUORATE_CHECK(volume_.grow(*node_, size, node_->path));
        if (size > node_->data.size()) {
            node_->data.resize(size, '\0');
        }
        return {};
    }

private:
    FaultVolume& volume_;
    std::shared_ptr<FaultVolume::Node> node_;
};

FaultVolume::FaultVolume(Options options) : random_(options.seed), capacity_(options.capacity) {}

FaultVolume::~FaultVolume() = default;

Status FaultVolume::dead() const {
    return died_ ? fail_errno(EIO, "the process is dead") : Status();
}

FaultVolume::Fate FaultVolume::next_change() {
    if (died_) {
        return Fate::kDies;
    }
    if (changes_++ >= die_at_) {
        died_ = true;
        return Fate::kDies;
    }
    return fail_one_in_ != 0 && random_.one_in(fail_one_in_) ? Fate::kFails : Fate::kDone;
}

Status FaultVolume::change_fails(Fate fate, std::string_view what, std::string_view path) {
    return fail_errno(EIO, (fate == Fate::kDies ? "dead: " : "fault: ") + std::string(what) + " " +
                               std::string(path));
}

std::uint64_t FaultVolume::used() const {
    std::set<const Node*> nodes;
    std::uint64_t sum = 0;
    for (const auto& [path, node] : directory_) {
        sum += nodes.insert(node.get()).second ? node->allocated : 0;
    }
    return sum;
}

Status FaultVolume::grow(Node& node, std::uint64_t size, std::string_view path) {
    if (size > node.allocated) {
        if (used() + size - node.allocated > capacity_) {
            return fail_errno(ENOSPC, std::string(path));
        }
        node.allocated = size;
    }
    return {};
}

void FaultVolume::write_sectors(Node& node, std::uint64_t offset, std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    const auto end = offset + bytes.size();
    if (node.data.size() < end) {
        node.data.resize(end, '\0');
    }
    std::memcpy(node.data.data() + offset, bytes.data(), bytes.size());
    for (auto sector = offset / kSector; sector * kSector < end; ++sector) {
        node.dirty.insert(sector);
        node.lost.erase(sector);
    }
}

Status FaultVolume::write(Node& node, std::uint64_t offset,
                          std::span<const std::string_view> pieces) {
    std::string bytes;
    for (const auto piece : pieces) {
        bytes += piece;
    }
    QUORATE_CHECK(dead());
    const auto fate = next_change();
    if (fate != Fate::kDone) {
        bytes.resize(random_.below(bytes.size() + 1));  // a part of it happened
    }
    QUORATE_CHECK(grow(node, offset + bytes.size(), node.path));
    write_sectors(node, offset, bytes);
    return fate == Fate::kDone ? Status() : change_fails(fate, "write", node.path);
}

void FaultVolume::lose_dirty(Node& node) {
    node.lost.insert(node.dirty.begin(), node.dirty.end());
    node.dirty.clear();
}

Status FaultVolume::flush(Node& node) {
    auto fate = next_change();
    if (fate == Fate::kDone && std::exchange(node.lost_unheard, false)) {
        fate = Fate::kFails;
    }
    if (fate == Fate::kFails) {
        lose_dirty(node);
    }
    if (fate != Fate::kDone) {
        return change_fails(fate, "flush", node.path);
    }
    make_durable(node);
    make_name_durable(node);
    return {};
}

Status FaultVolume::truncate(Node& node, std::uint64_t size) {
    const auto fate = next_change();
    if (fate != Fate::kDone) {
        return change_fails(fate, "truncate", node.path);
    }
    const auto known = std::max<std::uint64_t>(node.data.size(), node.durable.size());
    for (auto sector = size / kSector; sector * kSector < known; ++sector) {
        node.dirty.insert(sector);
        node.lost.erase(sector);
    }
    QUORATE_CHECK(grow(node, size, node.path));
    node.data.resize(size, '\0');
    node.allocated = size;
    return {};
}

void FaultVolume::make_durable(Node& node) {
    node.durable.resize(node.data.size(), '\0');
    for (const auto sector : node.dirty) {
        const auto begin = sector * kSector;
        if (begin < node.data.size()) {
            const auto size = std::min<std::uint64_t>(kSector, node.data.size() - begin);
            std::memcpy(node.durable.data() + begin, node.data.data() + begin, size);
        }
    }
    node.dirty.clear();
}

// The name of a flushed file is durable if it was created under it; what had that name before is
// history.
void FaultVolume::make_name_durable(const Node& node) {
    const auto created = std::find_if(
        directory_changes_.begin(), directory_changes_.end(), [&](const DirectoryChange& change) {
            return change.node.get() == &node && change.kind == DirectoryChange::Kind::kCreate;
        });
    if (created == directory_changes_.end()) {
        return;
    }
    const auto path = created->to;
    auto left = static_cast<std::size_t>(created - directory_changes_.begin()) + 1;
    std::erase_if(directory_changes_, [&](const DirectoryChange& change) {
        const bool earlier = left > 0 && left-- > 0;
        if (!earlier || (change.from != path && change.to != path)) {
            return false;
        }
        apply(durable_directory_, change);
        return true;
    });
}

void FaultVolume::apply(std::map<std::string, NodePtr>& directory, const DirectoryChange& change) {
    switch (change.kind) {
        case DirectoryChange::Kind::kCreate:
            directory[change.to] = change.node;
            return;
        case DirectoryChange::Kind::kRemove:
            directory.erase(change.from);
            return;
        case DirectoryChange::Kind::kRename:
            // A rename whose source never came to be does not happen.
            if (const auto at = directory.find(change.from); at != directory.end()) {
                auto node = at->second;
                directory.erase(at);
                directory[change.to] = std::move(node);
            }
            return;
    }
}

Result<std::unique_ptr<File>> FaultVolume::open(std::string_view name, OpenMode mode) {
    std::lock_guard lock(mutex_);
    QUORATE_CHECK(dead());
    const std::string path(name);
    auto at = directory_.find(path);
    if (at != directory_.end() && mode.create && mode.exclusive) {
        return fail_errno(EEXIST, path);
    }
    if (at == directory_.end()) {
        if (!mode.create) {
            return fail_errno(ENOENT, path);
        }
        if (const auto fate = next_change(); fate != Fate::kDone) {
            return tl::unexpected(change_fails(fate, "create", path).error());
        }
        auto node = std::make_shared<Node>();
        node->path = path;
        at = directory_.emplace(path, node).first;
        directory_changes_.push_back({DirectoryChange::Kind::kCreate, {}, path, node});
    }
    return std::unique_ptr<File>(std::make_unique<FaultFile>(*this, at->second));
}

Result<bool> FaultVolume::exists(std::string_view path) {
    std::lock_guard lock(mutex_);
    QUORATE_CHECK(dead());
    return directory_.contains(std::string(path));
}

Status FaultVolume::remove(std::string_view path) {
    std::lock_guard lock(mutex_);
    const auto at = directory_.find(std::string(path));
    if (at == directory_.end()) {
        return dead();
    }
    if (const auto fate = next_change(); fate != Fate::kDone) {
        return change_fails(fate, "remove", path);
    }
    directory_changes_.push_back(
        {DirectoryChange::Kind::kRemove, std::string(path), {}, at->second});
    directory_.erase(at);
    return {};
}

Status FaultVolume::remove_tree(std::string_view path) {
    const auto prefix = std::string(path) + "/";
    while (true) {
        std::string next;
        {
            std::lock_guard lock(mutex_);
            const auto at = directory_.lower_bound(prefix);
            if (at == directory_.end() || !at->first.starts_with(prefix)) {
                return dead();
            }
            next = at->first;
        }
        QUORATE_CHECK(remove(next));
    }
}

Status FaultVolume::rename(std::string_view from, std::string_view to) {
    std::lock_guard lock(mutex_);
    if (!directory_.contains(std::string(from))) {
        return died_ ? dead() : fail_errno(ENOENT, std::string(from));
    }
    if (const auto fate = next_change(); fate != Fate::kDone) {
        return change_fails(fate, "rename", from);
    }
    const DirectoryChange change{DirectoryChange::Kind::kRename, std::string(from), std::string(to),
                                 directory_.at(std::string(from))};
    apply(directory_, change);
    change.node->path = to;
    directory_changes_.push_back(change);
    return {};
}

Result<std::vector<std::string>> FaultVolume::list(std::string_view folder) {
    std::lock_guard lock(mutex_);
    QUORATE_CHECK(dead());
    const auto prefix = std::string(folder) + "/";
    std::set<std::string> names;
    for (auto at = directory_.lower_bound(prefix);
         at != directory_.end() && at->first.starts_with(prefix); ++at) {
        const auto rest = std::string_view(at->first).substr(prefix.size());
        names.emplace(rest.substr(0, rest.find('/')));
    }
    return std::vector<std::string>(names.begin(), names.end());
}

void FaultVolume::make_folder_durable(std::string_view folder) {
    std::erase_if(directory_changes_, [&](const DirectoryChange& change) {
        if (folder_of(change.to) != folder && folder_of(change.from) != folder) {
            return false;
        }
        apply(durable_directory_, change);
        return true;
    });
}

Status FaultVolume::flush_folder(std::string_view folder) {
    std::lock_guard lock(mutex_);
    if (const auto fate = next_change(); fate != Fate::kDone) {
        return change_fails(fate, "flush folder", folder);
    }
    make_folder_durable(folder);
    return {};
}

Status FaultVolume::flush_all() {
    std::lock_guard lock(mutex_);
    if (const auto fate = next_change(); fate != Fate::kDone) {
        for (const auto& [path, node] : directory_) {
            if (fate == Fate::kFails && !node->dirty.empty() && random_.one_in(2)) {
                lose_dirty(*node);
                node->lost_unheard = true;
            }
        }
        return change_fails(fate, "flush all", "");
    }
    for (const auto& [path, node] : directory_) {
        make_durable(*node);
    }
    durable_directory_ = directory_;
    directory_changes_.clear();
    return {};
}

Result<Volume::Space> FaultVolume::space() {
    std::lock_guard lock(mutex_);
    QUORATE_CHECK(dead());
    const auto taken = used();
    return Space{capacity_, capacity_ - std::min(capacity_, taken)};
}

void FaultVolume::die_after(std::uint64_t changes) {
    std::lock_guard lock(mutex_);
    die_at_ = changes_ + changes;
}

bool FaultVolume::died() const {
    std::lock_guard lock(mutex_);
    return died_;
}

void FaultVolume::fail_one_in(std::uint64_t n) {
    std::lock_guard lock(mutex_);
    fail_one_in_ = n;
}

void FaultVolume::set_capacity(std::uint64_t octets) {
    std::lock_guard lock(mutex_);
    capacity_ = octets;
}

std::uint64_t FaultVolume::changes() const {
    std::lock_guard lock(mutex_);
    return changes_;
}

// Each sector that was not flushed is as it was or as it became, whatever the others are.
void FaultVolume::lose_data(Node& node) {
    auto after = node.durable;
    if (random_.one_in(2)) {
        after.resize(node.data.size(), '\0');
    }
    // Some failures keep nearly all, some nearly nothing.
    const auto odds = 1 + random_.below(8);
    auto touched = node.dirty;
    touched.insert(node.lost.begin(), node.lost.end());
    for (const auto sector : touched) {
        const auto begin = sector * kSector;
        const auto end = std::min<std::uint64_t>({begin + kSector, after.size(), node.data.size()});
        if (begin < end && random_.below(8) < odds && !node.lost.contains(sector)) {
            std::memcpy(after.data() + begin, node.data.data() + begin, end - begin);
        }
    }
    node.durable = after;
    node.data = std::move(after);
    node.dirty.clear();
    node.lost.clear();
    node.allocated = node.data.size();
}

void FaultVolume::crash(Crash kind) {
    std::lock_guard lock(mutex_);
    for (const auto& [path, node] : directory_) {
        QUORATE_ASSERT(node->open_files == 0);
    }
    for (const auto& [path, node] : directory_) {
        node->lost_unheard = false;
    }
    if (kind == Crash::kPower) {
        for (const auto& change : directory_changes_) {
            if (random_.one_in(2)) {
                apply(durable_directory_, change);
            }
        }
        directory_changes_.clear();
        directory_ = durable_directory_;
        std::set<Node*> nodes;
        for (const auto& [path, node] : directory_) {
            node->path = path;
            if (nodes.insert(node.get()).second) {
                lose_data(*node);
            }
        }
    }
    died_ = false;
    die_at_ = UINT64_MAX;
    fail_one_in_ = 0;
}

FaultVolume::Reads FaultVolume::reads(const std::string& path) const {
    std::lock_guard lock(mutex_);
    const auto at = directory_.find(path);
    return at == directory_.end() ? Reads() : at->second->reads;
}

std::string FaultVolume::content(const std::string& path) const {
    std::lock_guard lock(mutex_);
    const auto at = directory_.find(path);
    return at == directory_.end() ? std::string() : at->second->data;
}

void FaultVolume::set_content(const std::string& path, std::string content) {
    std::lock_guard lock(mutex_);
    auto& node = directory_[path];
    if (!node) {
        node = std::make_shared<Node>();
        node->path = path;
    }
    node->allocated = content.size();
    node->durable = content;
    node->data = std::move(content);
    node->dirty.clear();
    node->lost.clear();
    durable_directory_[path] = node;
}

std::vector<std::string> FaultVolume::paths() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [path, node] : directory_) {
        all.push_back(path);
    }
    return all;
}

}  // namespace quorate::mail::store
