#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "io/errc.hpp"
#include "io/event.hpp"
#include "io/task.hpp"
#include "lockmgr/client/lock_client.hpp"
#include "server.hpp"

namespace quorate::lockmgr {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using Client = std::unique_ptr<LockClient>;

// Who owns an account, and how often it changed.
struct Account {
    std::uint32_t owner = 0;
    std::uint64_t changes = 0;

    void encode(ByteWriter& out) const {
        out.u32(owner);
        out.u64(changes);
    }
    static Account decode(ByteReader& in) {
        Account account;
        account.owner = in.u32();
        account.changes = in.u64();
        return account;
    }
};

class LockClientTest : public ::testing::Test {
protected:
    // The body as a coroutine, with the server beside it on one thread; then everything ends.
    void run(awaitable<void> body) {
        boost::asio::co_spawn(io_, std::move(body), [this](std::exception_ptr error) {
            if (error) {
                std::rethrow_exception(error);
            }
            done_ = true;
            server_.stop();
        });
        io_.run();
        EXPECT_TRUE(done_);
        EXPECT_EQ(server_.children(), 0u);
    }
    awaitable<Client> connect() {
        LockClient::Options options;
        options.socket = server_.path();
        options.on_event = [this](const LockClientEvent& event) { events_.push_back(event); };
        auto client =
            co_await LockClient::connect(io_, std::move(options), io::after(milliseconds(5000)));
        EXPECT_TRUE(client);
        co_return std::move(*client);
    }
    awaitable<Lock> take(LockDomain domain, std::string name, LockMode mode, LockOptions options) {
        auto lock = co_await domain.lock(std::move(name), mode, std::move(options));
        EXPECT_TRUE(lock) << lock.error().to_string();
        co_return lock ? std::move(*lock) : Lock();
    }
    awaitable<Lock> take(LockDomain domain, std::string name, LockMode mode) {
        return take(std::move(domain), std::move(name), mode, LockOptions());
    }
    awaitable<void> until_locks(std::size_t count) {
        for (int turn = 0; turn < 5000 && server_.locks() != count; ++turn) {
            co_await io::yield();
        }
        EXPECT_EQ(server_.locks(), count);
    }
    // A lock that is asked for by a coroutine of its own.
    struct Asking {
        bool ended = false;
        int completions = 0;
        std::optional<Error> error;
        Lock lock;
        boost::asio::cancellation_signal cancel;
    };
    awaitable<void> ask_for(LockDomain domain, std::string name, LockOptions options,
                            Asking& asking) {
        auto lock = co_await domain.lock(std::move(name), LockMode::EX, std::move(options));
        ++asking.completions;
        if (lock) {
            asking.lock = std::move(*lock);
        } else {
            asking.error = lock.error();
        }
    }
    awaitable<void> raise(Asking& asking) {
        auto done = co_await asking.lock.convert(LockMode::EX);
        EXPECT_EQ(*done, LockStatus::kGranted);
    }
    void spawn(awaitable<void> task, Asking& asking) {
        boost::asio::co_spawn(
            io_, std::move(task),
            boost::asio::bind_cancellation_slot(asking.cancel.slot(),
                                                [&](std::exception_ptr) { asking.ended = true; }));
    }
    awaitable<void> until_ended(Asking& asking) {
        for (int turn = 0; turn < 100'000 && !asking.ended; ++turn) {
            auto slept = co_await io::sleep_until(io::after(milliseconds(1)).value());
            static_cast<void>(slept);
        }
        EXPECT_TRUE(asking.ended);
    }

    awaitable<void> until_one_ended(Asking& one, Asking& two) {
        while (!one.ended && !two.ended) {
            auto slept = co_await io::sleep_until(io::after(milliseconds(1)).value());
            static_cast<void>(slept);
        }
    }
    void ask_for_many(const LockDomain& domain) {
        for (std::size_t i = 0; i < many_.size(); ++i) {
            spawn(ask_for(domain, "many/" + std::to_string(i), LockOptions(), many_[i]), many_[i]);
        }
    }
    awaitable<void> until_all_ended() {
        for (auto& one : many_) {
            co_await until_ended(one);
            EXPECT_TRUE(one.lock.held());
        }
    }

