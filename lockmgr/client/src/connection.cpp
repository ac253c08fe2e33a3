#include "connection.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "io/errc.hpp"
#include "io/task.hpp"

namespace quorate::lockmgr {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kWriteTime{30'000};

}  // namespace

Connection::Connection(boost::asio::io_context& io, io::Stream stream, LockClient::Options options)
    : io_(io), stream_(std::move(stream)), options_(std::move(options)) {}

// ---- the beginning

awaitable<Status> Connection::greet(io::Deadline deadline) {
    link_.hello(options_.priority);
    const auto words = std::exchange(link_.out(), {});
    auto written = co_await stream_.write(words, deadline);
    if (!written) {
        co_return written;
    }
    for (;;) {
        auto got = co_await stream_.read_some(buffer_, deadline);
        if (!got || *got == 0) {
            co_return got ? fail(io::Errc::kClosed, "the lock manager ended the connection")
                          : Status(tl::unexpected<Error>(std::move(got).error()));
        }
        link_.receive({buffer_.data(), *got});
        auto answer = link_.next();
        if (!answer) {
            co_return tl::unexpected<Error>(std::move(answer).error());
        }
        if (!*answer) {
            continue;
        }
        if (auto* welcome = std::get_if<wire::Welcome>(&**answer)) {
            welcome_ = std::move(*welcome);
            co_return Status();
        }
        const auto* refused = std::get_if<wire::Refused>(&**answer);
        co_return fail(io::Errc::kClosed, refused == nullptr ? "no welcome" : refused->text);
    }
}

void Connection::start() { io::spawn(io_, read()); }

void Connection::close() {
    lose({io::Errc::kClosed, "the client was closed"});
    options_.on_event = nullptr;
}

// ---- asking

Status Connection::may_ask() const {
    if (lost_) {
        return tl::unexpected<Error>(*lost_);
    }
    if (operations_.size() >= welcome_.requests_max) {
        return fail(io::Errc::kQueueFull, "too many requests wait for their answer");
    }
    return {};
}

Result<std::shared_ptr<Connection::Operation>> Connection::enqueue(std::shared_ptr<LockState> state,
                                                                   const wire::Enqueue& enqueue) {
    QUORATE_CHECK(may_ask());
    const auto begun = link_.enqueue(enqueue);
    state->number = begun.lock;
    state->parent = enqueue.parent;
    if (begun.lock >= locks_.size()) {
        locks_.resize(begun.lock + 1);
    }
    locks_[begun.lock] = state;
    auto operation = track(begun.request, std::move(state));
    operation->is_new = true;
    return operation;
}

std::shared_ptr<Connection::Operation> Connection::track(wire::RequestNumber request,
                                                         std::shared_ptr<LockState> state) {
    auto operation = std::make_shared<Operation>(io_);
    operation->state = std::move(state);
    operations_.emplace(request, operation);
    flush_soon();
    return operation;
}

awaitable<Result<LockStatus>> Connection::wait(std::shared_ptr<Operation> operation) {
    struct Guard {
        ~Guard() {
            if (!operation.answered.is_set()) {
                connection.abandon(operation);
            }
        }
        Connection& connection;
        Operation& operation;
    };
    const auto self = shared_from_this();
    Guard guard{*this, *operation};
    auto answered = co_await operation->answered.wait();
    if (!answered) {
        co_return tl::unexpected<Error>(std::move(answered).error());
    }
    if (!operation->outcome) {
        co_return tl::unexpected<Error>(operation->outcome.error());
    }
    co_return operation->status;
}

// Who asked has gone before the answer came: it is cancelled if there is still time.
void Connection::abandon(Operation& operation) {
    operation.abandoned = true;
    if (operation.state && operation.state->number != 0 && !lost_) {
        operation.state->settled.reset();
        link_.ask(wire::Cancel{0, operation.state->number});
        flush_soon();
    }
}

void Connection::release(LockState& state) {
    if (state.number == 0) {
        return;
    }
    const auto number = state.number;
    end_below(number);
    link_.ask(wire::DequeueAll{0, number});
    link_.ask(wire::Dequeue{0, number, flag::FORCEUNLOCK, {}});
    end(state);
    flush_soon();
}

// ---- the socket

// What is asked for until the coroutines that are ready have run goes in one write.
void Connection::flush_soon() {
    // Stopped: coroutines are being destroyed, and with them their locks; the socket's end says it.
    if (!lost_ && !io_.stopped() && !std::exchange(flushing_, true)) {
        boost::asio::post(io_, [self = shared_from_this()] {
            self->flushing_ = false;
            self->flush();
        });
    }
}

void Connection::flush() {
    auto& out = link_.out();
    if (lost_ || writing_ || out.empty()) {
        return;
    }
    const auto written = stream_.write_now(out);
    if (!written) {
        lose(written.error());
        return;
    }
    out.erase(0, *written);
    if (!out.empty()) {
        writing_ = true;
        io::spawn(io_, write_rest());
    }
}

awaitable<void> Connection::write_rest() {
    const auto self = shared_from_this();
    while (!link_.out().empty() && !lost_) {
        const auto chunk = std::exchange(link_.out(), {});
        auto written = co_await stream_.write(chunk, io::after(kWriteTime));
        if (!written) {
            lose(std::move(written).error());
        }
    }
    writing_ = false;
}

awaitable<void> Connection::read() {
    const auto self = shared_from_this();
    auto taken = take({});
    while (taken && !lost_) {
        auto ready = co_await stream_.wait_readable();
        if (!ready) {
            taken = ready;
            break;
        }
        auto got = co_await stream_.read_some(buffer_);
        if (!got || *got == 0) {
            taken = got ? fail(io::Errc::kClosed, "the lock manager ended the connection")
                        : Status(tl::unexpected<Error>(std::move(got).error()));
            break;
        }
        taken = take({buffer_.data(), *got});
    }
    if (!taken) {
        lose(std::move(taken).error());
    }
}

Status Connection::take(std::string_view bytes) {
    link_.receive(bytes);
    for (;;) {
        QUORATE_TRY(const auto answer, link_.next());
        if (!answer || lost_) {
            return {};
        }
        std::visit([this](const auto& one) { hear(one); }, *answer);
    }
}

// Nothing is held any more; whoever waits hears it.
void Connection::lose(Error why) {
    if (lost_) {
        return;
    }
    if (why.code != io::Errc::kClosed) {
        why = {io::Errc::kClosed, why.to_string()};
    }
    lost_ = why;
    stream_.close();
    for (const auto& state : std::exchange(locks_, {})) {
        if (state) {
            end(*state);
        }
    }
    for (const auto& [request, operation] : std::exchange(operations_, {})) {
        operation->outcome = tl::unexpected<Error>(why);
        operation->answered.set();
    }
    tell({LockClientEvent::Kind::kClosed, std::nullopt});
}

void Connection::tell(LockClientEvent event) {
    if (options_.on_event) {
        options_.on_event(event);
    }
}

// ---- answers

void Connection::hear(const wire::Completion& completion) {
    const auto found = operations_.find(completion.request);
    if (found == operations_.end()) {
        return;  // of a release or a cancel
    }
    const auto operation = std::move(found->second);
    operations_.erase(found);
    operation->status = completion.outcome.status;
    if (operation->state) {
        settle(*operation, completion);
    }
    operation->answered.set();
}

void Connection::settle(Operation& operation, const wire::Completion& completion) {
    auto& state = *operation.state;
    const auto& outcome = completion.outcome;
    state.settled.set();
    if (state.number == 0) {
        return;  // released meanwhile
    }
    state.status = outcome.status;
    state.cycle = outcome.cycle;
    if (outcome.status == LockStatus::kGranted) {
        state.held = true;
        state.mode = outcome.mode;
        state.id = outcome.lock;
        state.token = outcome.token;
        if (outcome.has_value) {
            state.value = outcome.value;
            state.value_valid = outcome.value_valid;
        }
    } else if (outcome.demoted) {
        state.mode = outcome.mode;
    }
    state.demoted = outcome.demoted;
    if (outcome.status == LockStatus::kUnlocked ||
        (operation.is_new && outcome.status != LockStatus::kGranted)) {
        end(state);
    } else if (operation.is_new && operation.abandoned) {
        release(state);
    }
}

void Connection::end(LockState& state) {
    if (state.number < locks_.size() && locks_[state.number].get() == &state) {
        locks_[state.number].reset();
    }
    state.number = 0;
    state.held = false;
    state.settled.set();
    state.on_blocking = nullptr;
}

void Connection::end_below(wire::LockNumber top) {
    std::vector<std::shared_ptr<LockState>> below;
    for (const auto& state : locks_) {
        if (state && state->parent == top) {
            below.push_back(state);
        }
    }
    for (const auto& state : below) {
        end_below(state->number);
        end(*state);
    }
}

void Connection::hear(const wire::Blocking& blocking) {
    const auto state = blocking.lock < locks_.size() ? locks_[blocking.lock] : nullptr;
    if (state && state->on_blocking) {
        const auto handler = state->on_blocking;  // it may release the lock
        handler({blocking.mode, blocking.node, blocking.pid});
    }
}

void Connection::hear(const wire::Refused& refused) {
    lose({io::Errc::kClosed, "the lock manager refused: " + refused.text});
}

void Connection::hear(const wire::Suspended& suspended) {
    LockClientEvent event{LockClientEvent::Kind::kSuspended, std::nullopt};
    if (suspended.remaining_ms) {
        event.remaining = milliseconds(*suspended.remaining_ms);
    }
    tell(event);
}

void Connection::hear(const wire::Resumed&) {
    tell({LockClientEvent::Kind::kResumed, std::nullopt});
}

void Connection::hear(const wire::Revoked&) {
    for (const auto& state : std::exchange(locks_, {})) {
        if (state) {
            state->status = LockStatus::kRevoked;
            end(*state);
        }
    }
    tell({LockClientEvent::Kind::kRevoked, std::nullopt});
}

}  // namespace quorate::lockmgr
