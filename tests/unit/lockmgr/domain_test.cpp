#include <fmt/core.h>

#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::block;
using testing::Node;

constexpr std::uint32_t kOwner = 1, kMember = 2, kStranger = 3, kRoot = 4;

// dlm.md 1.2, resource domains: rights to read and write value blocks and to take locks, for the
// owner, a group and others (HP OpenVMS Programming Concepts, 5.8).
class Domains : public ::testing::Test {
protected:
    Domains() {
        node.alone();
        node.open(kOwner, 1000, {1000});
        node.open(kMember, 1001, {1001, 50});
        node.open(kStranger, 1002, {1002});
        node.open(kRoot, 0, {0});
    }
    LockStatus define(std::uint32_t client, std::uint16_t mode, std::uint32_t uid = 1000,
                      const std::string& name = "d") {
        node.give(DefineDomain{ClientId(client), RequestId(++calls_), {name, uid, 50, mode}});
        for (const auto& completion : node.seen<Completion>()) {
            if (completion.request == RequestId(calls_)) {
                return completion.status;
            }
        }
        return Node::kPending;
    }
    LockStatus use(std::uint32_t client, const std::string& domain) {
        Enqueue input;
        input.client = ClientId(client);
        input.request = RequestId(++calls_);
        input.domain = domain;
        input.name = "r";
        input.flags = flag::NOQUEUE;
        node.give(input);
        const auto outputs = node.taken();
        return std::get<Completion>(outputs.back()).status;
    }
    Node node;

private:
    std::uint64_t calls_ = 1'000'000;
};

TEST_F(Domains, BelongToWhoFirstUsesThem) {
    EXPECT_EQ(node.lock(kOwner, "r", EX).status, kGranted);
    EXPECT_EQ(node.lock(kMember, "s", NL).status, kNoRights);
    EXPECT_EQ(node.lock(kRoot, "s", NL).status, kGranted) << "uid 0 may everything";
    EXPECT_EQ(define(kMember, 0777, 1001), kNoRights) << "it is another's";
    EXPECT_EQ(define(kOwner, 0777, 1001), kNoRights) << "only root gives it away";
    EXPECT_EQ(define(kOwner, 0710), kGranted);
    EXPECT_EQ(node.lock(kMember, "s", NL).status, kGranted);
    EXPECT_EQ(node.lock(kStranger, "s", NL).status, kNoRights);
}

TEST_F(Domains, RightsAreDigitsOfTheMode) {
    struct Case {
        std::uint16_t digit;
        bool locks, reads, writes;
    };
    const Case kCases[] = {{0, false, false, false}, {1, true, false, false},
                           {3, true, false, true},   {4, false, false, false},
                           {5, true, true, false},   {7, true, true, true}};
    for (const auto& one : kCases) {
        for (const auto client : {kOwner, kMember, kStranger}) {
            const unsigned shift = client == kOwner ? 6 : client == kMember ? 3 : 0;
            ASSERT_EQ(define(kRoot, static_cast<std::uint16_t>(one.digit << shift)), kGranted);
            const auto name = fmt::format("{}-{}", one.digit, client);
            const auto status = [](bool may) { return may ? kGranted : kNoRights; };
            EXPECT_EQ(node.lock(client, name, NL, flag::VALBLK).status, status(one.reads)) << name;
            const auto held = node.lock(client, name + "w", PW);
            EXPECT_EQ(held.status, status(one.locks)) << name;
            if (!one.locks) {
                continue;
            }
            EXPECT_EQ(node.lock(client, "below", NL, flag::VALBLK, held.lock).status,
                      status(one.reads))
                << "a sublock, " << name;
            EXPECT_EQ(node.convert(client, held.lock, PW, flag::VALBLK, block("new")).status,
                      status(one.writes))
                << name;
            EXPECT_EQ(node.unlock(client, held.lock, flag::IVVALBLK).status,
                      one.reads     ? kHasSublocks
                      : !one.writes ? kNoRights
                                    : kUnlocked)
                << name;
            node.give(ClientGone{ClientId(client)});
            node.open(client, 999 + client, {999 + client, client == kMember ? 50 : 999 + client});
        }
    }
}

TEST_F(Domains, WhoMayLockNoMoreMayGiveBackButNotTakeMore) {
    ASSERT_EQ(define(kRoot, 0700), kGranted);
    const auto held = node.lock(kOwner, "r", PR);
    ASSERT_EQ(held.status, kGranted);
    ASSERT_EQ(define(kRoot, 0600), kGranted);
    const auto refused = node.convert(kOwner, held.lock, EX);
    EXPECT_EQ(refused.status, kNoRights);
    EXPECT_EQ(refused.mode, PR);
    EXPECT_EQ(node.convert(kOwner, held.lock, CR).status, kGranted);
    EXPECT_EQ(node.unlock(kOwner, held.lock).status, kUnlocked);
}

TEST_F(Domains, ANewOneIsRefusedWhileSomebodyHasIt) {
    EXPECT_EQ(define(kOwner, right::kNewDomain | 0700), kGranted);
    EXPECT_EQ(define(kOwner, right::kNewDomain | 0700), kExists);
    EXPECT_EQ(define(kRoot, right::kNewDomain | 0700), kExists);
    EXPECT_EQ(define(kMember, right::kNewDomain | 0700, 1001), kNoRights);
    EXPECT_EQ(define(kRoot, 0700), kGranted) << "to share it is another matter";
    node.give(ClientGone{ClientId(kOwner)});
    node.open(kOwner, 1000);
    EXPECT_EQ(define(kOwner, right::kNewDomain | 0700), kExists) << "root has it open";
    node.give(ClientGone{ClientId(kRoot)});
    EXPECT_EQ(define(kOwner, right::kNewDomain | 0700), kGranted);
    EXPECT_EQ(define(kOwner, right::kNewDomain << 1), kInvalid);
}

TEST_F(Domains, NobodysNamesFillTheNode) {
    for (int i = 0; i < 1024; ++i) {
        ASSERT_EQ(use(kStranger, fmt::format("mine/{}", i)), kGranted);
    }
    EXPECT_EQ(use(kStranger, "one more"), kOverLimit);
    EXPECT_EQ(define(kStranger, 0700, 1002, "one more"), kOverLimit);
    EXPECT_EQ(use(kStranger, "mine/7"), kGranted) << "of those it has all go on";
    EXPECT_EQ(use(kOwner, "one more"), kGranted);
}

}  // namespace
}  // namespace quorate::lockmgr
