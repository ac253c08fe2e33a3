#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "completion.hpp"
#include "mail/imap/executor.hpp"
#include "selection.hpp"

namespace quorate::mail::imap {

// What a command works with during one call of the executor.
struct Turn {
    const RunContext& context;
    const Executor::Options& options;
    const std::function<void()>& on_change;
    std::unique_ptr<Selection>& selection;  // null: no mailbox is selected
    std::string& out;

    store::Account& account() const { return context.account; }
    // Enough output for one piece.
    bool full() const { return out.size() >= options.piece_bytes; }
};

// A command that takes several pieces.
class Job {
public:
    virtual ~Job() = default;
    // Appends responses until the piece is full or the slice of work is done. Nothing: call again.
    // Errors: of the store; with account_busy the call may be repeated, after others the job is
    // over.
    virtual Result<std::optional<Completion>> run(Turn& turn) = 0;
};

using Reply = std::variant<Completion, std::unique_ptr<Job>>;

// The destination of APPEND, COPY and MOVE could not be looked up. RFC 3501 6.3.11, 6.4.7: one that
// is not there is answered with TRYCREATE, never created.
Result<Reply> refused_destination(const Error& error);

}  // namespace quorate::mail::imap
