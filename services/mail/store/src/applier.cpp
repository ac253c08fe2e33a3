#include "applier.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "chunk.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "sealed.hpp"

namespace quorate::mail::store {
namespace {

// Blocks kept in memory between two finish() at most.
constexpr std::size_t kChunksMax = 4096;

auto by_uid(std::vector<Message>& messages, Uid uid) {
    return std::lower_bound(
        messages.begin(), messages.end(), uid,
        [](const Message& message, Uid wanted) { return message.uid < wanted; });
}

}  // namespace

std::string id_bytes(const Id128& id) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u64(id.high);
    writer.u64(id.low);
    return bytes;
}

Id128 id_from_bytes(std::string_view bytes) {
    ByteReader reader(bytes);
    Id128 id;
    id.high = reader.u64();
    id.low = reader.u64();
    return id;
}

Result<Applier> Applier::start(Database& db) {
    auto query = db.query("SELECT applied_lsn FROM meta");
    QUORATE_TRY(const bool row, query.step());
    if (!row) {
        return fail(errc::damaged, db.path() + ": no meta row");
    }
    return Applier(db, query.number(0));
}

Status Applier::apply(std::uint64_t lsn, std::string_view ops) {
    if (lsn <= applied_lsn_ && !mutated("applied_lsn_ignored")) {
        return {};
    }
    OpReader reader(ops);
    Op op;
    while (true) {
        QUORATE_TRY(const bool more, reader.next(op));
        if (!more) {
            break;
        }
        QUORATE_CHECK(std::visit([this](const auto& value) { return apply_one(value); }, op));
    }
    applied_lsn_ = lsn;
    dirty_ = true;
    return chunks_.size() > kChunksMax ? finish() : Status();
}

Status Applier::apply_one(const OpAccount& op) {
    state_ = op.state;
    return {};
}

Status Applier::apply_one(const OpMailbox& op) {
    const auto object_id = id_bytes(op.object_id);
    auto query = db_->query(
        "INSERT INTO mailbox VALUES(?1, ?2, ?3, ?4, ?5, ?6, 1, 1, 0, 0, 0, 0, 1) "
        "ON CONFLICT(id) DO UPDATE SET name = ?2, uid_validity = ?3, special_use = ?5");
    query.bind(op.id.value(), op.name, op.uid_validity, std::string_view(object_id),
               static_cast<std::int32_t>(op.special_use), op.created);
    return query.run();
}

Status Applier::apply_one(const OpCounters& op) {
    counters_[op.id] = op.counters;
    if (mutated("uid_next_falls")) {
        counters_[op.id].uid_next = op.counters.messages + 1;
    }
    return {};
}

Status Applier::apply_one(const OpMailboxRemoved& op) {
    const auto first = chunk_key(op.id, 0);
    const auto last = first | 0xffffffffU;
    QUORATE_CHECK(load_range(first, last));
    for (auto at = chunks_.lower_bound(first); at != chunks_.end() && at->first <= last; ++at) {
        for (const auto& message : at->second.messages) {
            bodies_[message.body].references -= 1;
        }
        at->second.messages.clear();
        at->second.dirty = true;
    }
    counters_.erase(op.id);
    QUORATE_CHECK(db_->query("DELETE FROM keyword WHERE mailbox = ?").bind(op.id.value()).run());
    QUORATE_CHECK(db_->query("DELETE FROM expunged WHERE mailbox = ?").bind(op.id.value()).run());
    return db_->query("DELETE FROM mailbox WHERE id = ?").bind(op.id.value()).run();
}

Status Applier::apply_one(const OpKeyword& op) {
    return db_->query("INSERT OR REPLACE INTO keyword VALUES(?, ?, ?)")
        .bind(op.id.value(), static_cast<std::int32_t>(op.index), op.name)
        .run();
}

Status Applier::apply_one(const OpSubscription& op) {
    return (op.subscribed ? db_->query("INSERT OR IGNORE INTO subscription VALUES(?)")
                          : db_->query("DELETE FROM subscription WHERE name = ?"))
        .bind(op.name)
        .run();
}

