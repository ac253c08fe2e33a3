#include "mail/imap/executor.hpp"

#include <type_traits>
#include <utility>

#include "append.hpp"
#include "fetch.hpp"
#include "job.hpp"
#include "list.hpp"
#include "mailbox_commands.hpp"
#include "message_commands.hpp"
#include "search.hpp"
#include "selection.hpp"
#include "update_report.hpp"

namespace quorate::mail::imap {
namespace {

// Pieces in a row that bring nothing because the account is busy.
constexpr unsigned kBusyPiecesMax = 1000;

template <class T, class... Ts>
constexpr bool is_one_of = (std::is_same_v<T, Ts> || ...);

// Commands of the selected state. The session machine lets no other through; this holds for callers
// that have none.
bool needs_selection(const Command& command) {
    return std::visit(
        []<class T>(const T&) { return is_one_of<T, Expunge, StoreFlags, Copy, Fetch, Search>; },
        command.what);
}

// What makes sense though the selected mailbox is deleted.
bool leaves_selection(const Command& command) {
    return std::holds_alternative<Select>(command.what) ||
           std::holds_alternative<Unselect>(command.what);
}

bool is_uid_command(const Command& command) { return command.name.starts_with("UID "); }

Result<Reply> start(Turn&, const Noop&) { return Reply(completed(Updates::kAll)); }
Result<Reply> start(Turn&, const Poll&) { return Reply(completed(Updates::kAll)); }
Result<Reply> start(Turn& turn, const Select& command) { return run_select(turn, command); }
Result<Reply> start(Turn& turn, const Unselect& command) { return run_unselect(turn, command); }
Result<Reply> start(Turn& turn, const Create& command) { return run_create(turn, command); }
Result<Reply> start(Turn& turn, const Delete& command) { return run_delete(turn, command); }
Result<Reply> start(Turn& turn, const Rename& command) { return run_rename(turn, command); }
Result<Reply> start(Turn& turn, const Subscribe& command) { return run_subscribe(turn, command); }
Result<Reply> start(Turn& turn, const List& command) { return run_list(turn, command); }
Result<Reply> start(Turn& turn, const StatusCommand& command) { return run_status(turn, command); }
Result<Reply> start(Turn& turn, const AppendCheck& command) {
    return run_append_check(turn, command);
}
Result<Reply> start(Turn& turn, const Append& command) { return run_append(turn, command); }
Result<Reply> start(Turn& turn, const Expunge& command) { return run_expunge(turn, command); }
Result<Reply> start(Turn& turn, const StoreFlags& command) {
    return run_store_flags(turn, command);
}
Result<Reply> start(Turn& turn, const Copy& command) { return run_copy(turn, command); }
Result<Reply> start(Turn& turn, const Fetch& command) { return run_fetch(turn, command); }
Result<Reply> start(Turn& turn, const Search& command) { return run_search(turn, command); }

std::string_view word_of(Completion::Condition condition) {
    switch (condition) {
        case Completion::Condition::kOk:
            return " OK ";
        case Completion::Condition::kNo:
            return " NO ";
        case Completion::Condition::kBad:
            break;
    }
    return " BAD ";
}

void append_tagged(std::string& out, const Command& command, const Completion& completion) {
    out.append(command.tag).append(word_of(completion.condition));
    if (!completion.code.empty()) {
        out.append("[").append(completion.code).append("] ");
    }
    if (completion.text.empty()) {
        out.append(command.name).append(" completed");
    } else {
        out.append(completion.text);
    }
    out.append("\r\n");
}

}  // namespace

// One command goes through three phases: its job (for most it is done at once), the report of what
// else changed in the mailbox, the tagged line.
struct Executor::Impl {
    Impl(const Options& given, std::function<void()> callback)
        : options(given), on_change(std::move(callback)) {}

    const Options options;
    const std::function<void()> on_change;
    std::unique_ptr<Selection> selection;

    const Command* command = nullptr;
    std::unique_ptr<Job> job;
    std::optional<Completion> completion;
    std::optional<UpdateReport> report;
    unsigned busy_pieces = 0;

    Turn turn(const RunContext& context, std::string& out) {
        return {context, options, on_change, selection, out};
    }

