#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "database.hpp"
#include "mail/store/types.hpp"
#include "ops.hpp"

namespace quorate::mail::store {

// Does redo operations on an account's database: the only writer of it, for live changes and for
// recovery alike. Collects blocks of messages and counters over many frames and writes them at
// finish(). The caller holds the transaction; after an error the caller rolls it back and throws
// this object away.
class Applier {
public:
    // Reads the newest LSN that the database has.
    static Result<Applier> start(Database& db);

    std::uint64_t applied_lsn() const { return applied_lsn_; }
    // A frame's operations. A frame that the database has already is skipped.
    Status apply(std::uint64_t lsn, std::string_view ops);
    // Writes what was collected. More may be applied afterwards.
    Status finish();

private:
    struct Chunk {
        std::vector<Message> messages;
        bool stored = false;
        bool dirty = false;
    };
    struct BodyDelta {
        bool created = false;
        std::int64_t references = 0;
    };

    Applier(Database& db, std::uint64_t applied_lsn) : db_(&db), applied_lsn_(applied_lsn) {}

    Status apply_one(const OpAccount& op);
    Status apply_one(const OpMailbox& op);
    Status apply_one(const OpCounters& op);
    Status apply_one(const OpMailboxRemoved& op);
    Status apply_one(const OpKeyword& op);
    Status apply_one(const OpSubscription& op);
    Status apply_one(const OpBody& op);
    Status apply_one(const OpMessage& op);
    Status apply_one(const OpFlags& op);
    Status apply_one(const OpRemoved& op);
    Status apply_one(const OpBodyMoved& op);
    Status apply_one(const OpAccountRemoved& op);

    Result<Chunk*> chunk(std::uint64_t key);
    Status load_range(std::uint64_t first_key, std::uint64_t last_key);
    template <class Use>
    Status for_range(MailboxId mailbox, const UidRange& range, const Use& use);
    Status write_chunks();
    Status write_bodies();
    Status write_body_delta(BodyId id, const BodyDelta& delta);

    Database* db_;
    std::uint64_t applied_lsn_;
    bool dirty_ = false;
    std::optional<AccountState> state_;
    std::map<MailboxId, MailboxCounters> counters_;
    std::map<std::uint64_t, Chunk> chunks_;
    std::unordered_map<BodyId, BodyDelta> bodies_;
};

std::string id_bytes(const Id128& id);
Id128 id_from_bytes(std::string_view bytes);

}  // namespace quorate::mail::store
