#include "smtp_shell.hpp"

#include "driver.hpp"

namespace quorate::mail {

using boost::asio::awaitable;

awaitable<std::optional<SmtpShell::Input>> SmtpShell::answer(Action action) {
    std::optional<Input> input;
    if (auto* data = std::get_if<BodyData>(&action)) {
        if (body_.add(std::move(data->bytes))) {
            co_await body_.spill();
        }
    } else if (std::holds_alternative<BodyDiscard>(action)) {
        co_await body_.clear();
    } else if (auto* resolve = std::get_if<smtp::Resolve>(&action)) {
        auto resolved = co_await delivery_.resolve(std::move(*resolve));
        input = Input(resolved);
    } else if (auto* deliver = std::get_if<smtp::Deliver>(&action)) {
        auto delivered = co_await delivery_.deliver(std::move(*deliver), body_);
        input = Input(std::move(delivered));
    }
    co_return input;
}

awaitable<void> run_smtp(SessionShell& session) {
    smtp::Session machine(session.machines().smtp, {session.peer, session.name, io::wall_now(),
                                                    io::mono_now(), session.tls});
    SmtpShell shell(session);
    Driver<smtp::Session, SmtpShell> driver(session, machine, shell);
    co_await driver.run();
}

}  // namespace quorate::mail