    void take(Result<Reply> reply) {
        if (!reply) {
            completion = refused(reply.error());
        } else if (auto* const done = std::get_if<Completion>(&*reply)) {
            completion = std::move(*done);
        } else {
            job = std::get<std::unique_ptr<Job>>(std::move(*reply));
        }
    }

    // Fails with account_busy only.
    Status run_job(Turn& turn) {
        auto done = job->run(turn);
        if (!done) {
            if (is_busy(done.error())) {
                return tl::unexpected(std::move(done).error());
            }
            completion = refused(done.error());
        } else if (*done) {
            completion = std::move(**done);
        }
        if (completion) {
            job.reset();
        }
        return {};
    }

    // True when the last octet of the command is in `piece`.
    bool finish(Turn& turn, Piece& piece) {
        if (!completion->bye.empty()) {
            piece.executed.bye = completion->bye;
            return true;
        }
        if (!report && selection && completion->updates != Updates::kNone) {
            report.emplace(*selection, completion->updates, is_uid_command(*command));
        }
        if (report && !report->run(turn)) {
            return false;
        }
        const bool silent = std::holds_alternative<Poll>(command->what) ||
                            (std::holds_alternative<AppendCheck>(command->what) &&
                             completion->condition == Completion::Condition::kOk);
        if (!silent) {
            append_tagged(turn.out, *command, *completion);
        }
        return true;
    }

    Piece seal(const RunContext& context, Piece piece) {
        piece.wait_for = context.account.last_lsn();
        if (piece.done) {
            using Selected = Executed::Selected;
            piece.executed.selected = !selection                      ? Selected::kNone
                                      : selection->view().read_only() ? Selected::kReadOnly
                                                                      : Selected::kReadWrite;
            piece.executed.ok = piece.executed.bye.empty() && completion &&
                                completion->condition == Completion::Condition::kOk;
            reset();
        }
        return piece;
    }

    void reset() {
        command = nullptr;
        job.reset();
        completion.reset();
        report.reset();
        busy_pieces = 0;
    }

    bool is_gone() const { return selection && selection->view().gone(); }

    Piece gone(const RunContext& context) {
        Piece piece;
        piece.executed.bye = "The selected mailbox was deleted";
        return seal(context, std::move(piece));
    }
};

Executor::Executor(const Options& options, std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(options, std::move(on_change))) {}
Executor::~Executor() = default;

Result<Piece> Executor::begin(const RunContext& context, const Command& command) {
    impl_->reset();
    impl_->command = &command;
    if (impl_->is_gone() && !leaves_selection(command)) {
        return impl_->gone(context);
    }
    Piece piece;
    auto turn = impl_->turn(context, piece.bytes);
    if (!impl_->selection && needs_selection(command)) {
        impl_->completion = bad("No mailbox is selected");
    } else {
        auto reply = std::visit([&](const auto& what) { return start(turn, what); }, command.what);
        if (!reply && is_busy(reply.error())) {
            return tl::unexpected(std::move(reply).error());
        }
        impl_->take(std::move(reply));
    }
    if (impl_->job) {
        piece.bytes.reserve(impl_->options.piece_bytes + impl_->options.piece_bytes / 4);
        if (auto status = impl_->run_job(turn); !status && piece.bytes.empty()) {
            return tl::unexpected(std::move(status).error());
        }
    }
    piece.done = impl_->completion && impl_->finish(turn, piece);
    return impl_->seal(context, std::move(piece));
}

Piece Executor::next(const RunContext& context) {
    if (impl_->is_gone()) {
        return impl_->gone(context);
    }
    Piece piece;
    piece.bytes.reserve(impl_->options.piece_bytes + impl_->options.piece_bytes / 4);
    auto turn = impl_->turn(context, piece.bytes);
    if (impl_->job) {
        const auto status = impl_->run_job(turn);
        impl_->busy_pieces = !status && piece.bytes.empty() ? impl_->busy_pieces + 1 : 0;
        if (impl_->busy_pieces > kBusyPiecesMax) {
            impl_->job.reset();
            impl_->completion = refused(status.error());
        }
    }
    piece.done = impl_->completion && impl_->finish(turn, piece);
    return impl_->seal(context, std::move(piece));
}

void Executor::close() {
    impl_->reset();
    impl_->selection.reset();
}

}  // namespace quorate::mail::imap
