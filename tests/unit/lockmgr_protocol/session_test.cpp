#include "lockmgr/protocol/server_session.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "lockmgr/protocol/client_link.hpp"

namespace quorate::lockmgr {
namespace {

using std::chrono::milliseconds;
using wire::Refused;

// A lock manager of one node, and clients whose octets go straight to their sessions.
class Sessions : public ::testing::Test {
protected:
    struct Client {
        Client(std::uint32_t id, std::uint32_t uid, ServerSession::Limits limits)
            : session({ClientId(id), 1000 + id, uid, {}}, limits, {}) {}
        ServerSession session;
        ClientLink link;
        std::deque<wire::Answer> heard;
        ServerSession::Times times;

        template <class Answer>
        std::optional<Answer> hear() {
            for (auto at = heard.begin(); at != heard.end(); ++at) {
                if (auto* found = std::get_if<Answer>(&*at)) {
                    auto answer = std::move(*found);
                    heard.erase(at);
                    return answer;
                }
            }
            return std::nullopt;
        }
        LockStatus ended() {
            const auto completion = hear<wire::Completion>();
            EXPECT_TRUE(completion);
            return completion ? completion->outcome.status : LockStatus::kInvalid;
        }
    };

    Sessions() : manager_(options()) {
        cluster::View view;
        view.epoch = cluster::Epoch(1);
        view.members.push_back(
            {{NodeId(1), cluster::Incarnation(1)}, "n1", "", {}, 1, 1, {}, false});
        view.quorate = true;
        step(cluster::ViewCommitted{view});
        clients_.resize(1);
    }
    static LockManagerOptions options() {
        LockManagerOptions options;
        options.self = {NodeId(1), cluster::Incarnation(1)};
        return options;
    }

    Client& connect(std::uint32_t uid = 0, ServerSession::Limits limits = {}) {
        const auto id = static_cast<std::uint32_t>(clients_.size());
        clients_.push_back(std::make_unique<Client>(id, uid, limits));
        auto& client = *clients_.back();
        client.link.hello(0);
        say(client);
        EXPECT_TRUE(client.hear<wire::Welcome>());
        return client;
    }
    // Everything the client has asked for, `piece` octets at a time.
    void say(Client& client, std::size_t piece = SIZE_MAX) {
        const auto bytes = std::exchange(client.link.out(), {});
        for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size())) {
            say(client, std::string_view(bytes).substr(at, piece));
        }
    }
    void say(Client& client, std::string_view bytes) {
        client.session.receive(bytes);
        while (const auto input = client.session.next(now_)) {
            step(*input);
        }
        listen();
    }
    void die(Client& client) {
        step(ClientGone{client.session.client()});
        dead_ = client.session.client();
        listen();
    }
    void step(const LockInput& input) {
        std::vector<LockOutput> out;
        manager_.step(now_, input, out);
        for (auto& output : out) {
            tell(output);
        }
    }
    void tell(const LockOutput& output) {
        if (const auto* done = std::get_if<Completion>(&output)) {
            to(done->client).times = to(done->client).session.tell(now_, *done);
        } else if (const auto* blocking = std::get_if<BlockingEvent>(&output)) {
            to(blocking->client).session.tell(*blocking);
        } else if (const auto* waiting = std::get_if<Waiting>(&output)) {
            to(waiting->client).session.tell(*waiting);
        } else if (const auto* suspended = std::get_if<Suspended>(&output)) {
            to(suspended->client).session.tell(now_, *suspended);
        } else if (const auto* revoked = std::get_if<Revoked>(&output)) {
            to(revoked->client).session.tell(*revoked);
        }
    }
    void listen() {
        for (auto& client : clients_) {
            if (client && client->session.client() != dead_) {
                client->link.receive(std::exchange(client->session.out(), {}));
                for (auto answer = client->link.next(); answer && *answer;
                     answer = client->link.next()) {
                    client->heard.push_back(std::move(**answer));
                }
            }
        }
    }
    Client& to(ClientId id) { return *clients_[id.value()]; }

