#include "shadowing/mount_plan.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

constexpr Id128 kSet{0, 0x5e};
constexpr Id128 kLineage{0, 0x11};
constexpr Id128 kA{0, 0xa};
constexpr Id128 kB{0, 0xb};
constexpr Id128 kC{0, 0xc};

LabelMember full(Id128 id, std::uint64_t since = 1) { return {id, Role::kFull, since, 0, 0}; }
LabelMember expelled(Id128 id, std::uint64_t since) { return {id, Role::kExpelled, since, 0, 0}; }
LabelMember copy(Id128 id, std::uint64_t since, std::uint64_t fence) {
    return {id, Role::kCopy, since, fence, 0};
}

Label label(Id128 member, std::uint64_t generation, std::vector<LabelMember> members) {
    Label label;
    label.member = member;
    label.set = kSet;
    label.lineage = kLineage;
    label.generation = {generation, 100 + generation};
    label.set_blocks = 1000;
    label.unit = "DSA1";
    label.layout.member_blocks = 1000;
    label.members = std::move(members);
    return label;
}

NamedDisk disk(std::string name, Label label) { return {std::move(name), std::move(label), {}}; }
NamedDisk absent(std::string name) { return {std::move(name), std::nullopt, "absent"}; }

Witness knows(std::uint64_t number, std::uint64_t id = 0) {
    const Generation generation{number, id == 0 ? 100 + number : id};
    return {.known = true, .word = WitnessWord{kLineage, generation}};
}

DiskFate fate(const MountPlan& plan, std::size_t disk) { return plan.disks[disk].fate; }

// ---- shadowing.md 2.3, rule 1

TEST(MountPlan23Rule1, TheMountedMembershipWins) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 3, {full(kA), expelled(kB, 3)})),
                      disk("b", label(kB, 2, {full(kA), full(kB)}))};
    question.mounted = WitnessWord{kLineage, {3, 103}};
    const auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed) << plan.why;
    EXPECT_EQ(fate(plan, 0), DiskFate::kSource);
    EXPECT_EQ(fate(plan, 1), DiskFate::kCopy);
    EXPECT_EQ(plan.merge, MergeNeed::kNone) << "those who have it mounted see to that";
}

TEST(MountPlan23Rule1, WhoCannotReachTheMountedMembersStaysOut) {
    MountQuestion question;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)}))};
    question.mounted = WitnessWord{kLineage, {3, 103}};
    EXPECT_FALSE(plan_mount(question).allowed);
    question.disks = {disk("a", label(kA, 3, {full(kA), full(kB)})), absent("b")};
    EXPECT_FALSE(plan_mount(question).allowed);
}

// ---- rules 2 and 3

TEST(MountPlan23Rule2, TheHighestGenerationIsTheAuthority) {
    MountQuestion question;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)})),
                      disk("a", label(kA, 3, {full(kA), expelled(kB, 3)}))};
    auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed) << plan.why;
    EXPECT_EQ(plan.authority, 1u);
    EXPECT_EQ(fate(plan, 1), DiskFate::kSource);
    EXPECT_EQ(fate(plan, 0), DiskFate::kCopy) << "named first or not";
}

TEST(MountPlan23Rule3, AnOlderMemberComesBackByMinicopyIfWhatChangedSinceItLeftIsKept) {
    MountQuestion question;
    auto left = expelled(kB, 3);
    left.fence = 1;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)})),
                      disk("a", label(kA, 3, {full(kA), left}))};
    EXPECT_EQ(fate(plan_mount(question), 0), DiskFate::kCopy) << "no map is kept";
    question.disks[1].label->changes_since = 3;
    EXPECT_EQ(fate(plan_mount(question), 0), DiskFate::kMinicopy);
    question.disks[0].label->members[1].since = 2;
    EXPECT_EQ(fate(plan_mount(question), 0), DiskFate::kCopy) << "of another stint";
    question.disks[0].label->members[1].since = 1;
    question.disks[0].label->set_blocks /= 2;
    EXPECT_EQ(fate(plan_mount(question), 0), DiskFate::kCopy) << "the set has grown since";
}

TEST(MountPlan23Rule3, DismountedProperlyItIsFullAtOnceElseItIsMerged) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 3, {full(kA), full(kB)})),
                      disk("b", label(kB, 3, {full(kA), full(kB)}))};
    EXPECT_EQ(plan_mount(question).merge, MergeNeed::kIntentLog);
    for (auto& one : question.disks) {
        one.label->clean = true;
    }
    const auto plan = plan_mount(question);
    EXPECT_EQ(plan.merge, MergeNeed::kNone);
    EXPECT_EQ(fate(plan, 0), DiskFate::kSource);
    EXPECT_EQ(fate(plan, 1), DiskFate::kSource);
}

