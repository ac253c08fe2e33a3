#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace quorate::lockmgr {

// What passes between this life and a peer's: every message once and in order, over all epochs in
// which both live. Within an epoch the circuit sees to it; at its start each side says how far it
// has got (Begin), and the other repeats the rest.
struct Link {
    struct Item {
        std::uint64_t issued = 0;  // epoch
        std::string body;
    };
    std::deque<Item> unacknowledged;
    std::uint64_t sent = 0;      // number of the last message
    std::uint64_t received = 0;  // of the last from the peer
    std::uint64_t told = 0;      // the last acknowledgement sent
    std::size_t unsent = 0;      // at the end of `unacknowledged`, in this epoch
    bool open = false;           // the peer has begun this epoch
    bool listed = false;         // in the list to flush

    void acknowledge(std::uint64_t number) {
        auto first = sent - unacknowledged.size() + 1;
        while (!unacknowledged.empty() && first <= number) {
            unacknowledged.pop_front();
            ++first;
        }
    }
};

}  // namespace quorate::lockmgr