Status Applier::apply_one(const OpBody& op) {
    bodies_[op.id].created = true;
    const auto email_id = seal(id_bytes(op.email_id));
    const auto envelope = seal(op.envelope);
    const auto bodystructure = seal(op.bodystructure);
    const auto body = seal(op.body);
    const auto structure = seal(op.structure);
    return db_->query("INSERT OR REPLACE INTO body VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(op.id.value(), op.ref.segment, op.ref.offset, op.ref.size, op.ref.crc32c,
              std::string_view(email_id), std::string_view(envelope),
              std::string_view(bodystructure), std::string_view(body), std::string_view(structure))
        .run();
}

Status Applier::apply_one(const OpMessage& op) {
    QUORATE_TRY(auto* const block, chunk(chunk_key(op.mailbox, op.message.uid)));
    const auto at = by_uid(block->messages, op.message.uid);
    if (at != block->messages.end() && at->uid == op.message.uid) {
        return fail(errc::damaged, db_->path() + ": uid " + std::to_string(op.message.uid) +
                                       " given twice in mailbox " +
                                       std::to_string(op.mailbox.value()));
    }
    block->messages.insert(at, op.message);
    block->dirty = true;
    bodies_[op.message.body].references += 1;
    return {};
}

template <class Use>
Status Applier::for_range(MailboxId mailbox, const UidRange& range, const Use& use) {
    const auto last = chunk_key(mailbox, range.last);
    QUORATE_CHECK(load_range(chunk_key(mailbox, range.first), last));
    for (auto at = chunks_.lower_bound(chunk_key(mailbox, range.first));
         at != chunks_.end() && at->first <= last; ++at) {
        auto& messages = at->second.messages;
        const auto begin = by_uid(messages, range.first);
        auto end = by_uid(messages, range.last);
        if (end != messages.end() && end->uid == range.last) {
            ++end;
        }
        if (begin != end) {
            at->second.dirty = true;
            use(messages, begin, end);
        }
    }
    return {};
}

Status Applier::apply_one(const OpFlags& op) {
    for (const auto& range : op.uids) {
        QUORATE_CHECK(for_range(op.mailbox, range, [&op](auto&, auto begin, auto end) {
            for (; begin != end; ++begin) {
                begin->flags = (begin->flags & ~op.clear) | op.set;
                begin->modseq = op.modseq;
            }
        }));
    }
    return {};
}

Status Applier::apply_one(const OpRemoved& op) {
    for (const auto& range : op.uids) {
        QUORATE_CHECK(for_range(op.mailbox, range, [this](auto& messages, auto begin, auto end) {
            for (auto at = begin; at != end; ++at) {
                bodies_[at->body].references -= 1;
            }
            messages.erase(begin, end);
        }));
    }
    std::string uids;
    ByteWriter writer(uids);
    put_ranges(writer, op.uids);
    return db_->query("INSERT OR REPLACE INTO expunged VALUES(?, ?, ?)")
        .bind(op.mailbox.value(), op.modseq, std::string_view(uids))
        .run();
}

Status Applier::apply_one(const OpBodyMoved& op) {
    return db_
        ->query("UPDATE body SET segment = ?2, offset = ?3, size = ?4, crc = ?5 WHERE id = ?1")
        .bind(op.id.value(), op.ref.segment, op.ref.offset, op.ref.size, op.ref.crc32c)
        .run();
}

// The store drops the whole account; a database has no part in it.
Status Applier::apply_one(const OpAccountRemoved&) { return {}; }

Result<Applier::Chunk*> Applier::chunk(std::uint64_t key) {
    const auto [at, added] = chunks_.try_emplace(key);
    if (added) {
        auto query = db_->query("SELECT data FROM chunk WHERE key = ?");
        QUORATE_TRY(const bool row, query.bind(key).step());
        if (row) {
            QUORATE_CHECK(decode_chunk(query.blob(0), at->second.messages));
            at->second.stored = true;
        }
    }
    return &at->second;
}

