#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

// A volume in memory with the faults that a real one may have, drawn from a seed. What was not
// flushed is lost, kept or torn at a power failure: each sector of 512 octets by itself, the length
// of a file by itself, each creation, rename and removal by itself. A flush that fails loses what
// it should have kept: it stays readable until the power fails, and no later flush brings it back.
// A flush of everything that fails does so to some files, whose own next flush fails once.
//
// Thread rule: as Volume.
class FaultVolume final : public Volume {
public:
    struct Options {
        std::uint64_t seed = 1;
        std::uint64_t capacity = UINT64_MAX;  // octets
    };
    explicit FaultVolume(Options options);
    ~FaultVolume() override;

    Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) override;
    Result<bool> exists(std::string_view path) override;
    Status remove(std::string_view path) override;
    Status remove_tree(std::string_view path) override;
    Status rename(std::string_view from, std::string_view to) override;
    Result<std::vector<std::string>> list(std::string_view folder) override;
    Status flush_folder(std::string_view folder) override;
    Status flush_all() override;
    Result<Space> space() override;

    // ---- faults
    enum class Crash { kKill, kPower };
    // The process dies in the course of the n-th change from now on, which may be done in part;
    // from then on everything fails, until crash().
    void die_after(std::uint64_t changes);
    bool died() const;
    // One change in `n` fails with EIO; 0: none.
    void fail_one_in(std::uint64_t n);
    void set_capacity(std::uint64_t octets);
    // What the next process finds. All files of the old one must be closed.
    void crash(Crash kind);
    std::uint64_t changes() const;  // so far

    // ---- for tests that damage or look at files
    std::string content(const std::string& path) const;
    void set_content(const std::string& path, std::string content);
    std::vector<std::string> paths() const;
    // Reads of the file so far, and how many of them a hint announced.
    struct Reads {
        std::uint64_t all = 0;
        std::uint64_t announced = 0;
    };
    Reads reads(const std::string& path) const;

private:
    friend class FaultFile;
    struct Node;
    using NodePtr = std::shared_ptr<Node>;  // shared by directory entries and open files
    struct DirectoryChange {
        enum class Kind { kCreate, kRemove, kRename } kind = Kind::kCreate;
        std::string from;
        std::string to;
        NodePtr node;
    };

    // What becomes of a change: it happens, fails, or the process dies in it.
    enum class Fate { kDone, kFails, kDies };
    Fate next_change();
    Status change_fails(Fate fate, std::string_view what, std::string_view path);
    Status dead() const;
    std::uint64_t used() const;
    Status grow(Node& node, std::uint64_t size, std::string_view path);
    void write_sectors(Node& node, std::uint64_t offset, std::string_view bytes);
    Status write(Node& node, std::uint64_t offset, std::span<const std::string_view> pieces);
    static void lose_dirty(Node& node);
    Status flush(Node& node);
    Status truncate(Node& node, std::uint64_t size);
    void make_durable(Node& node);
    void make_name_durable(const Node& node);
    void make_folder_durable(std::string_view folder);
    void apply(std::map<std::string, NodePtr>& directory, const DirectoryChange& change);
    void lose_data(Node& node);

    mutable std::mutex mutex_;
    Random random_;
    std::uint64_t capacity_;
    std::uint64_t changes_ = 0;
    std::uint64_t die_at_ = UINT64_MAX;
    std::uint64_t fail_one_in_ = 0;
    bool died_ = false;
    std::map<std::string, NodePtr> directory_;
    std::map<std::string, NodePtr> durable_directory_;
    std::vector<DirectoryChange> directory_changes_;  // not durable yet
};

}  // namespace quorate::mail::store
