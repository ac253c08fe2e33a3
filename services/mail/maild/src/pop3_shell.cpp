#include "pop3_shell.hpp"

#include "driver.hpp"

namespace quorate::mail {

using boost::asio::awaitable;
using pop3::BodyRead;
using pop3::MaildropOpened;

namespace {

struct Maildrop {
    store::MailboxId id;
    MaildropOpened opened;
};

Result<Maildrop> list_inbox(store::Account& account) {
    QUORATE_TRY(const auto inbox, account.mailbox("INBOX"));
    QUORATE_TRY(const auto view, account.open(inbox.id, /*read_only=*/true, [] {}));
    Maildrop drop;
    drop.id = inbox.id;
    drop.opened.uid_validity = inbox.uid_validity;
    drop.opened.messages.reserve(view->size());
    for (std::uint32_t i = 0; i < view->size(); ++i) {
        const auto& message = view->at(i);
        drop.opened.messages.push_back({message.uid, message.body, message.size});
    }
    return drop;
}

}  // namespace

Pop3Shell::~Pop3Shell() {
    if (locked_) {
        session_.server.maildrops.erase(session_.account);
    }
}

awaitable<std::optional<Pop3Shell::Input>> Pop3Shell::answer(Action action) {
    std::optional<Input> input;
    if (std::holds_alternative<pop3::OpenMaildrop>(action)) {
        auto opened = co_await open();
        input = Input(std::move(opened));
    } else if (auto* wanted = std::get_if<pop3::ReadBody>(&action)) {
        auto bytes = co_await read(*wanted);
        input = Input(std::move(bytes));
    } else if (auto* unwanted = std::get_if<pop3::RemoveMessages>(&action)) {
        auto removed = co_await remove(std::move(*unwanted));
        input = Input(removed);
    }
    co_return input;
}

awaitable<MaildropOpened> Pop3Shell::open() {
    auto& server = session_.server;
    MaildropOpened answer;
    if (!server.maildrops.insert(session_.account).second) {
        answer.kind = MaildropOpened::Kind::kInUse;
        co_return answer;
    }
    locked_ = true;
    const auto record = server.directory.account(session_.account);
    const auto limits = record ? store::QuotaLimits{record->quota_bytes, record->quota_messages}
                               : store::QuotaLimits{};
    slot_ = server.desk.slot(store::AccountId(session_.account), limits);
    store::Lsn newest;
    auto drop = co_await server.desk.run(slot_, [&newest](store::Account& account) {
        auto listed = list_inbox(account);
        newest = account.last_lsn();
        return listed;
    });
    // What could still be lost is not shown.
    auto durable = co_await server.gate.wait(newest);
    if (!drop || !durable) {
        session_.log.error("maildrop_failed", "account", session_.entry.row().account, "why",
                           drop ? durable.error().to_string() : drop.error().to_string());
        server.maildrops.erase(session_.account);
        locked_ = false;
        answer.kind = MaildropOpened::Kind::kTemporary;
        co_return answer;
    }
    inbox_ = drop->id;
    co_return std::move(drop->opened);
}

awaitable<BodyRead> Pop3Shell::read(pop3::ReadBody question) {
    auto bytes = co_await session_.server.desk.run(
        slot_, [&](store::Account& account) -> Result<std::string> {
            if (question.body != body_id_) {
                QUORATE_TRY(const auto content, account.content(question.body));
                body_ = content.body;
                body_id_ = question.body;
            }
            return account.read_body(body_, question.offset, question.size);
        });
    BodyRead answer;
    if (bytes) {
        answer.ok = true;
        answer.bytes = std::move(*bytes);
    } else {
        session_.log.error("body_not_read", "account", session_.entry.row().account, "body",
                           question.body.value(), "why", bytes.error().to_string());
    }
    co_return answer;
}

awaitable<pop3::Removed> Pop3Shell::remove(pop3::RemoveMessages question) {
    auto& server = session_.server;
    auto removed =
        co_await server.desk.run(slot_, [&](store::Account& account) -> Result<store::Lsn> {
            QUORATE_CHECK(account.remove_messages(inbox_, question.uids));
            return account.last_lsn();
        });
    Status done;
    if (removed) {
        done = co_await server.gate.wait(*removed);
    } else {
        done = tl::unexpected<Error>(std::move(removed).error());
    }
    if (!done) {
        session_.log.error("messages_not_removed", "account", session_.entry.row().account, "why",
                           done.error().to_string());
    }
    co_return pop3::Removed{done.has_value()};
}

awaitable<void> run_pop3(SessionShell& session) {
    pop3::Session machine(session.machines().pop3, session.peer, io::mono_now());
    Pop3Shell shell(session);
    Driver<pop3::Session, Pop3Shell> driver(session, machine, shell);
    co_await driver.run();
}

}  // namespace quorate::mail