TEST(MountPlan23Rule3, ACopyGoesOnFromItsFence) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 4, {full(kA), copy(kC, 4, 300)})),
                      disk("c", label(kC, 4, {full(kA), copy(kC, 4, 300)}))};
    const auto plan = plan_mount(question);
    EXPECT_EQ(fate(plan, 1), DiskFate::kCopy);
    EXPECT_EQ(plan.disks[1].fence, 300u);
}

TEST(MountPlan23Rule3, AChangeThatReachedSomeLabelsOnlyHadNoEffectYet) {
    // The expulsion of c was written to a, not yet to b: both have every acknowledged write.
    MountQuestion question;
    question.disks = {disk("a", label(kA, 4, {full(kA), full(kB), expelled(kC, 4)})),
                      disk("b", label(kB, 3, {full(kA), full(kB), full(kC)})),
                      disk("c", label(kC, 3, {full(kA), full(kB), full(kC)}))};
    auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_EQ(fate(plan, 0), DiskFate::kSource);
    EXPECT_EQ(fate(plan, 1), DiskFate::kSource);
    EXPECT_EQ(fate(plan, 2), DiskFate::kCopy);
    // The promotion of b was written to a only: b does not call itself a source yet.
    question.disks = {disk("a", label(kA, 4, {full(kA), full(kB, 4)})),
                      disk("b", label(kB, 3, {full(kA), copy(kB, 3, 990)}))};
    question.witness = knows(3);
    plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed) << plan.why;
    EXPECT_EQ(fate(plan, 1), DiskFate::kCopy);
}

// ---- rule 4

TEST(MountPlan23Rule4, WhatIsNoMemberIsNotTouched) {
    MountQuestion question;
    auto foreign = label(kC, 9, {full(kC)});
    foreign.set = {0, 0x5f};
    question.set = kSet;
    question.disks = {disk("a", label(kA, 1, {full(kA)})),
                      disk("c", foreign),
                      {"d", std::nullopt, "carries an ext4 file system"}};
    const auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_EQ(fate(plan, 1), DiskFate::kRefused);
    EXPECT_EQ(fate(plan, 2), DiskFate::kRefused);
    EXPECT_EQ(plan.disks[2].why, "carries an ext4 file system");
    question.set = {};
    EXPECT_FALSE(plan_mount(question).allowed) << "which set is meant?";
    question.disks.pop_back();
    question.disks.erase(question.disks.begin());
    question.set = kSet;
    EXPECT_FALSE(plan_mount(question).allowed);
}

TEST(MountPlan23Rule4, TwoDisksThatAreTheSameMemberAreRefused) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 1, {full(kA)})), disk("copy", label(kA, 1, {full(kA)}))};
    EXPECT_FALSE(plan_mount(question).allowed);
}

// ---- rule 5: ours

TEST(MountPlan23Rule5, ALoneMemberThatMayBeOldIsRefused) {
    MountQuestion question;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)})), absent("a")};
    auto plan = plan_mount(question);
    EXPECT_FALSE(plan.allowed);
    EXPECT_EQ(fate(plan, 0), DiskFate::kRefused);
    question.witness = {.known = true, .word = std::nullopt};
    EXPECT_FALSE(plan_mount(question).allowed) << "a witness that has never heard of it";
}

TEST(MountPlan23Rule5b, ItsOwnLabelMayProveThatTheAbsentAreOld) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 3, {full(kA), expelled(kB, 3)})), absent("b")};
    const auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_TRUE(plan.expels.empty());
}

TEST(MountPlan23Rule5c, TheWitnessMayProveIt) {
    MountQuestion question;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)})), absent("a")};
    question.witness = knows(2);
    auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_EQ(plan.expels, std::vector{kA});
    question.witness = knows(3);
    EXPECT_FALSE(plan_mount(question).allowed) << "creeping doom: a went on alone";
    question.witness = knows(2, 999);
    EXPECT_FALSE(plan_mount(question).allowed) << "another generation of the same number";
    question.witness = knows(1);
    EXPECT_TRUE(plan_mount(question).allowed) << "the change had not reached the witness";
}

TEST(MountPlan23Rule5c, AllSourcesThatWereRestoredFromABackupAreOldToo) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 2, {full(kA), full(kB)})),
                      disk("b", label(kB, 2, {full(kA), full(kB)}))};
    question.witness = knows(5);
    EXPECT_FALSE(plan_mount(question).allowed);
}

TEST(MountPlan23Rule5d, TheOperatorMayAcceptTheLossAndBeginANewLineage) {
    MountQuestion question;
    question.disks = {disk("b", label(kB, 2, {full(kA), full(kB)})), absent("a")};
    question.accept_loss = true;
    const auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_TRUE(plan.new_lineage);
    EXPECT_EQ(plan.expels, std::vector{kA});
}

