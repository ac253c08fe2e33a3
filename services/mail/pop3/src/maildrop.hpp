#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mail/pop3/session.hpp"

namespace quorate::mail::pop3 {

// The messages of a session, numbered from 1, and which of them are marked as deleted (RFC 1939 5).
// Numbers do not change while the session lasts.
class Maildrop {
public:
    void open(MaildropOpened opened);

    // The message with this number, unless there is none or it is marked.
    const MaildropOpened::Item* find(std::uint64_t number) const;
    void mark_deleted(std::uint64_t number);
    void unmark_all();

    // Of what is not marked.
    std::size_t count() const { return items_.size() - deleted_count_; }
    std::uint64_t octets() const { return octets_; }
    std::vector<store::Uid> deleted() const;

    // "N messages (M octets)"
    std::string total() const;
    // "<number> <octets>" and "<number> <unique-id>", without line end.
    std::string scan_listing(std::uint64_t number) const;
    std::string unique_id_listing(std::uint64_t number) const;
    // One such line per message that is not marked, each with CRLF.
    std::string scan_listings() const;
    std::string unique_id_listings() const;

private:
    std::uint32_t uid_validity_ = 0;
    std::vector<MaildropOpened::Item> items_;
    std::vector<bool> deleted_;
    std::size_t deleted_count_ = 0;
    std::uint64_t octets_ = 0;
};

}  // namespace quorate::mail::pop3
