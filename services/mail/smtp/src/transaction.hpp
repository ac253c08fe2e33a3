#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "chunk_decoder.hpp"
#include "data_decoder.hpp"
#include "intake.hpp"
#include "parameters.hpp"

namespace quorate::mail::smtp {

// From an accepted MAIL to the answer for its message (RFC 5321 3.3).
struct Transaction {
    struct Recipient {
        std::string address;
        std::string notify;  // RFC 3461, for the log
        std::string orcpt;
    };

    MailArguments mail;
    std::vector<Recipient> recipients;
    // The message, once its content has begun to come.
    std::unique_ptr<Intake> intake;
    DataDecoder data;
    ChunkDecoder chunks;
    bool chunk_refused = false;  // RFC 3030 2: nothing but RSET helps
};

// key=value text for the log, safe to print.
struct Acceptance {
    std::string transport;
    std::string user;  // who submitted it; empty: nobody was authenticated
    std::string queue_id;
};
std::string describe_accepted(const Transaction& transaction, const Acceptance& how);
// `recipients`: those that the reply speaks of.
std::string describe_refused(const Transaction& transaction,
                             std::span<const Transaction::Recipient> recipients,
                             const Reply& reply);

}  // namespace quorate::mail::smtp
