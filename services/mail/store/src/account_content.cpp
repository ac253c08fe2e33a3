#include <algorithm>
#include <array>

#include "account_impl.hpp"
#include "mail/store/errc.hpp"
#include "sealed.hpp"

namespace quorate::mail::store {
namespace {

// Bodies per pass of for_each(): a pass over neighbours costs one search in the table.
constexpr std::size_t kPass = 512;

tl::unexpected<Error> content_damaged(const Database& db, BodyId id, const std::string& why) {
    return fail(errc::damaged, db.path() + ": body " + std::to_string(id.value()) + ": " + why);
}

// Statements of Field, for one body and for a range.
struct FieldSql {
    const char* one;
    const char* range;
};
constexpr std::array<FieldSql, 3> kFieldSql = {{
    {"SELECT id, envelope FROM body WHERE id = ?",
     "SELECT id, envelope FROM body WHERE id BETWEEN ? AND ?"},
    {"SELECT id, body FROM body WHERE id = ?",
     "SELECT id, body FROM body WHERE id BETWEEN ? AND ?"},
    {"SELECT id, bodystructure FROM body WHERE id = ?",
     "SELECT id, bodystructure FROM body WHERE id BETWEEN ? AND ?"},
}};

using Use = std::function<bool(std::size_t index, std::string_view text)>;

// False: `use` has had enough.
Result<bool> use_one(Database& db, const FieldSql& sql, BodyId id, std::size_t index,
                     const Use& use) {
    auto query = db.query(sql.one);
    QUORATE_TRY(const bool row, query.bind(id.value()).step());
    if (!row) {
        return content_damaged(db, id, "is missing");
    }
    const auto text = unseal(query.blob(1));
    if (!text) {
        return content_damaged(db, id, text.error().detail);
    }
    return use(index, *text);
}

Result<bool> use_each(Database& db, const FieldSql& sql, std::span<const BodyId> bodies,
                      std::size_t first_index, const Use& use) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        QUORATE_TRY(const bool more, use_one(db, sql, bodies[i], first_index + i, use));
        if (!more) {
            return false;
        }
    }
    return true;
}

// `bodies` ascend.
Result<bool> use_range(Database& db, const FieldSql& sql, std::span<const BodyId> bodies,
                       std::size_t first_index, const Use& use) {
    auto query = db.query(sql.range);
    query.bind(bodies.front().value(), bodies.back().value());
    std::size_t next = 0;
    while (next < bodies.size()) {
        QUORATE_TRY(const bool row, query.step());
        if (!row || query.number(0) > bodies[next].value()) {
            return content_damaged(db, bodies[next], "is missing");
        }
        if (query.number(0) < bodies[next].value()) {
            continue;
        }
        const auto text = unseal(query.blob(1));
        if (!text) {
            return content_damaged(db, bodies[next], text.error().detail);
        }
        for (; next < bodies.size() && bodies[next].value() == query.number(0); ++next) {
            if (!use(first_index + next, *text)) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

Result<Content> AccountImpl::content(BodyId body) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const db, reading());
    auto query = db->query(
        "SELECT segment, offset, size, crc, envelope, body, bodystructure, structure, email_id "
        "FROM body WHERE id = ?");
    QUORATE_TRY(const bool row, query.bind(body.value()).step());
    if (!row) {
        return content_damaged(*db, body, "is missing");
    }
    Content content;
    content.body = {query.number32(0), query.number(1), query.number(2), query.number32(3)};
    std::string email_id;
    const std::array<std::string*, 5> texts = {&content.envelope, &content.body_text,
                                               &content.bodystructure, &content.structure,
                                               &email_id};
    for (int i = 0; i < static_cast<int>(texts.size()); ++i) {
        const auto text = unseal(query.blob(4 + i));
        if (!text) {
            return content_damaged(*db, body, text.error().detail);
        }
        *texts[static_cast<std::size_t>(i)] = *text;
    }
    content.email_id = id_from_bytes(email_id);
    return content;
}

Status AccountImpl::for_each(
    std::span<const BodyId> bodies, Field field,
    const std::function<bool(std::size_t index, std::string_view text)>& use) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const db, reading());
    const auto& sql = kFieldSql[static_cast<std::size_t>(field)];
    for (std::size_t at = 0; at < bodies.size();) {
        const auto pass = bodies.subspan(at, std::min(kPass, bodies.size() - at));
        const bool dense = std::is_sorted(pass.begin(), pass.end()) &&
                           pass.back().value() - pass.front().value() < 2 * pass.size();
        QUORATE_TRY(const bool more,
                    dense ? use_range(*db, sql, pass, at, use) : use_each(*db, sql, pass, at, use));
        if (!more) {
            return {};
        }
        at += pass.size();
    }
    return {};
}

Result<std::string> AccountImpl::read_body(const BodyRef& body, std::uint64_t offset,
                                           std::uint64_t size) {
    return context_.bodies.read(body, offset, size);
}

Result<std::vector<AccountImpl::LiveBody>> AccountImpl::bodies_in(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const db, reading());
    auto query = db->query("SELECT id, offset, size, crc FROM body WHERE segment = ?");
    query.bind(segment);
    std::vector<LiveBody> bodies;
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return bodies;
        }
        bodies.push_back({BodyId(query.number(0)),
                          {segment, query.number(1), query.number(2), query.number32(3)}});
    }
}

Status AccountImpl::relocate(std::span<const LiveBody> moved) {
    std::lock_guard lock(mutex_);
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    for (const auto& body : moved) {
        ops.put(OpBodyMoved{body.id, body.ref});
    }
    return submit(ops, state_);
}

}  // namespace quorate::mail::store
