#include <algorithm>

#include <fmt/core.h>

#include "simulation.hpp"

// What sessions do to mailboxes and accounts, and what the shell does to the store.
namespace quorate::mail::store {
namespace {

std::vector<std::string> parents(const std::string& name) {
    std::vector<std::string> all;
    for (auto at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
        all.push_back(name.substr(0, at));
    }
    return all;
}

bool below(const std::string& name, const std::string& parent) {
    return name.starts_with(parent + "/");
}

}  // namespace

Simulation::Owner* Simulation::any_owner() {
    return owners_.empty() ? nullptr : &owners_[random_.below(owners_.size())];
}

// The account as a session holds it; learns a new one's INBOX.
Account* Simulation::hold(Owner& owner) {
    if (owner.account) {
        return owner.account.get();
    }
    auto account = store_->account(owner.id, owner.limits);
    if (!done(account, none(), "account")) {
        return nullptr;
    }
    owner.account = std::move(*account);
    if (owner.model.mailboxes.empty()) {
        if (!learn_mailbox(owner, "INBOX")) {
            return nullptr;
        }
        changed(owner);
    }
    return owner.account.get();
}

void Simulation::changed(Owner& owner) {
    owner.history.push_back({owner.account->last_lsn().value(), owner.model});
    while (owner.history.size() > 1 && owner.history[1].lsn <= durable_) {
        owner.history.pop_front();
    }
}

// A mailbox that was just created: its identity is the store's choice, within the rules.
bool Simulation::learn_mailbox(Owner& owner, const std::string& name, std::size_t messages) {
    const auto info = owner.account->mailbox(name);
    if (!info) {
        broken(name + " was created: " + info.error().to_string());
        return false;
    }
    const auto given = given_[owner.id].find({name, info->uid_validity});
    if (given != given_[owner.id].end() && given->second != info->object_id) {
        broken(fmt::format("{} gets uidvalidity {} again", name, info->uid_validity));
    }
    if (info->uid_validity <= owner.model.uid_validity || info->uid_next != messages + 1 ||
        info->messages != messages) {
        broken(fmt::format("{}: a new mailbox with uidvalidity {} and uidnext {}", name,
                           info->uid_validity, info->uid_next));
    }
    for (const auto& [other, box] : owner.model.mailboxes) {
        if (box.id == info->id || box.object_id == info->object_id) {
            broken(name + ": identity given twice");
        }
    }
    owner.model.uid_validity = info->uid_validity;
    auto& box = owner.model.mailboxes[name];
    box.id = info->id;
    box.uid_validity = info->uid_validity;
    box.object_id = info->object_id;
    box.special_use = info->special_use;
    return true;
}

std::string Simulation::any_name() {
    static const std::vector<std::string> kNames = {
        "INBOX", "inbox", "a",       "a/x",   "a/x/y",           "b",
        "b/x",   "c",     "INBOX/z", "d/e/f", "Pap\xc3\xa9rasse"};
    return kNames[random_.below(kNames.size())];
}

std::pair<const std::string, ModelMailbox>& Simulation::any_mailbox(ModelAccount& model) {
    return *std::next(model.mailboxes.begin(),
                      static_cast<std::ptrdiff_t>(random_.below(model.mailboxes.size())));
}

void Simulation::create(Owner& owner) {
    auto name = any_name();
    const auto use = one_in(4) ? SpecialUse::kSent : SpecialUse::kNone;
    const auto created = owner.account->create(name, use);
    name = name == "inbox" ? "INBOX" : name;
    auto& boxes = owner.model.mailboxes;
    const auto expected = boxes.contains(name) ? make_error_code(errc::mailbox_exists) : none();
    if (!done(created, expected, "create")) {
        return;
    }
    for (const auto& parent : parents(name)) {
        if (!boxes.contains(parent)) {
            learn_mailbox(owner, parent);
        }
    }
    learn_mailbox(owner, name);
    if (created->special_use != use) {
        broken("create forgets the special use");
    }
    changed(owner);
}

void Simulation::remove(Owner& owner) {
    auto name = any_name();
    const auto removed = owner.account->remove(name);
    name = name == "inbox" ? "INBOX" : name;
    auto& boxes = owner.model.mailboxes;
    const auto expected = name == "INBOX"         ? make_error_code(errc::inbox_is_fixed)
                          : !boxes.contains(name) ? make_error_code(errc::no_such_mailbox)
                                                  : none();
    if (done(removed, expected, "remove")) {
        boxes.erase(name);
        changed(owner);
    }
}

void Simulation::rename(Owner& owner) {
    auto from = any_name();
    auto to = any_name();
    const auto renamed = owner.account->rename(from, to);
    from = from == "inbox" ? "INBOX" : from;
    to = to == "inbox" ? "INBOX" : to;
    auto& boxes = owner.model.mailboxes;
    std::vector<std::pair<std::string, std::string>> moves;
    bool collides = boxes.contains(to);
    for (const auto& [name, box] : boxes) {
        if (name == from || below(name, from)) {
            moves.emplace_back(name, to + name.substr(from.size()));
            collides = collides || (from != "INBOX" && boxes.contains(moves.back().second));
        }
    }
    const auto expected = boxes.contains(to) ? make_error_code(errc::mailbox_exists)
                          : from != "INBOX" && below(to, from)
                              ? make_error_code(errc::mailbox_name_invalid)
                          : moves.empty() ? make_error_code(errc::no_such_mailbox)
                          : collides      ? make_error_code(errc::mailbox_exists)
                                          : none();
    if (!done(renamed, expected, "rename")) {
        return;
    }
    for (const auto& parent : parents(to)) {
        if (!boxes.contains(parent)) {
            learn_mailbox(owner, parent);
        }
    }
    if (from == "INBOX") {
        learn_mailbox(owner, to, boxes.at("INBOX").messages.size());
        rename_inbox(owner.model, to);
    } else {
        std::vector<std::pair<std::string, ModelMailbox>> taken;
        for (const auto& [name, target] : moves) {
            taken.emplace_back(target, std::move(boxes.at(name)));
            boxes.erase(name);
        }
        for (auto& [target, box] : taken) {
            boxes[target] = std::move(box);
        }
    }
    changed(owner);
}

void Simulation::rename_inbox(ModelAccount& model, const std::string& to) {
    auto& inbox = model.mailboxes.at("INBOX");
    auto& target = model.mailboxes.at(to);
    if (inbox.messages.empty()) {
        return;
    }
    target.highest_modseq = ++model.modseq;
    for (auto& message : inbox.messages) {
        message.uid = target.uid_next++;
        message.modseq = model.modseq;
        message.save_date = now_;
        target.messages.push_back(std::move(message));
    }
    inbox.messages.clear();
    inbox.highest_modseq = ++model.modseq;
}

void Simulation::subscribe(Owner& owner) {
    auto name = any_name();
    const bool wanted = one_in(2);
    const auto subscribed = owner.account->subscribe(name, wanted);
    name = name == "inbox" ? "INBOX" : name;
    if (done(subscribed, none(), "subscribe") &&
        owner.model.subscriptions.contains(name) != wanted) {
        if (wanted) {
            owner.model.subscriptions.insert(name);
        } else {
            owner.model.subscriptions.erase(name);
        }
        changed(owner);
    }
}

Session* Simulation::any_session(Owner& owner) {
    return owner.sessions.empty() ? nullptr : &owner.sessions[random_.below(owner.sessions.size())];
}

std::vector<std::uint32_t> Simulation::positions(const Session& session) {
    std::vector<std::uint32_t> some;
    const auto every = 1 + random_.below(3);
    for (std::uint32_t i = 0; i < session.size(); ++i) {
        if (one_in(every)) {
            some.push_back(i);
        }
    }
    return some;
}

void Simulation::open_session(Owner& owner) {
    if (owner.sessions.size() >= 3) {
        return;
    }
    const auto& box = any_mailbox(owner.model).second;
    auto view = owner.account->open(box.id, /*read_only=*/one_in(4), {});
    if (done_reading(view, "open")) {
        owner.sessions.emplace_back(std::move(*view), box);
    }
}

void Simulation::use_session(Owner& owner) {
    auto* const session = any_session(owner);
    if (session == nullptr) {
        return;
    }
    const auto* box = owner.model.find(session->view().mailbox());
    auto problem = one_in(2) ? session->sync(one_in(2), box) : std::string();
    if (problem.empty() && !faulty_) {
        problem = session->check(*owner.account, box, random_);
    }
    if (!problem.empty()) {
        broken(fmt::format("account {}: {}", owner.id.value(), problem));
    }
}

void Simulation::close_session(Owner& owner) {
    if (!owner.sessions.empty()) {
        owner.sessions.erase(owner.sessions.begin() +
                             static_cast<std::ptrdiff_t>(random_.below(owner.sessions.size())));
    }
    if (owner.sessions.empty()) {
        owner.account.reset();
    }
}

void Simulation::remove_account() {
    auto* const owner = any_owner();
    // Ids of accounts are never given again: who was removed is not asked for.
    if (owner == nullptr || owners_.size() < 2 || owner->removed_at != 0 ||
        hold(*owner) == nullptr) {
        return;
    }
    owner->sessions.clear();
    owner->account.reset();
    const auto lsn = store_->newest().value() + 1;
    const auto removed = store_->remove_account(owner->id);
    owner->removed_at = lsn;
    if (!done(removed, none(), "remove_account")) {
        // Whether it happened is known after the crash; nothing else may take that LSN before.
        volume_.die_after(0);
        return;
    }
    if (store_->durable().value() < lsn) {
        broken("remove_account returns before it is durable");
    }
    Owner fresh;
    fresh.id = AccountId(next_account_++);
    owners_.push_back(std::move(fresh));
}

void Simulation::operate_on_store() {
    switch (random_.below(10)) {
        case 0:
        case 1:
        case 2:
            store_->flush_journal();
            return;
        case 3:
        case 4:
            for (const auto& account : store_->unsettled()) {
                done(store_->settle(*account), none(), "settle");
            }
            return;
        case 5:
            done(store_->checkpoint(), none(), "checkpoint");
            return;
        case 6:
        case 7:
            done(store_->compact_step(), none(), "compact");
            return;
        case 8:
            now_ += static_cast<std::int64_t>(random_.below(100)) - 20;
            return;
        case 9:
            if (one_in(8)) {
                remove_account();
            }
            return;
    }
}

void Simulation::operate() {
    auto* const owner = any_owner();
    if (one_in(3) || owner == nullptr) {
        operate_on_store();
        return;
    }
    if (owner->removed_at != 0 || hold(*owner) == nullptr) {
        return;
    }
    using Operation = void (Simulation::*)(Owner&);
    static constexpr Operation kOperations[] = {
        &Simulation::append,       &Simulation::append,        &Simulation::append,
        &Simulation::append,       &Simulation::change_flags,  &Simulation::change_flags,
        &Simulation::expunge,      &Simulation::expunge,       &Simulation::remove_messages,
        &Simulation::transfer,     &Simulation::transfer,      &Simulation::open_session,
        &Simulation::open_session, &Simulation::use_session,   &Simulation::use_session,
        &Simulation::use_session,  &Simulation::close_session, &Simulation::create,
        &Simulation::remove,       &Simulation::rename,        &Simulation::subscribe,
    };
    if (one_in(12)) {
        deliver();
    } else {
        (this->*kOperations[random_.below(std::size(kOperations))])(*owner);
    }
}

}  // namespace quorate::mail::store
