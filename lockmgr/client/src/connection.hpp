#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/event.hpp"
#include "io/stream.hpp"
#include "lockmgr/client/lock_client.hpp"
#include "lockmgr/protocol/client_link.hpp"

namespace quorate::lockmgr {

// A lock as the connection knows it.
struct LockState {
    explicit LockState(boost::asio::io_context& io) : settled(io) { settled.set(); }

    wire::LockNumber number = 0;  // 0: it has ended, or never began
    wire::LockNumber parent = 0;
    bool held = false;
    LockStatus status = LockStatus::kInvalid;
    LockMode mode = LockMode::NL;
    bool demoted = false;
    LockId id;
    Token token;
    ValueBlock value{};
    bool value_valid = true;
    std::vector<CycleEntry> cycle;
    std::uint64_t owner = 0;
    std::function<void(const BlockingRequest&)> on_blocking;
    io::Event settled;  // no operation that nobody waits for is under way
};

// The socket, its reader, and who waits for which answer. Owned by the client, its locks, and the
// reader's coroutine. Thread rule: io thread.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    // One request under way. Lives in the table until it is answered, in place of who asked: he may
    // have gone.
    struct Operation {
        explicit Operation(boost::asio::io_context& io) : answered(io) {}

        std::shared_ptr<LockState> state;  // null: of no lock
        bool is_new = false;
        bool abandoned = false;
        io::Event answered;
        Status outcome;
        LockStatus status = LockStatus::kInvalid;
    };

    Connection(boost::asio::io_context& io, io::Stream stream, LockClient::Options options);

    boost::asio::awaitable<Status> greet(io::Deadline deadline);
    void start();
    void close();

    // Starts a request; wait() for it.
    Result<std::shared_ptr<Operation>> enqueue(std::shared_ptr<LockState> state,
                                               const wire::Enqueue& enqueue);
    template <class Request>
    Result<std::shared_ptr<Operation>> ask(std::shared_ptr<LockState> state,
                                           const Request& request) {
        QUORATE_CHECK(may_ask());
        return track(link_.ask(request), std::move(state));
    }
    boost::asio::awaitable<Result<LockStatus>> wait(std::shared_ptr<Operation> operation);
    // The lock is given up, and its sublocks; nobody waits for the answer.
    void release(LockState& state);

    boost::asio::io_context& io() { return io_; }
    const wire::Welcome& welcome() const { return welcome_; }
    std::uint64_t new_owner() { return ++last_owner_; }

private:
    Status may_ask() const;
    std::shared_ptr<Operation> track(wire::RequestNumber request, std::shared_ptr<LockState> state);
    void abandon(Operation& operation);
    boost::asio::awaitable<void> read();
    boost::asio::awaitable<void> write_rest();
    void flush_soon();
    void flush();
    Status take(std::string_view bytes);
    void hear(const wire::Completion& completion);
    void hear(const wire::Blocking& blocking);
    void hear(const wire::Refused& refused);
    void hear(const wire::Waiting&) {}
    void hear(const wire::Welcome&) {}
    void hear(const wire::Suspended& suspended);
    void hear(const wire::Resumed&);
    void hear(const wire::Revoked&);
    void settle(Operation& operation, const wire::Completion& completion);
    void end(LockState& state);
    void end_below(wire::LockNumber top);
    void tell(LockClientEvent event);
    void lose(Error why);

    boost::asio::io_context& io_;
    io::Stream stream_;
    LockClient::Options options_;
    ClientLink link_;
    wire::Welcome welcome_;
    std::unordered_map<wire::RequestNumber, std::shared_ptr<Operation>> operations_;
    std::vector<std::shared_ptr<LockState>> locks_;  // by number
    std::array<char, 32 * 1024> buffer_;
    std::uint64_t last_owner_ = 0;
    bool flushing_ = false;
    bool writing_ = false;
    std::optional<Error> lost_;
};

}  // namespace quorate::lockmgr
