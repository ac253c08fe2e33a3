#pragma once

#include <vector>

#include "lockmgr/errc.hpp"
#include "message.hpp"
#include "store.hpp"

namespace quorate::lockmgr::testing {

inline LockImage example_lock() {
    LockImage lock;
    lock.node = NodeId(3);
    lock.lock = LockId(0x100000002);
    lock.op = 4;
    lock.pid = 4711;
    lock.xid = 9;
    lock.priority = 1;
    lock.flags = flag::VALBLK;
    lock.queue = 2;
    lock.granted = LockMode::CR;
    lock.requested = LockMode::EX;
    lock.highbast = LockMode::PR;
    lock.order = -300;
    lock.token = 0x90000000001;
    lock.seq = 5;
    lock.seen = 6;
    lock.invalid = true;
    lock.value.emplace().front() = 'v';
    return lock;
}

inline TreeImage example_tree() {
    TreeImage tree;
    tree.root = root_key("mail", "INBOX");
    tree.resources.push_back({{}, 7, false, ValueBlock{}, {example_lock()}});
    tree.resources.push_back({{"a", std::string("\0b", 2)}, 0, true, std::nullopt, {}});
    return tree;
}

// One of each kind, in the order of their numbers.
inline std::vector<Message> examples() {
    const auto root = root_key("mail", "INBOX");
    const LockId lock(0x700000012);
    const Blocker holder{NodeId(2), LockId(8), 0x90000000001, 0};
    const Blocker earlier{NodeId(3), LockId(9), 0, 2};
    TransferMessage transfer;
    transfer.tree = example_tree();
    transfer.move = 3;
    transfer.last = true;
    transfer.token = 0x90000000001;
    transfer.head = -2;
    transfer.tail = 8;
    transfer.moves = 1;
    transfer.users = {NodeId(2), NodeId(3)};
    RebuildMessage rebuild;
    rebuild.trees.add(example_tree());
    rebuild.trees.add({root_key("", "other"), {}});
    const SeenMessage::Waiter waiter{lock,         3,         4711,        1, 123456,
                                     LockMode::EX, NodeId(1), "mail/INBOX"};
    return {
        EnqueueMessage{
            NodeId(2), root, {}, "", lock, 1, 4711, 5, 1, LockMode::EX, flag::NOQUEUE, 6},
        ConvertMessage{lock, 2, LockMode::NL, flag::VALBLK, ValueBlock{}},
        DequeueMessage{lock, flag::IVVALBLK, std::nullopt},
        CancelMessage{lock, 2, LockStatus::kDeadlock},
        QueuedMessage{lock, 2, -7, LockMode::PR},
        GrantedMessage{lock, 2, LockMode::EX, GrantedMessage::kRead, 0x90000000001, 7, 8, 9,
                       ValueBlock{}},
        RefusedMessage{lock,
                       2,
                       LockStatus::kNotQueued,
                       {{NodeId(3), lock, 4711, 5, LockMode::EX}},
                       LockMode::PR},
        BlockingMessage{lock, LockMode::EX, NodeId(3), 4711},
        BounceMessage{lock, 2},
        AssignMessage{root, 0x90000000001},
        ClaimMessage{{{root, NodeId(2), 0x90000000001}}, 4},
        ClaimedMessage{root, 4},
        VacateMessage{root, 0x90000000001},
        rebuild,
        DoneMessage{},
        MasteredMessage{{{root, NodeId(2)}}},
        StopMessage{root, 4, NodeId(2)},
        StoppedMessage{root, 4},
        ResumeMessage{root, 4, NodeId(3)},
        transfer,
        MovedMessage{root},
        MoveDoneMessage{root, 4},
        LookMessage{6, {{NodeId(2), lock, 3}}, {holder}},
        SeenMessage{6,
                    {{LockMode::EX, LockMode::PR, {holder}}},
                    {{{NodeId(2), lock, 3}, 0, {earlier}}},
                    {{5, {waiter}}},
                    {{holder, LockMode::PR, 0}}},
        NudgeMessage{},
        PurgeMessage{4711},
        DomainUseMessage{{"mail", 8, 8, 0750}, 0, true},
        DomainLeftMessage{"mail"},
        DomainMessage{{"mail", 8, 8, 0750}, 0x9000001},
        DefineMessage{7, 8, {"mail", 8, 8, 0770}, true},
        DefinedMessage{7, LockStatus::kExists},
    };
}

}  // namespace quorate::lockmgr::testing