    static wire::Enqueue lock(std::string_view name, LockMode mode, std::uint32_t flags = 0) {
        wire::Enqueue enqueue;
        enqueue.domain = "d";
        enqueue.name = name;
        enqueue.mode = mode;
        enqueue.flags = flags;
        return enqueue;
    }
    static void expect_cut(Client& client, Refused::Reason reason) {
        ASSERT_TRUE(client.session.cut());
        EXPECT_EQ(client.session.cut()->reason, reason) << client.session.cut()->text;
        EXPECT_TRUE(client.hear<Refused>());
    }

    MonoTime now_{milliseconds(1'000'000)};
    LockManager manager_;
    std::vector<std::unique_ptr<Client>> clients_;
    ClientId dead_;
};

TEST_F(Sessions, ALockIsAskedForAndReleasedInOneWrite) {
    auto& client = connect();
    const auto begun = client.link.enqueue(lock("a", LockMode::EX));
    client.link.ask(wire::Dequeue{0, begun.lock, 0, {}});
    say(client);
    EXPECT_EQ(client.ended(), LockStatus::kGranted);
    EXPECT_EQ(client.ended(), LockStatus::kUnlocked);
    EXPECT_EQ(client.session.locks(), 0u);
    EXPECT_EQ(client.session.pending(), 0u);
}

TEST_F(Sessions, OctetByOctetIsTheSame) {
    auto& client = connect();
    const auto begun = client.link.enqueue(lock("a", LockMode::EX));
    client.link.ask(wire::Convert{0, begun.lock, LockMode::PR, 0, 0, {}});
    say(client, 1);
    EXPECT_EQ(client.ended(), LockStatus::kGranted);
    EXPECT_EQ(client.hear<wire::Completion>()->outcome.mode, LockMode::PR);
}

TEST_F(Sessions, NumbersOfEndedLocksAreUsedAgain) {
    auto& client = connect();
    for (int i = 0; i < 3; ++i) {
        const auto begun = client.link.enqueue(lock("a", LockMode::EX));
        EXPECT_EQ(begun.lock, 1u);
        client.link.ask(wire::Dequeue{0, begun.lock, 0, {}});
        say(client);
    }
    EXPECT_FALSE(client.session.cut());
}

TEST_F(Sessions, TheHolderHearsWhoWaitsAndForWhat) {
    auto& holder = connect();
    auto& waiter = connect();
    const auto held = holder.link.enqueue(lock("a", LockMode::EX, flag::BLOCKING));
    say(holder);
    const auto asked = waiter.link.enqueue(lock("a", LockMode::PR));
    say(waiter);
    const auto blocking = holder.hear<wire::Blocking>();
    ASSERT_TRUE(blocking);
    EXPECT_EQ(blocking->lock, held.lock);
    EXPECT_EQ(blocking->mode, LockMode::PR);
    EXPECT_EQ(blocking->pid, waiter.session.who().pid);
    const auto waiting = waiter.hear<wire::Waiting>();
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->request, asked.request);
    EXPECT_EQ(waiting->cause, WaitCause::kHolder);
}

// One more answer for each request to another node would wake the client twice.
TEST_F(Sessions, WhileTheMasterIsAskedTheClientHearsNothingButMayCancel) {
    auto& client = connect();
    const auto begun = client.link.enqueue(lock("a", LockMode::EX));
    client.session.receive(std::exchange(client.link.out(), {}));
    const auto asked = client.session.next(now_);
    ASSERT_TRUE(asked);
    const auto request = std::get<Enqueue>(*asked).request;
    tell(Waiting{client.session.client(), request, LockId(7), WaitCause::kMaster});
    EXPECT_TRUE(client.session.out().empty());
    client.link.ask(wire::Cancel{0, begun.lock});
    client.session.receive(std::exchange(client.link.out(), {}));
    const auto cancelled = client.session.next(now_);
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(std::get<Cancel>(*cancelled).lock, LockId(7));
}

TEST_F(Sessions, WaitingAndHoldingAreTimed) {
    auto& holder = connect();
    auto& waiter = connect();
    const auto held = holder.link.enqueue(lock("a", LockMode::EX));
    say(holder);
    waiter.link.enqueue(lock("a", LockMode::PR));
    now_ += milliseconds(40);
    say(waiter);
    now_ += milliseconds(60);
    holder.link.ask(wire::Dequeue{0, held.lock, 0, {}});
    say(holder);
    EXPECT_EQ(holder.times.held, milliseconds(100));
    EXPECT_EQ(waiter.times.waited, milliseconds(60));
    EXPECT_EQ(holder.times.domain, "d");
    EXPECT_EQ(waiter.times.domain, "d");
}

