#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quorate::mail::smtp {

// Watches the header of a message pass by (RFC 5322 2.2): where it ends and which fields it has.
// The header ends at the first blank line, and also at a line that is no field, for there are
// messages without header. Keeps only the beginning of the current line.
class HeaderWatch {
public:
    // `hops`: more Received fields than that are a loop (RFC 5321 6.3).
    explicit HeaderWatch(std::size_t hops) : hops_(hops) {}

    // Looks at the next octets; returns how many of them belong to the header, the line that ends
    // it included. Stops behind the line that makes it a loop.
    std::size_t feed(std::string_view octets);

    bool complete() const { return complete_; }
    bool loop() const { return received_ > hops_; }
    std::size_t size() const { return size_; }
    bool has_date() const { return date_; }
    bool has_message_id() const { return message_id_; }

private:
    void end_line();

    std::size_t hops_;
    std::string line_;  // its beginning
    std::size_t size_ = 0;
    std::size_t received_ = 0;
    bool complete_ = false;
    bool date_ = false;
    bool message_id_ = false;
};

}  // namespace quorate::mail::smtp
