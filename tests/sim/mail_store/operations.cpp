#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "mail/message/summary.hpp"
#include "simulation.hpp"

// What sessions and deliveries do to messages.
namespace quorate::mail::store {
namespace {

std::set<std::string> lower(const std::vector<std::string>& keywords) {
    std::set<std::string> all;
    for (const auto& keyword : keywords) {
        all.insert(to_lower(keyword));
    }
    return all;
}

template <class Set>
void change(Set& of, const Set& by, FlagAction action) {
    switch (action) {
        case FlagAction::kReplace:
            of = by;
            return;
        case FlagAction::kAdd:
            of.insert(by.begin(), by.end());
            return;
        case FlagAction::kRemove:
            for (const auto& one : by) {
                of.erase(one);
            }
            return;
    }
}

FlagBits change(FlagBits of, FlagBits by, FlagAction action) {
    return action == FlagAction::kReplace ? by : action == FlagAction::kAdd ? of | by : of & ~by;
}

}  // namespace

// Every now and then like the journal's own frames, to lead recovery astray.
std::string Simulation::text() {
    auto text =
        fmt::format("From: a{0}@example.test\r\nSubject: message {0}\r\n\r\n", next_text_++);
    const auto size = one_in(6) ? random_.below(30'000) : random_.below(1500);
    while (text.size() < size) {
        text += one_in(5) ? "QRM1" : fmt::format("{:x}\r\n", random_.next());
    }
    return text;
}

std::vector<std::string> Simulation::keywords() {
    static const std::vector<std::string> kNames = {"$Label1", "$LABEL1", "later", "Junk", "x-y"};
    std::vector<std::string> some;
    while (one_in(3)) {
        some.push_back(kNames[random_.below(kNames.size())]);
    }
    return some;
}

std::optional<BodyRef> Simulation::put(const std::string& text, std::span<const AccountId> owners) {
    if (!one_in(8)) {
        const auto half = random_.below(text.size());
        auto ref = store_->put_body({text.substr(0, half), text.substr(half)}, owners);
        return done(ref, none(), "put_body") ? std::optional(*ref) : std::nullopt;
    }
    auto large = store_->begin_large_body();
    if (!done(large, none(), "begin_large_body")) {
        return std::nullopt;
    }
    const auto written = (*large)->write(text);
    if (!done(written, none(), "write a large body") || one_in(8)) {
        return std::nullopt;
    }
    auto ref = (*large)->finish(owners);
    return done(ref, none(), "finish a large body") ? std::optional(*ref) : std::nullopt;
}

void Simulation::append(Owner& owner) {
    const auto written = text();
    const std::vector<AccountId> owners = {owner.id};
    if (const auto body = put(written, owners)) {
        add(owner, *body, written);
    }
}

// One body for several accounts.
void Simulation::deliver() {
    const auto written = text();
    std::vector<AccountId> owners;
    for (const auto& owner : owners_) {
        if (owner.removed_at == 0) {
            owners.push_back(owner.id);
        }
    }
    if (const auto body = put(written, owners)) {
        for (auto& owner : owners_) {
            if (owner.removed_at == 0 && hold(owner) != nullptr) {
                add(owner, *body, written);
            }
        }
    }
}

void Simulation::add(Owner& owner, const BodyRef& body, const std::string& written) {
    auto& [name, box] = any_mailbox(owner.model);
    const auto summary = message::summarize(written);
    NewMessage added;
    added.body = body;
    added.system_flags = random_.below(kSystemFlags + 1);
    added.keywords = keywords();
    added.internal_date = {static_cast<std::int64_t>(random_.below(2'000'000'000)),
                           static_cast<std::int16_t>(random_.below(1440) - 720)};
    added.summary = &summary;
    const bool full = owner.limits.messages != 0 && owner.model.messages() >= owner.limits.messages;
    const auto appended = owner.account->append(box.id, added);
    if (!done(appended, full ? make_error_code(errc::over_quota) : none(), "append")) {
        return;
    }
    if (appended->uid != box.uid_next || appended->uid_validity != box.uid_validity) {
        broken(fmt::format("append gives uid {}, should be {}", appended->uid, box.uid_next));
    }
    ModelMessage message;
    message.uid = box.uid_next++;
    message.system_flags = added.system_flags;
    message.keywords = lower(added.keywords);
    message.modseq = box.highest_modseq = ++owner.model.modseq;
    message.internal_date = added.internal_date;
    message.save_date = now_;
    message.text = std::make_shared<const std::string>(written);
    box.messages.push_back(std::move(message));
    if (one_in(2)) {
        learn_email_id(owner, box);
    }
    changed(owner);
}

void Simulation::learn_email_id(Owner& owner, ModelMailbox& box) {
    const auto view = owner.account->open(box.id, /*read_only=*/true, {});
    if (!done_reading(view, "open")) {
        return;
    }
    const auto read = read_message(*owner.account, **view, (*view)->size() - 1);
    if (done_reading(read, "read the newest message")) {
        box.messages.back().email_id = read->email_id;
    }
}

void Simulation::change_flags(Owner& owner) {
    auto* const session = any_session(owner);
    if (session == nullptr) {
        return;
    }
    auto* const box = owner.model.find(session->view().mailbox());
    const auto chosen = positions(*session);
    FlagChange wanted;
    wanted.action = static_cast<FlagAction>(random_.below(3));
    wanted.system_flags = random_.below(kSystemFlags + 1);
    wanted.keywords = keywords();
    const auto changed_positions = owner.account->change_flags(session->view(), chosen, wanted);
    const auto expected = box == nullptr                ? make_error_code(errc::no_such_mailbox)
                          : session->view().read_only() ? make_error_code(errc::read_only)
                                                        : none();
    if (!done(changed_positions, expected, "change_flags")) {
        return;
    }
    std::vector<std::uint32_t> should;
    const auto modseq = owner.model.modseq + 1;
    for (const auto position : chosen) {
        for (auto& message : box->messages) {
            if (message.uid != session->shown(position).uid) {
                continue;
            }
            const auto before = std::pair(message.system_flags, message.keywords);
            message.system_flags = change(message.system_flags, wanted.system_flags, wanted.action);
            change(message.keywords, lower(wanted.keywords), wanted.action);
            if (before != std::pair(message.system_flags, message.keywords)) {
                message.modseq = modseq;
                should.push_back(position);
                session->changed_by_itself(message.uid, *box);
            }
        }
    }
    if (*changed_positions != should) {
        broken("change_flags reports other positions than it changed");
    }
    if (!should.empty()) {
        owner.model.modseq = box->highest_modseq = modseq;
        changed(owner);
    }
}

void Simulation::expunge(Owner& owner) {
    auto* const session = any_session(owner);
    if (session == nullptr) {
        return;
    }
    auto* const box = owner.model.find(session->view().mailbox());
    const auto chosen = positions(*session);
    const bool all = one_in(2);
    const auto expunged = owner.account->expunge(
        session->view(),
        all ? std::nullopt : std::optional(std::span<const std::uint32_t>(chosen)));
    const auto expected = box == nullptr                ? make_error_code(errc::no_such_mailbox)
                          : session->view().read_only() ? make_error_code(errc::read_only)
                                                        : none();
    if (!done(expunged, expected, "expunge")) {
        return;
    }
    std::set<Uid> candidates;
    for (std::uint32_t i = 0; i < session->size(); ++i) {
        if (all || std::find(chosen.begin(), chosen.end(), i) != chosen.end()) {
            candidates.insert(session->shown(i).uid);
        }
    }
    std::vector<Uid> should;
    std::erase_if(box->messages, [&](const ModelMessage& message) {
        const bool goes =
            (message.system_flags & kDeleted) != 0 && candidates.contains(message.uid);
        if (goes) {
            should.push_back(message.uid);
        }
        return goes;
    });
    if (*expunged != should) {
        broken("expunge reports other uids than it should");
    }
    if (!should.empty()) {
        box->highest_modseq = ++owner.model.modseq;
        changed(owner);
    }
}

void Simulation::remove_messages(Owner& owner) {
    auto& [name, box] = any_mailbox(owner.model);
    std::vector<Uid> uids;
    for (const auto& message : box.messages) {
        if (one_in(2)) {
            uids.push_back(message.uid);
        }
    }
    uids.push_back(box.uid_next + 5);  // unknown: ignored
    const auto removed = owner.account->remove_messages(box.id, uids);
    if (!done(removed, none(), "remove_messages")) {
        return;
    }
    if (*removed != uids.size() - 1) {
        broken("remove_messages removes another number");
    }
    if (*removed > 0) {
        std::erase_if(box.messages, [&](const ModelMessage& message) {
            return std::find(uids.begin(), uids.end(), message.uid) != uids.end();
        });
        box.highest_modseq = ++owner.model.modseq;
        changed(owner);
    }
}

void Simulation::transfer(Owner& owner) {
    auto* const session = any_session(owner);
    if (session == nullptr) {
        return;
    }
    auto& model = owner.model;
    auto* const from = model.find(session->view().mailbox());
    auto& to = any_mailbox(model).second;
    const bool move = one_in(2);
    const auto chosen = positions(*session);
    std::vector<ModelMessage> taken;
    for (const auto position : chosen) {
        const auto* message = from ? from->find(session->shown(position).uid) : nullptr;
        if (message != nullptr) {
            taken.push_back(*message);
        }
    }
    const auto copied = move ? owner.account->move(session->view(), chosen, to.id)
                             : owner.account->copy(session->view(), chosen, to.id);
    const bool full = !move && owner.limits.messages != 0 && !taken.empty() &&
                      model.messages() + taken.size() > owner.limits.messages;
    const auto expected = from == nullptr ? make_error_code(errc::no_such_mailbox)
                          : move && session->view().read_only() ? make_error_code(errc::read_only)
                          : full                                ? make_error_code(errc::over_quota)
                                                                : none();
    if (!done(copied, expected, move ? "move" : "copy")) {
        return;
    }
    std::vector<Uid> sources;
    std::vector<Uid> destinations;
    const auto modseq = model.modseq + 1;
    for (auto message : taken) {
        sources.push_back(message.uid);
        message.uid = to.uid_next++;
        destinations.push_back(message.uid);
        message.modseq = modseq;
        message.save_date = now_;
        to.messages.push_back(std::move(message));
    }
    if (copied->source_uids != sources || copied->destination_uids != destinations ||
        copied->uid_validity != to.uid_validity) {
        broken("copy or move reports other uids than it should");
    }
    if (taken.empty()) {
        return;
    }
    model.modseq = to.highest_modseq = modseq;
    if (move) {
        std::erase_if(from->messages, [&](const ModelMessage& message) {
            return std::find(sources.begin(), sources.end(), message.uid) != sources.end();
        });
        from->highest_modseq = ++model.modseq;
    }
    changed(owner);
}

}  // namespace quorate::mail::store