TEST_F(Sessions, ARequestThatWaitsCanBeCancelled) {
    auto& holder = connect();
    auto& waiter = connect();
    holder.link.enqueue(lock("a", LockMode::EX));
    say(holder);
    const auto begun = waiter.link.enqueue(lock("a", LockMode::PR));
    waiter.link.ask(wire::Cancel{0, begun.lock});
    say(waiter);
    const auto first = waiter.hear<wire::Completion>();
    const auto second = waiter.hear<wire::Completion>();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->lock, 0u);  // of the cancel
    EXPECT_EQ(first->outcome.status, LockStatus::kGranted);
    EXPECT_EQ(second->outcome.status, LockStatus::kCancelled);
    EXPECT_EQ(waiter.session.locks(), 0u);
    EXPECT_EQ(waiter.link.enqueue(lock("b", LockMode::PR)).lock, begun.lock);
}

TEST_F(Sessions, ALockThatStillWaitsIsBusy) {
    auto& holder = connect();
    auto& waiter = connect();
    const auto held = holder.link.enqueue(lock("a", LockMode::EX));
    say(holder);
    const auto begun = waiter.link.enqueue(lock("a", LockMode::PR));
    waiter.link.ask(wire::Dequeue{0, begun.lock, 0, {}});
    waiter.link.ask(wire::Convert{0, begun.lock, LockMode::EX, 0, 0, {}});
    say(waiter);
    EXPECT_EQ(waiter.ended(), LockStatus::kBusy);
    EXPECT_EQ(waiter.ended(), LockStatus::kBusy);
    EXPECT_EQ(waiter.session.locks(), 1u);
    holder.link.ask(wire::Dequeue{0, held.lock, 0, {}});
    say(holder);
    EXPECT_EQ(waiter.ended(), LockStatus::kGranted);
}

TEST_F(Sessions, ForcedUnlockEndsBoth) {
    auto& holder = connect();
    auto& waiter = connect();
    holder.link.enqueue(lock("a", LockMode::EX));
    say(holder);
    const auto begun = waiter.link.enqueue(lock("a", LockMode::PR));
    waiter.link.ask(wire::Dequeue{0, begun.lock, flag::FORCEUNLOCK, {}});
    say(waiter);
    EXPECT_EQ(waiter.ended(), LockStatus::kCancelled);
    EXPECT_EQ(waiter.ended(), LockStatus::kUnlocked);
    EXPECT_EQ(waiter.session.locks(), 0u);
}

TEST_F(Sessions, AClientsDeathReleasesAndMakesItsValuesInvalid) {
    auto& holder = connect();
    auto& waiter = connect();
    holder.link.enqueue(lock("a", LockMode::EX, flag::VALBLK));
    say(holder);
    waiter.link.enqueue(lock("a", LockMode::PR, flag::VALBLK));
    say(waiter);
    die(holder);
    const auto completion = waiter.hear<wire::Completion>();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->outcome.status, LockStatus::kGranted);
    EXPECT_FALSE(completion->outcome.value_valid);
}

TEST_F(Sessions, PersistentLocksBecomeOrphansThatAnotherAdopts) {
    auto& holder = connect();
    auto& heir = connect();
    holder.link.enqueue(lock("a", LockMode::EX, flag::PERSISTENT));
    say(holder);
    die(holder);
    heir.link.enqueue(lock("a", LockMode::PR, flag::NOQUEUE));
    heir.link.enqueue(lock("a", LockMode::PR, flag::PERSISTENT | flag::ORPHAN));
    const auto adopted =
        heir.link.enqueue(lock("a", LockMode::EX, flag::PERSISTENT | flag::ORPHAN));
    say(heir);
    EXPECT_EQ(heir.ended(), LockStatus::kNotQueued);
    EXPECT_EQ(heir.ended(), LockStatus::kOrphanOtherMode);
    EXPECT_EQ(heir.ended(), LockStatus::kGranted);
    heir.link.ask(wire::Dequeue{0, adopted.lock, 0, {}});
    say(heir);
    EXPECT_EQ(heir.ended(), LockStatus::kUnlocked);
}