Status Applier::load_range(std::uint64_t first_key, std::uint64_t last_key) {
    if (first_key == last_key) {
        QUORATE_TRY([[maybe_unused]] auto* const one, chunk(first_key));
        return {};
    }
    auto query = db_->query("SELECT key, data FROM chunk WHERE key BETWEEN ? AND ?");
    query.bind(first_key, last_key);
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        const auto [at, added] = chunks_.try_emplace(query.number(0));
        if (added) {
            QUORATE_CHECK(decode_chunk(query.blob(1), at->second.messages));
            at->second.stored = true;
        }
    }
}

Status Applier::finish() {
    if (!dirty_) {
        return {};
    }
    QUORATE_CHECK(write_chunks());
    QUORATE_CHECK(write_bodies());
    for (const auto& [id, value] : counters_) {
        auto query = db_->query(
            "UPDATE mailbox SET uid_next = ?2, highest_modseq = ?3, messages = ?4, unseen = ?5, "
            "deleted = ?6, size = ?7 WHERE id = ?1");
        query.bind(id.value(), value.uid_next, value.highest_modseq, value.messages, value.unseen,
                   value.deleted, value.size);
        QUORATE_CHECK(query.run());
    }
    counters_.clear();
    if (state_) {
        auto query = db_->query(
            "UPDATE meta SET applied_lsn = ?, modseq = ?, next_mailbox = ?, next_body = ?, "
            "uid_validity = ?, bytes = ?, messages = ?");
        query.bind(applied_lsn_, state_->modseq, state_->next_mailbox, state_->next_body,
                   state_->uid_validity, state_->bytes, state_->messages);
        QUORATE_CHECK(query.run());
        state_.reset();
    } else {
        QUORATE_CHECK(db_->query("UPDATE meta SET applied_lsn = ?").bind(applied_lsn_).run());
    }
    dirty_ = false;
    return {};
}

Status Applier::write_chunks() {
    for (auto& [key, block] : chunks_) {
        if (!block.dirty) {
            continue;
        }
        if (!block.messages.empty()) {
            const auto data = encode_chunk(block.messages);
            QUORATE_CHECK(db_->query("INSERT OR REPLACE INTO chunk VALUES(?, ?)")
                              .bind(key, std::string_view(data))
                              .run());
        } else if (block.stored) {
            QUORATE_CHECK(db_->query("DELETE FROM chunk WHERE key = ?").bind(key).run());
        }
    }
    chunks_.clear();
    return {};
}

Status Applier::write_bodies() {
    for (const auto& [id, delta] : bodies_) {
        if (delta.created ? delta.references != 1 : delta.references != 0) {
            QUORATE_CHECK(write_body_delta(id, delta));
        }
    }
    bodies_.clear();
    return {};
}

// References of a body are 1 + shared.extra; one without any stands in `dead`.
Status Applier::write_body_delta(BodyId id, const BodyDelta& delta) {
    std::int64_t references = delta.references;
    if (!delta.created) {
        auto query = db_->query("SELECT extra FROM shared WHERE body = ?");
        QUORATE_TRY(const bool row, query.bind(id.value()).step());
        references += 1 + (row ? query.integer(0) : 0);
    }
    if (references < 0) {
        return fail(errc::damaged,
                    db_->path() + ": body " + std::to_string(id.value()) + " released too often");
    }
    if (references > 1) {
        return db_->query("INSERT OR REPLACE INTO shared VALUES(?, ?)")
            .bind(id.value(), references - 1)
            .run();
    }
    if (!delta.created) {
        QUORATE_CHECK(db_->query("DELETE FROM shared WHERE body = ?").bind(id.value()).run());
    }
    if (references == 0) {
        return db_->query("INSERT OR IGNORE INTO dead VALUES(?)").bind(id.value()).run();
    }
    return {};
}

}  // namespace quorate::mail::store