TEST(MountPlan23Rule5d, AnUnfinishedCopyIsNoSourceForAnybody) {
    MountQuestion question;
    question.disks = {disk("c", label(kC, 4, {full(kA), copy(kC, 4, 300)})), absent("a")};
    question.accept_loss = true;
    question.witness = knows(4);
    EXPECT_FALSE(plan_mount(question).allowed);
}

// ---- lineages: shadowing.md 6, item 5

TEST(MountPlanLineage, ADiskOfTheLineageThatWasLeftNeverComesBackByItself) {
    auto forked = label(kB, 6, {full(kB), expelled(kA, 6)});
    forked.lineage = {0, 0x12};
    forked.forks = {{kLineage, 2}};
    MountQuestion question;
    question.disks = {disk("a", label(kA, 9, {full(kA), expelled(kB, 3)})), disk("b", forked)};
    auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed) << plan.why;
    EXPECT_EQ(plan.authority, 1u) << "though the other has the higher generation";
    EXPECT_EQ(fate(plan, 0), DiskFate::kRefused);
    question.witness = knows(2);
    EXPECT_TRUE(plan_mount(question).allowed) << "the fork had not reached the witness";
}

TEST(MountPlanLineage, TwoForksOfOneLineageAreRefusedTogether) {
    auto one = label(kA, 6, {full(kA), expelled(kB, 6)});
    one.lineage = {0, 0x12};
    one.forks = {{kLineage, 2}};
    auto other = label(kB, 7, {full(kB), expelled(kA, 7)});
    other.lineage = {0, 0x13};
    other.forks = {{kLineage, 2}};
    MountQuestion question;
    question.disks = {disk("a", one), disk("b", other)};
    EXPECT_FALSE(plan_mount(question).allowed);
}

TEST(MountPlanLineage, ALineageThatTheWitnessHasLeftIsRefused) {
    MountQuestion question;
    question.disks = {disk("a", label(kA, 9, {full(kA), expelled(kB, 3)}))};
    question.witness = {.known = true, .word = WitnessWord{{0, 0x12}, {12, 1}}};
    EXPECT_FALSE(plan_mount(question).allowed);
}

TEST(MountPlan, OfTwoChangesOfOneNumberTheWitnessTellsWhichCounts) {
    auto rival = label(kB, 3, {full(kB), expelled(kA, 3)});
    rival.generation.id = 999;
    MountQuestion question;
    question.disks = {disk("a", label(kA, 3, {full(kA), expelled(kB, 3)})), disk("b", rival)};
    EXPECT_FALSE(plan_mount(question).allowed);
    question.witness = knows(3, 999);
    const auto plan = plan_mount(question);
    EXPECT_TRUE(plan.allowed);
    EXPECT_EQ(fate(plan, 0), DiskFate::kCopy);
    EXPECT_EQ(fate(plan, 1), DiskFate::kSource);
}

TEST(MountPlan, IsToldBeforeItIsDone) {
    MountQuestion question;
    question.disks = {disk("ssd-a", label(kA, 3, {full(kA), expelled(kB, 3)})),
                      disk("ssd-b", label(kB, 2, {full(kA), full(kB)})), absent("ssd-c")};
    EXPECT_EQ(plan_mount(question).to_string(),
              "mount: every source of generation 3 is here\n"
              "  ssd-a        FULL      FULL since generation 1, as generation 3 says\n"
              "  ssd-b        COPY      expelled in generation 3\n"
              "  ssd-c        refused   absent\n"
              "  merge: where the write-intent log says; the set was not dismounted\n");
}

// ---- the witness of a cluster without a quorum disk: a majority of votes

TEST(WitnessOf, WithoutQuorumThereIsNone) {
    const WitnessWord three{kLineage, {3, 103}};
    EXPECT_FALSE(witness_of({{1, three}}, 2).known);
    EXPECT_TRUE(witness_of({{1, three}, {1, std::nullopt}}, 2).known);
    EXPECT_EQ(witness_of({{1, three}, {1, std::nullopt}}, 2).word, three);
    EXPECT_FALSE(witness_of({{1, std::nullopt}, {1, std::nullopt}}, 2).word);
}

TEST(WitnessOf, TheNewestCountsAndRivalsNeedTheVotes) {
    const WitnessWord two{kLineage, {2, 102}};
    const WitnessWord three{kLineage, {3, 103}};
    const WitnessWord rival{kLineage, {3, 999}};
    EXPECT_EQ(witness_of({{1, two}, {1, three}}, 2).word, three);
    EXPECT_FALSE(witness_of({{1, rival}, {1, three}}, 2).known);
    EXPECT_EQ(witness_of({{1, rival}, {1, three}, {1, three}}, 2).word, three);
}

}  // namespace
}  // namespace quorate::shadowing