TEST_F(Sessions, DequeueAllEndsSublocksAndFreesTheirNumbers) {
    auto& client = connect();
    const auto root = client.link.enqueue(lock("a", LockMode::EX));
    auto below = lock("b", LockMode::EX);
    below.parent = root.lock;
    client.link.enqueue(below);
    below.name = "c";
    client.link.enqueue(below);
    say(client);
    EXPECT_EQ(client.session.locks(), 3u);
    client.link.ask(wire::DequeueAll{0, root.lock});
    say(client);
    EXPECT_EQ(client.session.locks(), 1u);
    const auto next = client.link.enqueue(lock("d", LockMode::EX));
    EXPECT_TRUE(next.lock == 2 || next.lock == 3);
    say(client);
    client.link.ask(wire::DequeueAll{0, 0});
    say(client);
    EXPECT_EQ(client.session.locks(), 0u);
    EXPECT_FALSE(client.session.cut());
}

TEST_F(Sessions, WhatIsAskedForWhileADequeueAllIsNotAnsweredStays) {
    auto& client = connect();
    client.link.enqueue(lock("a", LockMode::EX));
    say(client);
    step(LeaseKnown{now_ + milliseconds(10)});
    now_ += milliseconds(10);
    client.link.ask(wire::DequeueAll{0, 0});
    const auto parent = client.link.enqueue(lock("b", LockMode::EX));
    say(client);
    EXPECT_EQ(client.session.locks(), 2u);
    // Ends the second one, which waits; its number is the third one's before the answer comes.
    client.link.ask(wire::DequeueAll{0, 0});
    say(client);
    const auto kept = client.link.enqueue(lock("c", LockMode::EX));
    EXPECT_EQ(kept.lock, parent.lock);
    say(client);
    step(LeaseKnown{now_ + milliseconds(10)});
    listen();
    EXPECT_EQ(client.session.locks(), 1u);
    client.heard.clear();
    client.link.ask(wire::Dequeue{0, kept.lock, 0, {}});
    say(client);
    EXPECT_EQ(client.ended(), LockStatus::kUnlocked);
    EXPECT_EQ(client.session.locks(), 0u);
    EXPECT_FALSE(client.session.cut());
}

TEST_F(Sessions, WhoAsksForEverWhileAnswersAreWithheldIsCutOff) {
    ServerSession::Limits limits;
    limits.requests = 4;
    auto& client = connect(0, limits);
    const auto held = client.link.enqueue(lock("a", LockMode::EX));
    const auto waits = client.link.enqueue(lock("a", LockMode::EX));
    say(client);
    EXPECT_NE(held.lock, waits.lock);
    step(LeaseKnown{now_ + milliseconds(10)});
    now_ += milliseconds(10);
    for (int i = 0; i < 20; ++i) {
        client.link.ask(wire::DequeueAll{0, held.lock});
    }
    say(client);
    expect_cut(client, Refused::Reason::kTooMuch);
}

TEST_F(Sessions, OthersLocksCannotBeNamed) {
    auto& owner = connect();
    auto& stranger = connect();
    const auto held = owner.link.enqueue(lock("a", LockMode::EX));
    say(owner);
    owner.heard.clear();
    stranger.link.ask(wire::Dequeue{0, held.lock, 0, {}});
    stranger.link.ask(wire::Convert{0, 4'000'000'000, LockMode::NL, 0, 0, {}});
    stranger.link.ask(wire::Cancel{0, held.lock});
    stranger.link.ask(wire::DequeueAll{0, held.lock});
    auto below = lock("b", LockMode::EX);
    below.parent = held.lock;
    stranger.link.enqueue(below);
    say(stranger);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(stranger.ended(), LockStatus::kNoSuchLock) << i;
    }
    EXPECT_EQ(owner.session.locks(), 1u);
    EXPECT_TRUE(owner.heard.empty());
}

TEST_F(Sessions, DomainsHaveRights) {
    auto& root = connect(0);
    auto& friendly = connect(1000);
    auto& stranger = connect(1001);
    root.link.ask(wire::DefineDomain{0, 1000, 0, 0700, "d"});
    say(root);
    EXPECT_EQ(root.ended(), LockStatus::kGranted);
    friendly.link.enqueue(lock("a", LockMode::EX));
    say(friendly);
    EXPECT_EQ(friendly.ended(), LockStatus::kGranted);
    stranger.link.enqueue(lock("b", LockMode::NL));
    stranger.link.ask(wire::DefineDomain{0, 1001, 0, 0777, "d"});
    stranger.link.ask(wire::Purge{0, NodeId(0), 0});
    say(stranger);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(stranger.ended(), LockStatus::kNoRights) << i;
    }
}

