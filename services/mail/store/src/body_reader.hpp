#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/result.hpp"
#include "journal.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"
#include "relocations.hpp"

namespace quorate::mail::store {

// Segment numbers from here on are large bodies: "large/00000001.body".
inline constexpr std::uint32_t kLargeSegment = 0x80000000;
std::string body_file_path(std::uint32_t segment);

// Reads bodies wherever they are: waiting for the journal, in a segment, in a file of their own.
// Never returns octets whose body was not verified against its checksum. Any thread. Limits: 128
// open files, 4,096 bodies remembered as verified.
class BodyReader {
public:
    BodyReader(Volume& volume, const Journal& journal, const Relocations& relocations)
        : volume_(volume), journal_(journal), relocations_(relocations) {}

    // Cut at the end of the body. Errors: damaged, naming file and offset.
    Result<std::string> read(const BodyRef& ref, std::uint64_t offset, std::uint64_t size);
    // Reads all of it, whatever is remembered.
    Status verify(const BodyRef& ref);
    // The file was removed.
    void forget(std::uint32_t segment);

private:
    using Key = std::pair<std::uint32_t, std::uint64_t>;
    template <class Value>
    struct Recent {  // most recently used first
        std::list<std::pair<Key, Value>> order;
        std::map<Key, typename std::list<std::pair<Key, Value>>::iterator> places;
    };

    Result<std::string> read_at(const BodyRef& ref, std::uint64_t offset, std::uint64_t size);
    // Shared by the table and a read under way when the table drops it.
    Result<std::shared_ptr<File>> file(std::uint32_t segment);
    bool is_verified(const Key& key);
    void set_verified(const Key& key);

    Volume& volume_;
    const Journal& journal_;
    const Relocations& relocations_;
    std::mutex mutex_;
    Recent<std::shared_ptr<File>> files_;
    Recent<bool> verified_;
};

}  // namespace quorate::mail::store
