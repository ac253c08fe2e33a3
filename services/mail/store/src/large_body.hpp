#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mail/store/store.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"
#include "reserve.hpp"

// Bodies in files of their own, "large/00000001.body": docs/formats/mail-journal.md. They are
// written under the name ".new", flushed, and renamed when complete.
namespace quorate::mail::store {

inline constexpr std::size_t kLargeHeaderBytes = 64;

struct LargeHeader {
    std::uint32_t number = 0;
    Id128 store;
    std::uint64_t size = 0;
    std::uint32_t body_crc = 0;
    std::uint32_t owners = 0;
};

std::string encode(const LargeHeader& header);
// Errors: damaged, unsupported_version.
Result<LargeHeader> decode_large_header(std::string_view bytes);

class LargeBodies {
public:
    LargeBodies(Volume& volume, Reserve& reserve, Id128 store)
        : volume_(volume), reserve_(reserve), store_(store) {}

    // At open: removes the unfinished. Returns the numbers of the complete, as segment numbers.
    Result<std::vector<std::uint32_t>> recover();
    Result<std::unique_ptr<Store::LargeBody>> begin();
    // Who may refer to it.
    Result<std::vector<AccountId>> owners(std::uint32_t segment);

private:
    Volume& volume_;
    Reserve& reserve_;
    const Id128 store_;
    std::atomic<std::uint32_t> next_{1};
};

}  // namespace quorate::mail::store