// ---- who breaks the rules

TEST_F(Sessions, WithoutAHelloNothingIsServed) {
    clients_.push_back(std::make_unique<Client>(1, 0, ServerSession::Limits{}));
    auto& client = *clients_.back();
    client.link.enqueue(lock("a", LockMode::EX));
    say(client);
    expect_cut(client, Refused::Reason::kMalformed);
    EXPECT_FALSE(client.session.opened());
}

TEST_F(Sessions, AnotherVersionIsRefused) {
    clients_.push_back(std::make_unique<Client>(1, 0, ServerSession::Limits{}));
    auto& client = *clients_.back();
    wire::append(client.link.out(), wire::Request(wire::Hello{2, 9, 0}));
    say(client);
    expect_cut(client, Refused::Reason::kOtherVersion);
}

TEST_F(Sessions, RubbishIsRefusedAndNothingAfterItIsRead) {
    for (const auto rubbish :
         {std::string_view("\0\0\0\0", 4), std::string_view("\xff\xff\xff\xff", 4),
          std::string_view("\1\0\0\0\x55", 5), std::string_view("\2\0\0\0\2\0", 6)}) {
        auto& client = connect();
        std::string words(rubbish);
        client.link.enqueue(lock("a", LockMode::EX));
        words += client.link.out();
        say(client, words);
        expect_cut(client, Refused::Reason::kMalformed);
        EXPECT_EQ(client.session.locks(), 0u);
    }
}

TEST_F(Sessions, LockNumbersAreUsedInOrderAndOnce) {
    for (const std::uint32_t number : {0u, 1u, 3u, 4'000'000'000u}) {
        auto& client = connect();
        client.link.enqueue(lock("a" + std::to_string(clients_.size()), LockMode::EX));
        auto wrong = lock("b", LockMode::EX);
        wrong.lock = number;
        wire::append(client.link.out(), wire::Request(wrong));
        say(client);
        expect_cut(client, Refused::Reason::kMalformed);
    }
}

TEST_F(Sessions, MoreThanTheLimitOfLocksIsToldSo) {
    auto& client = connect(0, {2, 100});
    for (const auto* name : {"a", "b", "c"}) {
        client.link.enqueue(lock(name, LockMode::EX));
    }
    say(client);
    EXPECT_EQ(client.ended(), LockStatus::kGranted);
    EXPECT_EQ(client.ended(), LockStatus::kGranted);
    EXPECT_EQ(client.ended(), LockStatus::kOverLimit);
    EXPECT_FALSE(client.session.cut());
}

TEST_F(Sessions, WhoAsksForTooMuchAtOnceIsCutOff) {
    auto& holder = connect();
    auto& flood = connect(0, {1000, 3});
    holder.link.enqueue(lock("a", LockMode::EX));
    say(holder);
    for (int i = 0; i < 4; ++i) {
        flood.link.enqueue(lock("a", LockMode::EX));
    }
    say(flood);
    expect_cut(flood, Refused::Reason::kTooMuch);
}

TEST_F(Sessions, WithoutQuorumHoldersHearHowLongTheyMay) {
    auto& client = connect();
    client.link.enqueue(lock("a", LockMode::EX));
    say(client);
    step(LeaseKnown{now_ + milliseconds(700)});
    step(cluster::QuorumLost{cluster::Epoch(1)});
    listen();
    EXPECT_EQ(client.hear<wire::Suspended>()->remaining_ms, 700u);
    step(cluster::Expelled{"gone"});
    listen();
    EXPECT_TRUE(client.hear<wire::Revoked>());
    EXPECT_EQ(client.session.locks(), 0u);
}

}  // namespace
}  // namespace quorate::lockmgr
