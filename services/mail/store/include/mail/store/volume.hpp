#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// The seam below the store: a tree of files on which writes become durable by flushes. A local
// directory today, the cluster file system later; the simulator's volume loses and tears what was
// not flushed.
//
// Thread rule: Volume and File are safe to use from several threads; two writes to one range at
// once are the caller's bug. Errors: generic_category with errno's values; ENOSPC and EDQUOT mean
// full.
namespace quorate::mail::store {

class File {
public:
    virtual ~File() = default;

    // Up to buffer.size() octets; fewer at the end of the file.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> buffer) = 0;
    // All pieces, one after another, beginning at `offset`.
    virtual Status write(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
    // Data, and what is needed to find it again, is on stable storage when it returns.
    virtual Status flush() = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() = 0;
    // Reserves space so that writes below `size` cannot fail for want of it; the file reads as
    // zeros there.
    virtual Status allocate(std::uint64_t size) = 0;
    // A hint: this range will be read soon.
    virtual void prefetch(std::uint64_t /*offset*/, std::uint64_t /*size*/) {}
};

struct OpenMode {
    bool create = false;
    bool exclusive = false;  // with create: fail with EEXIST
};

class Volume {
public:
    virtual ~Volume() = default;

    // Paths are relative, '/'-separated, without "..". Missing parent folders are created with
    // `create`.
    virtual Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
    virtual Result<bool> exists(std::string_view path) = 0;
    virtual Status remove(std::string_view path) = 0;  // ENOENT is not an error
    virtual Status remove_tree(std::string_view path) = 0;
    virtual Status rename(std::string_view from, std::string_view to) = 0;
    virtual Result<std::vector<std::string>> list(
        std::string_view folder) = 0;  // names, sorted; empty if absent
    // Creations, renames and removals in `folder` are durable when it returns.
    virtual Status flush_folder(std::string_view folder) = 0;
    // Everything written through this volume before the call is durable when it returns.
    virtual Status flush_all() = 0;
    struct Space {
        std::uint64_t total = 0;
        std::uint64_t free = 0;
    };
    virtual Result<Space> space() = 0;
};

// Files below a local directory, which is created. Refuses a second process on the same directory
// (flock on "lock").
Result<std::unique_ptr<Volume>> open_local_volume(const std::string& directory);

}  // namespace quorate::mail::store
