#include <algorithm>
#include <unordered_map>

#include "account_impl.hpp"
#include "base/text.hpp"
#include "chunk.hpp"
#include "mail/message/structure.hpp"
#include "mail/store/errc.hpp"
#include "sealed.hpp"

// What an account's database says about itself and about the bodies, compared with what is there.
namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::size_t kProblemsMax = 1000;

// First message that shows a body, for the report; and how many do.
struct Shown {
    std::uint32_t mailbox = 0;
    Uid uid = 0;
    std::uint32_t size = 0;
    std::int64_t references = 0;
};

struct Sums {
    MailboxCounters counters;
    Uid last_uid = 0;
};

class Verification {
public:
    Verification(Database& db, BodyReader& bodies, Store::VerifyReport& report)
        : db_(db), bodies_(bodies), report_(report) {}

    Status run();

private:
    void problem(std::string text);
    std::string place(BodyId id) const;
    Status check_file();
    Status read_chunks();
    void count_message(std::uint32_t mailbox, const Message& message);
    Status check_mailboxes();
    void check_mailbox(const Query& row);
    Status check_meta();
    Status check_bodies();
    void check_body(const Query& row);
    Status check_references();

    Database& db_;
    BodyReader& bodies_;
    Store::VerifyReport& report_;
    std::unordered_map<BodyId, Shown> shown_;
    std::map<std::uint32_t, Sums> sums_;  // by mailbox
    std::uint64_t bytes_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t newest_modseq_ = 0;
    std::uint64_t newest_body_ = 0;
};

void Verification::problem(std::string text) {
    if (report_.problems.size() < kProblemsMax) {
        report_.problems.push_back(std::move(text));
    }
}

std::string Verification::place(BodyId id) const {
    const auto shown = shown_.find(id);
    auto text = "body " + std::to_string(id.value());
    if (shown != shown_.end()) {
        text += " (mailbox " + std::to_string(shown->second.mailbox) + " uid " +
                std::to_string(shown->second.uid) + ")";
    }
    return text;
}

// SQLite names pages: "... page 7 ..." is at offset 6 * 4096.
std::string offset_of_page(std::string_view text) {
    const auto at = text.find("age ");
    if (at == std::string_view::npos) {
        return {};
    }
    auto digits = text.substr(at + 4);
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    const auto page = parse_u64(digits);
    return page && *page > 0 ? " offset " + std::to_string((*page - 1) * kPageBytes)
                             : std::string();
}

Status Verification::check_file() {
    auto query = db_.query("PRAGMA integrity_check(100)");
    while (true) {
        const auto row = query.step();
        if (!row) {
            problem(row.error().to_string());
            return {};
        }
        if (!*row) {
            return {};
        }
        const std::string text(query.blob(0));
        if (text != "ok") {
            problem(db_.path() + offset_of_page(text) + ": " + text);
        }
    }
}

void Verification::count_message(std::uint32_t mailbox, const Message& message) {
    auto& sums = sums_[mailbox];
    if (message.uid <= sums.last_uid) {
        problem(db_.path() + ": mailbox " + std::to_string(mailbox) + " uid " +
                std::to_string(message.uid) + ": uids do not ascend");
    }
    sums.last_uid = std::max(sums.last_uid, message.uid);
    auto& counters = sums.counters;
    counters.messages += 1;
    counters.unseen += (message.flags & kSeen) == 0 ? 1 : 0;
    counters.deleted += (message.flags & kDeleted) != 0 ? 1 : 0;
    counters.size += message.size;
    counters.highest_modseq = std::max(counters.highest_modseq, message.modseq);
    ++messages_;
    bytes_ += message.size;
    newest_modseq_ = std::max(newest_modseq_, message.modseq);
    auto& shown = shown_[message.body];
    if (shown.references++ == 0) {
        shown.mailbox = mailbox;
        shown.uid = message.uid;
        shown.size = message.size;
    }
}

Status Verification::read_chunks() {
    auto query = db_.query("SELECT key, data FROM chunk ORDER BY key");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        const auto key = query.number(0);
        const auto mailbox = static_cast<std::uint32_t>(key >> 32);
        std::vector<Message> messages;
        if (const auto decoded = decode_chunk(query.blob(1), messages); !decoded) {
            problem(db_.path() + ": mailbox " + std::to_string(mailbox) + " uids from " +
                    std::to_string((key & 0xffffffffU) << kChunkShift) + ": " +
                    decoded.error().detail);
            continue;
        }
        for (const auto& message : messages) {
            if (chunk_key(MailboxId(mailbox), message.uid) != key) {
                problem(db_.path() + ": mailbox " + std::to_string(mailbox) + " uid " +
                        std::to_string(message.uid) + ": in the wrong block");
            }
            count_message(mailbox, message);
        }
    }
}

