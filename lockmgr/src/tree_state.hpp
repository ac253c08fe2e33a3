#pragma once

#include <cstdint>
#include <vector>

#include "message.hpp"
#include "model.hpp"

namespace quorate::lockmgr {

// How much a node uses a tree, as seen by its master.
struct Activity {
    std::uint32_t party = 0;
    std::uint32_t count = 0;    // operations in this window
    std::uint32_t average = 0;  // operations per window, in sixteenths
};

// A move of a tree away from here, from the first Stop to the directory's word.
struct Moving {
    std::uint32_t number = 0;
    std::uint32_t target = 0;            // party
    std::vector<std::uint32_t> users;    // parties that were stopped
    std::vector<std::uint32_t> waiting;  // those that have not answered
    std::int64_t due = 0;                // milliseconds: given up then
    bool sent = false;                   // all of it: the tree is the target's
    std::uint64_t token = 0;             // with which it went
};

// What only some trees need.
struct MasterState {
    // Operations that cannot be sent or served now, in order. Enqueue and Convert are checked
    // against their lock when their time comes.
    std::vector<Message> held;
    LockId asked;                // kLookup: whose request went to the directory
    std::uint64_t asked_in = 0;  // epoch
    std::vector<Activity> activity;
    std::uint32_t move = 0;         // kStopped: the mover's number
    std::uint32_t move_target = 0;  // node; it may be unknown here
    std::uint32_t left = 0;         // party; master before the one that it has moved to
    std::int64_t arrived = 0;       // milliseconds: when this node became master
    std::uint8_t moves = 0;         // how often it moved lately: residence doubles with each
    std::uint8_t streak = 0;        // windows in which another node was the better master
    std::uint32_t candidate = 0;    // that node's party
    bool watched = false;           // in the list of trees in use by several nodes
    bool noted = false;             // in the list of trees whose users are looked at each minute
    bool shared = false;            // several used it since then
    std::uint32_t user = 0;         // party: who did, if not
};

}  // namespace quorate::lockmgr
