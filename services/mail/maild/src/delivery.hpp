#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "body_collector.hpp"
#include "mail/smtp/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// What a recipient means here, and how a message gets into the mailboxes of its recipients. One per
// SMTP or LMTP session.
class Delivery {
public:
    explicit Delivery(SessionShell& shell) : shell_(shell), server_(shell.server) {}

    boost::asio::awaitable<smtp::Resolved> resolve(smtp::Resolve question);
    // Durable when it returns.
    boost::asio::awaitable<smtp::Delivered> deliver(smtp::Deliver question, BodyCollector& body);

private:
    using Target = auth::LocalRecipients::Target;
    using Outcome = smtp::Delivered::Kind;
    // One recipient's targets, or all recipients': get the message together or not at all.
    struct Group {
        std::vector<Target> targets;
        Outcome outcome = Outcome::kOk;
    };
    struct Copy {
        std::shared_ptr<AccountSlot> slot;
        store::MailboxId mailbox;
        store::Uid uid = 0;
        store::Lsn lsn;
    };
    // One message on its way.
    struct Work {
        BodyCollector& body;
        std::uint64_t size = 0;
        std::vector<store::AccountId> owners;
        std::map<std::uint64_t, Copy> copies;  // by account: who has it already
        store::Lsn newest;
    };

    std::vector<Group> group(const smtp::Deliver& question) const;
    boost::asio::awaitable<void> deliver_group(Group& group, Work& work);
    boost::asio::awaitable<Outcome> check_room(const Target& target, std::uint64_t size);
    boost::asio::awaitable<Outcome> append(const Target& target, Work& work);
    boost::asio::awaitable<void> take_back(const std::vector<std::uint64_t>& accounts, Work& work);
    std::shared_ptr<AccountSlot> slot(const Target& target) const;
    Outcome outcome_of(const Error& error, const Target& target) const;

    SessionShell& shell_;
    ServerContext& server_;
    std::uint64_t messages_ = 0;
};

}  // namespace quorate::mail