void Verification::check_mailbox(const Query& row) {
    const auto id = row.number32(0);
    const auto expect = [&](const char* what, std::uint64_t stored, std::uint64_t counted) {
        if (stored != counted) {
            problem(db_.path() + ": mailbox " + std::to_string(id) + ": " + what + " is " +
                    std::to_string(stored) + ", counted " + std::to_string(counted));
        }
    };
    const auto& sums = sums_[id];
    expect("number of messages", row.number(3), sums.counters.messages);
    expect("number of unseen", row.number(4), sums.counters.unseen);
    expect("number of deleted", row.number(5), sums.counters.deleted);
    expect("size", row.number(6), sums.counters.size);
    if (row.number(1) <= sums.last_uid) {
        problem(db_.path() + ": mailbox " + std::to_string(id) + ": uid " +
                std::to_string(sums.last_uid) + " was not given yet");
    }
    if (row.number(2) < sums.counters.highest_modseq) {
        problem(db_.path() + ": mailbox " + std::to_string(id) + ": a modseq is above the highest");
    }
    newest_modseq_ = std::max(newest_modseq_, row.number(2));
    sums_.erase(id);
    ++report_.mailboxes;
}

Status Verification::check_mailboxes() {
    auto query = db_.query(
        "SELECT id, uid_next, highest_modseq, messages, unseen, deleted, size FROM mailbox");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            break;
        }
        check_mailbox(query);
    }
    for (const auto& [id, sums] : sums_) {
        problem(db_.path() + ": messages of mailbox " + std::to_string(id) +
                ", which does not exist");
    }
    return {};
}

Status Verification::check_meta() {
    auto query = db_.query("SELECT modseq, next_body, bytes, messages FROM meta");
    QUORATE_TRY(const bool row, query.step());
    if (!row) {
        problem(db_.path() + ": no meta row");
        return {};
    }
    if (query.number(2) != bytes_ || query.number(3) != messages_) {
        problem(db_.path() + ": quota counts " + std::to_string(query.number(3)) + " messages of " +
                std::to_string(query.number(2)) + " octets, there are " +
                std::to_string(messages_) + " of " + std::to_string(bytes_));
    }
    if (query.number(0) < newest_modseq_ || query.number(1) <= newest_body_) {
        problem(db_.path() + ": a modseq or body id is above the newest given");
    }
    return {};
}

void Verification::check_body(const Query& row) {
    const BodyId id(row.number(0));
    newest_body_ = std::max(newest_body_, id.value());
    const BodyRef ref{row.number32(1), row.number(2), row.number(3), row.number32(4)};
    if (const auto sound = bodies_.verify(ref); !sound) {
        problem(sound.error().detail + ": " + place(id));
    }
    report_.bytes += ref.size;
    std::string structure;
    for (int column = 5; column <= 9; ++column) {
        const auto text = unseal(row.blob(column));
        if (!text) {
            problem(db_.path() + ": " + place(id) + ": " + text.error().detail);
        } else if (column == 9) {
            structure = *text;
        }
    }
    const auto shown = shown_.find(id);
    if (shown != shown_.end() && shown->second.size != ref.size) {
        problem(db_.path() + ": " + place(id) + ": has " + std::to_string(ref.size) +
                " octets, the message " + std::to_string(shown->second.size));
    }
}

Status Verification::check_bodies() {
    auto query = db_.query(
        "SELECT id, segment, offset, size, crc, email_id, envelope, bodystructure, body, structure "
        "FROM body");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        check_body(query);
    }
}

Status Verification::check_references() {
    auto query = db_.query(
        "SELECT body.id, (SELECT extra FROM shared WHERE shared.body = body.id), "
        "EXISTS (SELECT 1 FROM dead WHERE dead.body = body.id) FROM body");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            break;
        }
        const BodyId id(query.number(0));
        const auto stored = query.integer(2) != 0 ? 0 : 1 + query.integer(1);
        const auto shown = shown_.find(id);
        const auto counted = shown == shown_.end() ? 0 : shown->second.references;
        if (stored != counted) {
            problem(db_.path() + ": " + place(id) + ": has " + std::to_string(counted) +
                    " references, counts " + std::to_string(stored));
        }
        if (shown != shown_.end()) {
            shown_.erase(shown);
        }
    }
    for (const auto& [id, shown] : shown_) {
        problem(db_.path() + ": mailbox " + std::to_string(shown.mailbox) + " uid " +
                std::to_string(shown.uid) + ": body " + std::to_string(id.value()) + " is missing");
    }
    return {};
}

Status Verification::run() {
    QUORATE_CHECK(check_file());
    QUORATE_CHECK(read_chunks());
    QUORATE_CHECK(check_mailboxes());
    QUORATE_CHECK(check_bodies());
    QUORATE_CHECK(check_meta());
    report_.messages = messages_;
    return check_references();
}

}  // namespace

Status AccountImpl::verify(Store::VerifyReport& report) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const db, reading());
    auto status = Verification(*db, context_.bodies, report).run();
    if (!status && status.error().code == errc::damaged) {
        report.problems.push_back(status.error().to_string());
        status = {};
    }
    return status;
}

}  // namespace quorate::mail::store
