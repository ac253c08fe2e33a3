#include "model.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "mail/message/summary.hpp"

namespace quorate::mail::store {
namespace {

std::set<std::string> keywords_of(const View& view, FlagBits flags) {
    std::set<std::string> names;
    const auto& known = view.keywords();
    for (std::size_t i = 0; i < known.size(); ++i) {
        if ((flags >> (kFirstKeyword + i) & 1) != 0) {
            names.insert(to_lower(known[i]));
        }
    }
    return names;
}

template <class Value>
void expect(std::string& problem, const std::string& where, const char* what, const Value& got,
            const Value& wanted) {
    if (problem.empty() && !(got == wanted)) {
        problem = fmt::format("{}: {} is {}, should be {}", where, what, got, wanted);
    }
}

std::string compare_messages(Account& account, const std::string& name, const ModelMailbox& model) {
    auto view = account.open(model.id, /*read_only=*/true, {});
    if (!view) {
        return name + ": " + view.error().to_string();
    }
    if ((*view)->size() != model.messages.size()) {
        return fmt::format("{}: shows {} messages, should be {}", name, (*view)->size(),
                           model.messages.size());
    }
    std::vector<BodyId> bodies;
    for (std::uint32_t i = 0; i < model.messages.size(); ++i) {
        auto problem = difference(account, **view, i, model.messages[i]);
        if (!problem.empty()) {
            return name + ": " + problem;
        }
        bodies.push_back((*view)->at(i).body);
    }
    std::string problem;
    const auto scanned = account.for_each(
        bodies, Account::Field::kEnvelope, [&](std::size_t i, std::string_view envelope) {
            const auto wanted = message::summarize(*model.messages[i].text).envelope;
            expect<std::string_view>(problem, name, "envelope", envelope, wanted);
            return problem.empty();
        });
    return scanned ? problem : name + ": " + scanned.error().to_string();
}

std::string compare_mailbox(Account& account, const MailboxInfo& info, const ModelMailbox& model,
                            bool subscribed) {
    std::string problem;
    const auto& name = info.name;
    expect(problem, name, "id", info.id.value(), model.id.value());
    expect(problem, name, "uidvalidity", info.uid_validity, model.uid_validity);
    expect(problem, name, "uidnext", info.uid_next, model.uid_next);
    expect(problem, name, "highest modseq", info.highest_modseq, model.highest_modseq);
    expect(problem, name, "object id", info.object_id.to_hex(), model.object_id.to_hex());
    expect(problem, name, "special use", static_cast<int>(info.special_use),
           static_cast<int>(model.special_use));
    expect(problem, name, "subscribed", info.subscribed, subscribed);
    expect(problem, name, "size", info.size, model.size());
    expect(problem, name, "messages", std::size_t{info.messages}, model.messages.size());
    const auto unseen = static_cast<std::uint32_t>(std::count_if(
        model.messages.begin(), model.messages.end(),
        [](const ModelMessage& message) { return (message.system_flags & kSeen) == 0; }));
    expect(problem, name, "unseen", info.unseen, unseen);
    return problem.empty() ? compare_messages(account, name, model) : problem;
}

}  // namespace

const ModelMessage* ModelMailbox::find(Uid uid) const {
    const auto at = std::find_if(messages.begin(), messages.end(),
                                 [uid](const ModelMessage& message) { return message.uid == uid; });
    return at == messages.end() ? nullptr : &*at;
}

std::uint64_t ModelMailbox::size() const {
    std::uint64_t sum = 0;
    for (const auto& message : messages) {
        sum += message.text->size();
    }
    return sum;
}

std::uint64_t ModelAccount::messages() const {
    std::uint64_t sum = 0;
    for (const auto& [name, box] : mailboxes) {
        sum += box.messages.size();
    }
    return sum;
}

std::uint64_t ModelAccount::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [name, box] : mailboxes) {
        sum += box.size();
    }
    return sum;
}

ModelMailbox* ModelAccount::find(MailboxId id) {
    for (auto& [name, box] : mailboxes) {
        if (box.id == id) {
            return &box;
        }
    }
    return nullptr;
}

Result<ModelMessage> read_message(Account& account, const View& view, std::uint32_t position) {
    const auto& shown = view.at(position);
    QUORATE_TRY(const auto content, account.content(shown.body));
    QUORATE_TRY(auto text, account.read_body(content.body, 0, content.body.size));
    ModelMessage message;
    message.uid = shown.uid;
    message.system_flags = shown.flags & kSystemFlags;
    message.keywords = keywords_of(view, shown.flags);
    message.modseq = shown.modseq;
    message.internal_date = shown.internal_date;
    message.save_date = shown.save_date;
    message.text = std::make_shared<const std::string>(std::move(text));
    message.email_id = content.email_id;
    return message;
}

std::string difference(Account& account, const View& view, std::uint32_t position,
                       const ModelMessage& model) {
    const auto got = read_message(account, view, position);
    const auto where = fmt::format("uid {}", model.uid);
    if (!got) {
        return where + ": " + got.error().to_string();
    }
    std::string problem;
    expect(problem, where, "uid", got->uid, model.uid);
    expect(problem, where, "flags", got->system_flags, model.system_flags);
    expect(problem, where, "number of keywords", got->keywords.size(), model.keywords.size());
    expect(problem, where, "keywords are equal", got->keywords == model.keywords, true);
    expect(problem, where, "modseq", got->modseq, model.modseq);
    expect(problem, where, "internal date", got->internal_date.seconds,
           model.internal_date.seconds);
    expect(problem, where, "zone", got->internal_date.zone_minutes,
           model.internal_date.zone_minutes);
    expect(problem, where, "save date", got->save_date, model.save_date);
    expect(problem, where, "size", std::size_t{view.at(position).size}, model.text->size());
    expect(problem, where, "text", printable(*got->text, 60), printable(*model.text, 60));
    expect(problem, where, "text is equal", *got->text == *model.text, true);
    if (model.email_id != Id128()) {
        expect(problem, where, "email id", got->email_id.to_hex(), model.email_id.to_hex());
    }
    return problem;
}

std::string difference(Account& account, const ModelAccount& model) {
    const auto all = account.mailboxes();
    if (!all) {
        return all.error().to_string();
    }
    std::string names;
    for (const auto& info : *all) {
        const auto wanted = model.mailboxes.find(info.name);
        if (wanted == model.mailboxes.end()) {
            return info.name + ": should not exist";
        }
        auto problem =
            compare_mailbox(account, info, wanted->second, model.subscriptions.contains(info.name));
        if (!problem.empty()) {
            return problem;
        }
    }
    if (all->size() != model.mailboxes.size()) {
        return fmt::format("{} mailboxes, should be {}", all->size(), model.mailboxes.size());
    }
    const auto subscriptions = account.subscriptions();
    if (!subscriptions || std::set<std::string>(subscriptions->begin(), subscriptions->end()) !=
                              model.subscriptions) {
        return "subscriptions differ";
    }
    std::string problem;
    expect(problem, "quota", "messages", account.quota_use().messages, model.messages());
    expect(problem, "quota", "bytes", account.quota_use().bytes, model.bytes());
    return problem;
}

}  // namespace quorate::mail::store
