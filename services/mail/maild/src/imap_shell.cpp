#include "imap_shell.hpp"

#include <atomic>
#include <chrono>

#include <boost/asio/post.hpp>

#include "driver.hpp"

namespace quorate::mail {

using boost::asio::awaitable;
using imap::Executed;

struct ImapShell::WakeUp {
    std::atomic<bool> posted{false};
    // ---- io thread
    SessionShell* session = nullptr;  // null when it is over
    bool changed = false;

    void arrive() {
        posted.store(false);
        changed = true;
        if (session != nullptr) {
            session->stream.interrupt();
        }
    }
};

ImapShell::ImapShell(SessionShell& session)
    : session_(session), body_(session.server), wake_up_(std::make_shared<WakeUp>()) {
    wake_up_->session = &session;
}

ImapShell::~ImapShell() { wake_up_->session = nullptr; }

std::optional<ImapShell::Input> ImapShell::wake() {
    if (!std::exchange(wake_up_->changed, false)) {
        return std::nullopt;
    }
    return Input(imap::Changed{});
}

bool ImapShell::slow(const Action& action) {
    const auto* execute = std::get_if<imap::Execute>(&action);
    if (execute == nullptr) {
        return false;
    }
    const auto& what = execute->command->what;
    return std::holds_alternative<imap::Search>(what) ||
           std::holds_alternative<imap::Fetch>(what) ||
           std::holds_alternative<imap::Append>(what) || std::holds_alternative<imap::Copy>(what);
}

awaitable<std::optional<ImapShell::Input>> ImapShell::answer(Action action) {
    std::optional<Input> input;
    if (auto* data = std::get_if<BodyData>(&action)) {
        if (body_.add(std::move(data->bytes))) {
            co_await body_.spill();
        }
    } else if (std::holds_alternative<BodyDiscard>(action)) {
        co_await body_.clear();
    } else if (auto* asked = std::get_if<imap::Execute>(&action)) {
        auto executed = co_await execute(std::move(asked->command));
        input = Input(std::move(executed));
    }
    co_return input;
}

void ImapShell::make_executor() {
    const auto on_change = [wake_up = wake_up_, &io = session_.server.io] {
        // One wake-up on its way is enough.
        if (!wake_up->posted.exchange(true)) {
            boost::asio::post(io, [wake_up] { wake_up->arrive(); });
        }
    };
    executor_ = std::make_unique<imap::Executor>(session_.settings->executor, on_change);
}

std::shared_ptr<AccountSlot> ImapShell::slot() {
    if (slot_) {
        return slot_;
    }
    const auto record = session_.server.directory.account(session_.account);
    const auto limits = record ? store::QuotaLimits{record->quota_bytes, record->quota_messages}
                               : store::QuotaLimits{};
    return session_.server.desk.slot(store::AccountId(session_.account), limits);
}

imap::RunContext ImapShell::context(store::Account& account) {
    return {account, io::wall_now(), &body_};
}

awaitable<Executed> ImapShell::execute(std::unique_ptr<imap::Command> command) {
    const auto started = io::mono_now();
    slot_ = slot();
    if (!executor_) {
        make_executor();
    }
    auto piece = co_await session_.server.desk.run(
        slot_, [&](store::Account& account) -> Result<imap::Piece> {
            return executor_->begin(context(account), *command);
        });
    auto executed = co_await send_pieces(std::move(piece), *command);
    if (std::holds_alternative<imap::Append>(command->what)) {
        co_await body_.clear();
    }
    selected_ = executed.selected;
    if (selected_ == Executed::Selected::kNone) {
        slot_.reset();
    }
    const std::chrono::duration<double> took = io::mono_now() - started;
    session_.server.metrics.command_seconds.observe(took.count());
    co_return executed;
}

awaitable<Executed> ImapShell::send_pieces(Result<imap::Piece> piece,
                                           const imap::Command& command) {
    for (;;) {
        if (!piece) {
            co_return refuse(command, piece.error());
        }
        auto durable = co_await session_.server.gate.wait(piece->wait_for);
        if (!durable) {
            co_return refuse(command, durable.error());
        }
        session_.queue(std::move(piece->bytes));
        if (piece->done) {
            co_return std::move(piece->executed);
        }
        const bool sent = co_await session_.flush();
        if (!sent) {
            // Nobody is there for the rest; the session ends.
            co_return Executed{selected_, false, ""};
        }
        piece = co_await session_.server.desk.run(
            slot_, [&](store::Account& account) -> Result<imap::Piece> {
                return executor_->next(context(account));
            });
    }
}

// The account could not be opened, or what was done is not safe: the executor has not answered.
Executed ImapShell::refuse(const imap::Command& command, const Error& error) {
    session_.log.error("command_failed", "account", session_.entry.row().account, "command",
                       command.name, "why", error.to_string());
    if (!command.tag.empty()) {
        session_.queue(command.tag + " NO [UNAVAILABLE] The mail store cannot do this now\r\n");
    }
    Executed executed{selected_, false, ""};
    if (error.code == store::errc::journal_failed || error.code == store::errc::no_such_account) {
        executed.bye = "The mail store is not available";
    }
    return executed;
}

awaitable<void> ImapShell::finish() {
    wake_up_->session = nullptr;
    co_await body_.clear();
    if (executor_) {
        const auto holder = slot();
        co_await session_.server.desk.finish(holder, [this]() -> Status {
            executor_->close();
            executor_.reset();
            return {};
        });
        slot_.reset();
    }
}

awaitable<void> run_imap(SessionShell& session) {
    imap::Session machine(session.machines().imap, session.peer, io::mono_now());
    ImapShell shell(session);
    Driver<imap::Session, ImapShell> driver(session, machine, shell);
    // The executor must be let go of on its strand, whatever happens.
    std::string failure;
    try {
        co_await driver.run();
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty()) {
        session.log.error("session_failed", "why", failure);
    }
    co_await shell.finish();
}

}  // namespace quorate::mail
