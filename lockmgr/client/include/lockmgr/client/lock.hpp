#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "lockmgr/types.hpp"

namespace quorate::lockmgr {

class Connection;
struct LockState;

// What fits a value block, field by field.
template <class T>
concept InValueBlock = requires(const T& value, ByteWriter& out, ByteReader& in) {
    value.encode(out);
    { T::decode(in) } -> std::same_as<T>;
};

// Who waits for `mode`, which the lock as held forbids.
struct BlockingRequest {
    LockMode mode = LockMode::NL;
    NodeId node;
    std::uint32_t pid = 0;
};

struct LockOptions {
    bool no_queue = false;    // grant now or not at all: kNotQueued
    bool read_value = false;  // where the modes say so, lockmgr/mode.hpp
    std::uint32_t flags = 0;  // more of lockmgr::flag
    // Who waits, for the search for deadlocks: a task that holds some locks and asks for others has
    // one of its own (LockClient::new_owner()). 0: the program as a whole.
    std::uint64_t owner = 0;
    std::chrono::milliseconds deadline{0};  // 0: none; then kTimedOut
    // Called on the io thread whenever somebody waits; returns at once. A hint: release, convert,
    // or go on.
    std::function<void(const BlockingRequest&)> on_blocking;
};

// A lock of this program, held until it is unlocked, goes out of scope (then without waiting for
// the answer), or is revoked. What an operation came to is status(): a lock that was not granted is
// no error. Errors of all operations: io::Errc::kClosed, the lock manager is gone and with it every
// lock; kCancelled, see below; kQueueFull, too many requests wait already.
//
// Cancelling a coroutine that waits ends the wait at once, once: a new lock that is granted
// nevertheless is released; a conversion may or may not have been done (mode() says so after the
// next operation, which waits for that). One operation of a lock at a time. Thread rule: io thread.
class Lock {
public:
    Lock() = default;
    Lock(Lock&&) noexcept;
    Lock& operator=(Lock&&) noexcept;
    ~Lock();

    // How the last operation ended.
    LockStatus status() const;
    // False when it was never granted, was unlocked, revoked, or fell with its parent.
    bool held() const;
    explicit operator bool() const { return held(); }
    LockMode mode() const;
    // By the last conversion, which had CONVDEADLK: what the lock protected was open to others. One
    // that was not granted either has left it in NL.
    bool demoted() const;
    // Strictly increasing per resource: for stores that refuse late writers.
    Token token() const;
    // As others see it: clusterctl lock show.
    LockId id() const;
    // Of a deadlock, when it was this lock that gave way.
    const std::vector<CycleEntry>& cycle() const;

    // The value block as of the last grant that read it. Invalid: the last writer died, the content
    // is the last one known.
    const ValueBlock& value() const;
    bool value_valid() const;
    // Nothing when it was never written as a T.
    template <InValueBlock T>
    std::optional<T> value_as() const {
        ByteReader in({value().data(), value().size()});
        auto decoded = T::decode(in);
        return in.failed() ? std::nullopt : std::optional<T>(std::move(decoded));
    }

    boost::asio::awaitable<Result<LockStatus>> convert(LockMode mode, LockOptions options);
    boost::asio::awaitable<Result<LockStatus>> convert(LockMode mode);
    // kNotQueued when it cannot be done at once.
    boost::asio::awaitable<Result<LockStatus>> try_convert(LockMode mode);
    // From PW or EX: writes the block on the way.
    boost::asio::awaitable<Result<LockStatus>> downgrade(LockMode mode, ValueBlock value);
    template <InValueBlock T>
    boost::asio::awaitable<Result<LockStatus>> downgrade(LockMode mode, const T& value) {
        return downgrade(mode, block_of(value));
    }
    boost::asio::awaitable<Result<LockStatus>> unlock();
    boost::asio::awaitable<Result<LockStatus>> unlock(ValueBlock value);
    template <InValueBlock T>
    boost::asio::awaitable<Result<LockStatus>> unlock(const T& value) {
        return unlock(block_of(value));
    }
    // Without waiting for the answer; sublocks go with it.
    void release();

    // A lock below this one, of a resource that is named within this one's.
    boost::asio::awaitable<Result<Lock>> sublock(std::string name, LockMode mode,
                                                 LockOptions options);
    boost::asio::awaitable<Result<Lock>> sublock(std::string name, LockMode mode);

private:
    friend class LockDomain;
    Lock(std::shared_ptr<Connection> connection, std::shared_ptr<LockState> state);
    static boost::asio::awaitable<Result<Lock>> take(std::shared_ptr<Connection> connection,
                                                     std::string domain, std::uint32_t parent,
                                                     std::string name, LockMode mode,
                                                     LockOptions options);

    template <class T>
    static ValueBlock block_of(const T& value) {
        std::string bytes;
        ByteWriter out(bytes);
        value.encode(out);
        return filled(bytes);
    }
    // Longer ones are a mistake of the program.
    static ValueBlock filled(std::string_view bytes);

    // Owned by the connection's table too, which completes what is under way.
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<LockState> state_;
};

}  // namespace quorate::lockmgr
