#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "mail/imap/command.hpp"
#include "mail/imap/session.hpp"
#include "mail/store/account.hpp"

namespace quorate::mail::imap {

// The message that an APPEND brought. put() writes it to the store and computes its summary, once.
class AppendBody {
public:
    virtual ~AppendBody() = default;
    virtual std::uint64_t size() const = 0;
    struct Stored {
        store::BodyRef body;
        const message::Summary* summary = nullptr;  // lives as long as the AppendBody
    };
    virtual Result<Stored> put(store::AccountId owner) = 0;
};

// What one run may use. All valid for the call only.
struct RunContext {
    store::Account& account;
    WallTime now;
    AppendBody* body = nullptr;  // not null for Append, of an empty message neither
};

// A part of a command's responses.
struct Piece {
    std::string bytes;
    store::Lsn wait_for;  // send nothing of it before the journal is durable up to here
    bool done = true;     // false: call next() for more
    Executed executed;    // when done
};

// Runs a session's commands against its account and renders the responses (RFC 3501 section 7).
// Holds the view of the selected mailbox. Long output comes in pieces of about 64 KiB, so memory is
// bounded by the largest single item, and a body is read in pieces too.
//
// Thread rule: every call, the destructor too, on the account's strand. Errors of the store become
// NO responses with their response codes (RFC 5530); begin() fails only with errc::account_busy,
// having changed nothing: repeat it later with the same command.
class Executor {
public:
    struct Options {
        std::uint64_t append_bytes = 50ULL << 20;
        std::size_t piece_bytes = 64 * 1024;
        // Messages that one SEARCH BODY/TEXT reads before it lets other sessions of the account in.
        std::size_t search_messages = 64;
    };
    // `on_change` is called on the strand when the selected mailbox was changed by another session;
    // it may only post a wake-up.
    Executor(const Options& options, std::function<void()> on_change);
    ~Executor();

    // The command stays the caller's and must live until its last piece.
    Result<Piece> begin(const RunContext& context, const Command& command);
    Piece next(const RunContext& context);
    // Lets go of the mailbox: the session is over.
    void close();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::mail::imap
