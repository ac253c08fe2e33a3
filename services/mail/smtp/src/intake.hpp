#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "header_watch.hpp"
#include "mail/smtp/session.hpp"
#include "reply.hpp"

namespace quorate::mail::smtp {

// One message on its way in: puts the trace header in front, watches the limits, and turns octets
// into BodyData. What is refused is given up at once (BodyDiscard), however much is still to come.
// At which octet that happens does not depend on the pieces in which the octets come.
class Intake {
public:
    struct Limits {
        std::uint64_t message_bytes = 0;  // as RFC 1870 counts: octets of the message as sent
        std::size_t header_bytes = 0;
        std::size_t received_hops = 0;
    };
    // For submission: what goes between the trace header and the message if it has no such field.
    struct Missing {
        std::string date;
        std::string message_id;
    };
    Intake(const Limits& limits, std::string trace, std::optional<Missing> missing)
        : limits_(limits),
          prefix_(std::move(trace)),
          missing_(std::move(missing)),
          header_(limits.received_hops) {}

    void add(std::string octets, std::vector<Action>& actions);
    // The end of the message has come.
    void finish(std::vector<Action>& actions);
    void refuse(const Reply& reply, std::vector<Action>& actions);
    // The message is not wanted any more.
    void discard(std::vector<Action>& actions);
    // Deliver has taken what was collected.
    void hand_over() { given_ = false; }

    const std::optional<Reply>& refusal() const { return refusal_; }
    std::uint64_t received() const { return received_; }  // octets of the message as sent
    std::uint64_t stored() const { return stored_; }      // octets in BodyData

private:
    void store(std::string octets, std::vector<Action>& actions);
    void open(std::vector<Action>& actions);
    void give(std::string octets, std::vector<Action>& actions);

    Limits limits_;
    std::string prefix_;
    std::optional<Missing> missing_;
    HeaderWatch header_;
    std::string held_;  // submission: the header, until it is known what is missing
    std::optional<Reply> refusal_;
    std::uint64_t received_ = 0;
    std::uint64_t stored_ = 0;
    bool open_ = false;   // the prefix was given
    bool given_ = false;  // BodyData to discard
};

}  // namespace quorate::mail::smtp
