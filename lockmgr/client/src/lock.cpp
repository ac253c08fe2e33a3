#include "lockmgr/client/lock.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "connection.hpp"
#include "io/errc.hpp"

namespace quorate::lockmgr {
namespace {

using boost::asio::awaitable;

std::uint32_t flags_of(const LockOptions& options, const LockState& state) {
    return options.flags | (options.no_queue ? flag::NOQUEUE : 0U) |
           (options.read_value ? flag::VALBLK : 0U) | (state.on_blocking ? flag::BLOCKING : 0U);
}

// Rounded up: less than a millisecond is not for ever.
std::uint32_t deadline_of(const LockOptions& options) {
    const auto count = std::clamp<std::int64_t>(options.deadline.count(), 0, UINT32_MAX);
    return static_cast<std::uint32_t>(count);
}

tl::unexpected<Error> not_held() { return fail(io::Errc::kClosed, "the lock is not held"); }

}  // namespace

Lock::Lock(std::shared_ptr<Connection> connection, std::shared_ptr<LockState> state)
    : connection_(std::move(connection)), state_(std::move(state)) {}
Lock::Lock(Lock&&) noexcept = default;

Lock& Lock::operator=(Lock&& other) noexcept {
    if (this != &other) {
        release();
        connection_ = std::move(other.connection_);
        state_ = std::move(other.state_);
    }
    return *this;
}

Lock::~Lock() { release(); }

void Lock::release() {
    if (state_) {
        connection_->release(*state_);
    }
}

// ---- what is known of it

LockStatus Lock::status() const { return state_ ? state_->status : LockStatus::kInvalid; }
bool Lock::held() const { return state_ && state_->held; }
LockMode Lock::mode() const { return state_ ? state_->mode : LockMode::NL; }
bool Lock::demoted() const { return state_ && state_->demoted; }
Token Lock::token() const { return state_ ? state_->token : Token(); }
LockId Lock::id() const { return state_ ? state_->id : LockId(); }

const std::vector<CycleEntry>& Lock::cycle() const {
    QUORATE_ASSERT(state_);
    return state_->cycle;
}
const ValueBlock& Lock::value() const {
    QUORATE_ASSERT(state_);
    return state_->value;
}
bool Lock::value_valid() const { return state_ && state_->value_valid; }

ValueBlock Lock::filled(std::string_view bytes) {
    ValueBlock block{};
    QUORATE_ASSERT(bytes.size() <= block.size());
    std::ranges::copy(bytes, block.begin());
    return block;
}

// ---- operations

awaitable<Result<Lock>> Lock::take(std::shared_ptr<Connection> connection, std::string domain,
                                   std::uint32_t parent, std::string name, LockMode mode,
                                   LockOptions options) {
    const auto state = std::make_shared<LockState>(connection->io());
    state->owner = options.owner;
    state->on_blocking = std::move(options.on_blocking);
    wire::Enqueue enqueue;
    enqueue.mode = mode;
    enqueue.flags = flags_of(options, *state);
    enqueue.parent = parent;
    enqueue.xid = options.owner;
    enqueue.deadline_ms = deadline_of(options);
    enqueue.domain = domain;
    enqueue.name = name;
    if (name.size() > kMaxName || domain.size() > kMaxDomain) {
        co_return Lock(std::move(connection), state);  // invalid, as the lock manager would say
    }
    auto operation = connection->enqueue(state, enqueue);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    if (!status) {
        co_return tl::unexpected<Error>(std::move(status).error());
    }
    co_return Lock(std::move(connection), state);
}

awaitable<Result<LockStatus>> Lock::convert(LockMode mode, LockOptions options) {
    const auto connection = connection_;
    const auto state = state_;
    if (!held()) {
        co_return not_held();
    }
    auto settled = co_await state->settled.wait();
    if (!settled) {
        co_return tl::unexpected<Error>(std::move(settled).error());
    }
    if (options.on_blocking) {
        state->on_blocking = std::move(options.on_blocking);
    }
    wire::Convert convert;
    convert.lock = state->number;
    convert.mode = mode;
    convert.flags = flags_of(options, *state);
    if (value_effect(state->mode, mode) == ValueEffect::kWrite) {
        convert.flags &= ~flag::VALBLK;  // there is nothing to write: that is downgrade()
    }
    convert.deadline_ms = deadline_of(options);
    auto operation = connection->ask(state, convert);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    co_return status;
}

awaitable<Result<LockStatus>> Lock::convert(LockMode mode) { return convert(mode, LockOptions()); }

awaitable<Result<LockStatus>> Lock::try_convert(LockMode mode) {
    LockOptions options;
    options.no_queue = true;
    return convert(mode, std::move(options));
}

awaitable<Result<LockStatus>> Lock::downgrade(LockMode mode, ValueBlock value) {
    const auto connection = connection_;
    const auto state = state_;
    if (!held()) {
        co_return not_held();
    }
    auto settled = co_await state->settled.wait();
    if (!settled) {
        co_return tl::unexpected<Error>(std::move(settled).error());
    }
    wire::Convert convert;
    convert.lock = state->number;
    convert.mode = mode;
    convert.flags = flag::VALBLK | (state->on_blocking ? flag::BLOCKING : 0U);
    convert.value = value;
    const bool writes = value_effect(state->mode, mode) == ValueEffect::kWrite;
    auto operation = connection->ask(state, convert);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    if (writes && status && *status == LockStatus::kGranted) {
        state->value = value;
        state->value_valid = true;
    }
    co_return status;
}

namespace {

awaitable<Result<LockStatus>> dequeue(std::shared_ptr<Connection> connection,
                                      std::shared_ptr<LockState> state,
                                      std::optional<ValueBlock> value) {
    if (!state || !state->held) {
        co_return not_held();
    }
    auto settled = co_await state->settled.wait();
    if (!settled) {
        co_return tl::unexpected<Error>(std::move(settled).error());
    }
    wire::Dequeue dequeue;
    dequeue.lock = state->number;
    dequeue.flags = value ? flag::VALBLK : 0U;
    dequeue.value = value.value_or(ValueBlock{});
    auto operation = connection->ask(state, dequeue);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    co_return status;
}

}  // namespace

awaitable<Result<LockStatus>> Lock::unlock() { return dequeue(connection_, state_, std::nullopt); }

awaitable<Result<LockStatus>> Lock::unlock(ValueBlock value) {
    return dequeue(connection_, state_, value);
}

awaitable<Result<Lock>> Lock::sublock(std::string name, LockMode mode, LockOptions options) {
    QUORATE_ASSERT(state_);
    if (options.owner == 0) {
        options.owner = state_->owner;
    }
    return take(connection_, std::string(), state_->number, std::move(name), mode,
                std::move(options));
}

awaitable<Result<Lock>> Lock::sublock(std::string name, LockMode mode) {
    return sublock(std::move(name), mode, LockOptions());
}

}  // namespace quorate::lockmgr
