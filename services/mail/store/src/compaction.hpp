#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "context.hpp"
#include "large_body.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail::store {

class StoreImpl;

// Frees body files. One in which most octets are dead has its living bodies written into the
// journal anew, each owner's reference moved by a change, and is removed when that is durable and
// no redo needs it. A file with a damaged living body is left alone.
//
// Thread rule: any thread, one step at a time.
class Compactor {
public:
    // `next_segment`: the first that is not in the context's usage yet.
    Compactor(StoreImpl& store, Context& context, LargeBodies& large, std::uint32_t next_segment)
        : store_(store), context_(context), large_(large), next_segment_(next_segment) {}

    // Looks at one file, or moves a few megabytes. True: there is more to do.
    Result<bool> step();

private:
    struct Living {
        BodyRef ref;
        std::vector<std::pair<AccountId, BodyId>> owners;
    };
    struct Job {
        std::uint32_t segment = 0;
        std::vector<AccountId> owners;
        std::map<std::uint64_t, Living> living;  // by offset
    };

    std::optional<std::uint32_t> choose();
    Result<bool> examine(std::uint32_t segment);
    Result<std::vector<AccountId>> owners(std::uint32_t segment, std::uint64_t& total);
    Status collect(Job& job);
    Status move_some();
    Status move_one(const Living& body,
                    std::map<AccountId, std::vector<std::pair<BodyId, BodyRef>>>& moved);
    Status finish();

    StoreImpl& store_;
    Context& context_;
    LargeBodies& large_;
    std::mutex mutex_;
    std::uint32_t next_segment_;
    std::optional<Job> job_;
};

}  // namespace quorate::mail::store
