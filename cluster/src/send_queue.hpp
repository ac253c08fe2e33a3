#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/circuit.hpp"

namespace quorate::cluster {

// What a circuit sends: frames numbered from 1, kept until they are acknowledged. `cursor` is the
// next to go out on the ring that carries; it goes back to the first unacknowledged whenever that
// ring changes.
class SendQueue {
public:
    void push(Channel channel, Epoch epoch, std::string_view payload);
    bool full(std::size_t more) const {
        return bytes_ + more > kQueueBytes || entries_.size() >= kQueueMessages;
    }

    // The next frame, if there is one and the window has room for it.
    const std::shared_ptr<const std::string>* next() const;
    // It goes out. True: again.
    bool advance();
    void rewind();

    // False: it was never sent.
    bool acknowledge(std::uint64_t sequence);
    // Drops what never went out.
    void drop_unsent();
    // Numbers anew from 1 what is of `since` or later, and drops the rest.
    void restart(Epoch since);

    std::size_t size() const { return entries_.size(); }
    std::size_t bytes() const { return bytes_; }
    // The greatest that ever went out.
    std::uint64_t sent() const { return sent_; }

private:
    struct Entry {
        Channel channel;
        Epoch epoch;
        std::shared_ptr<const std::string> frame;  // owned by the writes under way too
    };
    std::size_t flight_messages() const { return cursor_ - acknowledged_ - 1; }

    std::deque<Entry> entries_;  // the first has sequence acknowledged_ + 1
    std::uint64_t acknowledged_ = 0;
    std::uint64_t cursor_ = 1;
    std::uint64_t sent_ = 0;
    std::size_t bytes_ = 0;
    std::size_t flight_bytes_ = 0;  // of those before the cursor
};

}  // namespace quorate::cluster