    boost::asio::io_context io_{1};
    Server server_{io_};
    std::vector<LockClientEvent> events_;
    std::vector<Asking> many_ = std::vector<Asking>(500);
    bool done_ = false;
};

#define LOCK_TEST(name)                  \
    class name : public LockClientTest { \
    protected:                           \
        awaitable<void> body();          \
    };                                   \
    TEST_F(name, Test) { run(body()); }  \
    awaitable<void> name::body()

LOCK_TEST(AValueGoesFromHolderToHolder) {
    auto client = co_await connect();
    const auto domain = client->domain("mail");
    auto keeper = co_await take(domain, "u/ann", LockMode::NL);
    auto lock = co_await take(domain, "u/ann", LockMode::EX);
    const Account written{1, 7};
    auto unlocked = co_await lock.unlock(written);
    EXPECT_EQ(*unlocked, LockStatus::kUnlocked);
    EXPECT_FALSE(lock.held());
    LockOptions reading;
    reading.read_value = true;
    auto reader = co_await take(domain, "u/ann", LockMode::PR, reading);
    EXPECT_TRUE(reader.value_valid());
    EXPECT_EQ(reader.value_as<Account>()->changes, 7u);
    EXPECT_GT(reader.token(), lock.token());
}

LOCK_TEST(ConversionsUpAndDown) {
    auto client = co_await connect();
    auto lock = co_await take(client->domain("d"), "a", LockMode::NL);
    auto up = co_await lock.convert(LockMode::EX);
    EXPECT_EQ(*up, LockStatus::kGranted);
    EXPECT_EQ(lock.mode(), LockMode::EX);
    const Account written{2, 9};
    auto down = co_await lock.downgrade(LockMode::CR, written);
    EXPECT_EQ(*down, LockStatus::kGranted);
    EXPECT_EQ(lock.mode(), LockMode::CR);
    auto other = co_await connect();
    auto writer = co_await take(other->domain("d"), "a", LockMode::PW);
    auto refused = co_await lock.try_convert(LockMode::EX);
    EXPECT_EQ(*refused, LockStatus::kNotQueued);
    EXPECT_EQ(lock.mode(), LockMode::CR);
    EXPECT_TRUE(lock.held());
}

LOCK_TEST(ABlockIsWrittenByDowngradesFromAWriteModeAlone) {
    auto client = co_await connect();
    auto keeper = co_await take(client->domain("d"), "a", LockMode::NL);
    LockOptions reading;
    reading.read_value = true;
    auto lock = co_await take(client->domain("d"), "a", LockMode::EX, reading);
    const Account written{1, 7};
    auto down = co_await lock.downgrade(LockMode::PR, written);
    EXPECT_EQ(*down, LockStatus::kGranted);
    EXPECT_EQ(lock.value_as<Account>()->changes, 7u);
    const Account ignored{1, 8};
    auto further = co_await lock.downgrade(LockMode::CR, ignored);
    EXPECT_EQ(*further, LockStatus::kGranted);
    EXPECT_EQ(lock.value_as<Account>()->changes, 7u) << "nothing was written";
}

LOCK_TEST(WhoAsksToReadDoesNotWrite) {
    auto client = co_await connect();
    auto keeper = co_await take(client->domain("d"), "a", LockMode::NL);
    auto lock = co_await take(client->domain("d"), "a", LockMode::EX);
    const Account written{1, 7};
    auto down = co_await lock.downgrade(LockMode::PW, written);
    EXPECT_EQ(*down, LockStatus::kGranted);
    LockOptions reading;
    reading.read_value = true;
    auto reads = co_await lock.convert(LockMode::CR, reading);
    EXPECT_EQ(*reads, LockStatus::kGranted);
    auto other = co_await take(client->domain("d"), "a", LockMode::CR, reading);
    EXPECT_EQ(other.value_as<Account>()->changes, 7u);
}

LOCK_TEST(ADemotedConversionThatIsNotGrantedLeavesNl) {
    auto one = co_await connect();
    auto two = co_await connect();
    std::optional<BlockingRequest> heard;
    LockOptions options;
    options.on_blocking = [&](const BlockingRequest& request) { heard = request; };
    auto lock = co_await take(one->domain("d"), "a", LockMode::PR, options);
    auto& other = many_[0];
    other.lock = co_await take(two->domain("d"), "a", LockMode::PR);
    spawn(raise(other), other);
    for (int turn = 0; turn < 5000 && !heard; ++turn) {
        co_await io::yield();
    }
    options.flags = flag::CONVDEADLK;
    options.deadline = milliseconds(20);
    auto ended = co_await lock.convert(LockMode::EX, options);
    EXPECT_EQ(*ended, LockStatus::kTimedOut);
    EXPECT_TRUE(lock.demoted());
    EXPECT_TRUE(lock.held());
    EXPECT_EQ(lock.mode(), LockMode::NL);
    co_await until_ended(other);
    EXPECT_EQ(other.lock.mode(), LockMode::EX);
}

LOCK_TEST(WhoWaitsIsToldAndTheHolderGivesWay) {
    auto one = co_await connect();
    auto two = co_await connect();
    Lock held;
    LockOptions options;
    std::optional<BlockingRequest> heard;
    options.on_blocking = [&](const BlockingRequest& request) {
        heard = request;
        held.release();
    };
    held = co_await take(one->domain("d"), "a", LockMode::EX, options);
    auto lock = co_await take(two->domain("d"), "a", LockMode::PR);
    EXPECT_TRUE(lock.held());
    EXPECT_EQ(heard->mode, LockMode::PR);
    EXPECT_EQ(heard->node, NodeId(1));
    EXPECT_EQ(heard->pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_FALSE(held.held());
}

LOCK_TEST(WhatGoesOutOfScopeIsReleased) {
    auto client = co_await connect();
    {
        auto lock = co_await take(client->domain("d"), "a", LockMode::EX);
        auto below = co_await lock.sublock("b", LockMode::EX);
        EXPECT_TRUE((*below).held());
        co_await until_locks(2);
    }
    co_await until_locks(0);
}

LOCK_TEST(SublocksFallWithTheirParent) {
    auto client = co_await connect();
    auto lock = co_await take(client->domain("d"), "a", LockMode::EX);
    auto below = co_await lock.sublock("b", LockMode::EX);
    auto deeper = co_await below->sublock("c", LockMode::EX);
    auto busy = co_await lock.unlock();
    EXPECT_EQ(*busy, LockStatus::kHasSublocks);
    EXPECT_TRUE(lock.held());
    lock.release();
    EXPECT_FALSE(below->held());
    EXPECT_FALSE(deeper->held());
    co_await until_locks(0);
}

LOCK_TEST(AnOutcomeThatIsNoGrantIsAStatus) {
    auto client = co_await connect();
    auto holder = co_await take(client->domain("d"), "a", LockMode::EX);
    LockOptions at_once;
    at_once.no_queue = true;
    auto refused = co_await take(client->domain("d"), "a", LockMode::EX, at_once);
    EXPECT_EQ(refused.status(), LockStatus::kNotQueued);
    EXPECT_FALSE(refused.held());
    LockOptions soon;
    soon.deadline = milliseconds(10);
    auto late = co_await take(client->domain("d"), "a", LockMode::EX, soon);
    EXPECT_EQ(late.status(), LockStatus::kTimedOut);
    auto too_long = co_await take(client->domain("d"), std::string(65, 'n'), LockMode::EX);
    EXPECT_EQ(too_long.status(), LockStatus::kInvalid);
    auto gone = co_await refused.convert(LockMode::NL);
    EXPECT_FALSE(gone);
}

LOCK_TEST(ACancelledWaitEndsOnceAndLeavesNothing) {
    auto client = co_await connect();
    auto holder = co_await take(client->domain("d"), "a", LockMode::EX);
    Asking asking;
    spawn(ask_for(client->domain("d"), "a", LockOptions(), asking), asking);
    co_await until_locks(2);
    asking.cancel.emit(boost::asio::cancellation_type::terminal);
    co_await until_ended(asking);
    EXPECT_EQ(asking.completions, 1);
    EXPECT_EQ(asking.error->code, io::Errc::kCancelled);
    co_await until_locks(1);
}

LOCK_TEST(ACancelThatRacesTheGrantLeavesNothing) {
    auto client = co_await connect();
    auto other = co_await connect();
    for (int turns = 0; turns < 12; ++turns) {
        auto holder = co_await take(other->domain("d"), "a", LockMode::EX);
        Asking asking;
        spawn(ask_for(client->domain("d"), "a", LockOptions(), asking), asking);
        co_await until_locks(2);
        holder.release();
        for (int turn = 0; turn < turns; ++turn) {
            co_await io::yield();
        }
        asking.cancel.emit(boost::asio::cancellation_type::terminal);
        co_await until_ended(asking);
        EXPECT_EQ(asking.completions, 1);
        EXPECT_NE(asking.lock.held(), asking.error.has_value());
        asking.lock.release();
        co_await until_locks(0);
    }
}

LOCK_TEST(ADeadlockHasOneVictimThatHearsTheCycle) {
    auto client = co_await connect();
    const auto domain = client->domain("d");
    LockOptions one;
    one.owner = client->new_owner();
    LockOptions two;
    two.owner = client->new_owner();
    auto first = co_await take(domain, "a", LockMode::EX, one);
    auto second = co_await take(domain, "b", LockMode::EX, two);
    auto& waits = many_[0];
    auto& closes = many_[1];
    spawn(ask_for(domain, "b", one, waits), waits);
    spawn(ask_for(domain, "a", two, closes), closes);
    co_await until_one_ended(waits, closes);
    const bool first_gave_way = waits.ended;
    auto& victim = first_gave_way ? waits : closes;
    EXPECT_EQ(victim.lock.status(), LockStatus::kDeadlock);
    EXPECT_EQ(victim.lock.cycle().size(), 2u);
    (first_gave_way ? first : second).release();
    auto& winner = first_gave_way ? closes : waits;
    co_await until_ended(winner);
    EXPECT_TRUE(winner.lock.held());
}

LOCK_TEST(ManyTasksShareOneConnection) {
    auto client = co_await connect();
    ask_for_many(client->domain("d"));
    co_await until_all_ended();
    EXPECT_EQ(server_.locks(), 500u);
    EXPECT_EQ(server_.clients(), 1u);
}

LOCK_TEST(QuorumComesAndGoes) {
    auto client = co_await connect();
    auto lock = co_await take(client->domain("d"), "a", LockMode::EX);
    server_.lose_quorum(milliseconds(500));
    while (events_.empty()) {
        co_await io::yield();
    }
    EXPECT_EQ(events_[0].kind, LockClientEvent::Kind::kSuspended);
    EXPECT_GT(*events_[0].remaining, milliseconds(0));
    server_.commit(2, true);
    while (events_.size() < 2) {
        co_await io::yield();
    }
    EXPECT_EQ(events_[1].kind, LockClientEvent::Kind::kResumed);
    EXPECT_TRUE(lock.held());
    server_.tell(cluster::Expelled{"test"});
    while (events_.size() < 3) {
        co_await io::yield();
    }
    EXPECT_EQ(events_[2].kind, LockClientEvent::Kind::kRevoked);
    EXPECT_FALSE(lock.held());
    EXPECT_EQ(lock.status(), LockStatus::kRevoked);
}

LOCK_TEST(WhenTheLockManagerGoesEveryoneHearsIt) {
    auto client = co_await connect();
    auto held = co_await take(client->domain("d"), "a", LockMode::EX);
    Asking asking;
    spawn(ask_for(client->domain("d"), "a", LockOptions(), asking), asking);
    co_await until_locks(2);
    server_.stop();
    co_await until_ended(asking);
    EXPECT_EQ(asking.error->code, io::Errc::kClosed);
    EXPECT_FALSE(held.held());
    EXPECT_EQ(events_.back().kind, LockClientEvent::Kind::kClosed);
    auto late = co_await client->domain("d").lock("b", LockMode::EX);
    EXPECT_EQ(late.error().code, io::Errc::kClosed);
}

LOCK_TEST(AClientThatGoesTakesItsLocksAlong) {
    auto client = co_await connect();
    auto lock = co_await take(client->domain("d"), "a", LockMode::EX);
    client.reset();
    EXPECT_FALSE(lock.held());
    co_await until_locks(0);
}

}  // namespace
}  // namespace quorate::lockmgr
