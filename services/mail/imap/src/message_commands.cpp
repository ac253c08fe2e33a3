#include "message_commands.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "message_set.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

constexpr std::string_view kBadSet = "The message set goes beyond the mailbox";

// What a set means now: messages that others have expunged already cannot be changed.
struct Targets {
    std::vector<std::uint32_t> positions;
    bool some_expunged = false;
};

Targets targets_of(const store::View& view, const Positions& positions) {
    Targets targets;
    targets.positions.reserve(count(positions));
    for (PositionCursor cursor(positions); !cursor.at_end(); cursor.advance()) {
        if (view.expunged(cursor.position())) {
            targets.some_expunged = true;
        } else {
            targets.positions.push_back(cursor.position());
        }
    }
    return targets;
}

// RFC 5530: part of the set was expunged by another session; a NOOP will tell which.
Completion completed_with(const Targets& targets, Updates updates) {
    auto completion = completed(updates);
    if (targets.some_expunged) {
        completion.code = "EXPUNGEISSUED";
        completion.text = "Some of the messages are expunged";
    }
    return completion;
}

// The new flags of each message of a STORE without .SILENT.
class FlagsJob final : public Job {
public:
    FlagsJob(std::vector<std::uint32_t> positions, bool with_uid, const store::View& view,
             Completion completion)
        : positions_(std::move(positions)),
          flags_(view),
          completion_(std::move(completion)),
          with_uid_(with_uid) {}

    Result<std::optional<Completion>> run(Turn& turn) override {
        turn.selection->announce_keywords(turn.out);
        while (next_ < positions_.size() && !turn.full()) {
            append_flags_response(turn.out, turn.selection->view(), flags_,
                                  {positions_[next_++], with_uid_});
        }
        if (next_ < positions_.size()) {
            return std::optional<Completion>();
        }
        return std::optional(std::move(completion_));
    }

private:
    std::vector<std::uint32_t> positions_;
    std::size_t next_ = 0;
    FlagText flags_;
    Completion completion_;
    bool with_uid_;
};

store::FlagChange change_of(const StoreFlags& command, const store::View& view) {
    store::FlagChange change;
    change.system_flags = command.flags.system;
    change.keywords = command.flags.keywords;
    switch (command.action) {
        case StoreFlags::Action::kReplace:
            change.action = store::FlagAction::kReplace;
            break;
        case StoreFlags::Action::kAdd:
            change.action = store::FlagAction::kAdd;
            break;
        case StoreFlags::Action::kRemove:
            change.action = store::FlagAction::kRemove;
            // What no message has need not become a keyword of the mailbox to be removed.
            std::erase_if(change.keywords, [&](const std::string& keyword) {
                return std::none_of(
                    view.keywords().begin(), view.keywords().end(),
                    [&](const std::string& known) { return iequals(known, keyword); });
            });
            break;
    }
    return change;
}

std::string copyuid(const store::Copied& copied) {
    std::string code = "COPYUID ";
    append_number(code, copied.uid_validity);
    code.push_back(' ');
    append_uid_set(code, copied.source_uids);
    code.push_back(' ');
    append_uid_set(code, copied.destination_uids);
    return code;
}

}  // namespace

Result<Reply> run_expunge(Turn& turn, const Expunge& command) {
    auto& view = turn.selection->view();
    if (view.read_only()) {
        return Reply(refused("READ-ONLY", "The mailbox is selected read-only"));
    }
    std::vector<std::uint32_t> positions;
    std::optional<std::span<const std::uint32_t>> only;
    if (command.uids) {
        const auto set = resolve(view, *command.uids);
        if (!set) {
            return Reply(bad(kBadSet));
        }
        positions = targets_of(view, *set).positions;
        only = positions;
    }
    QUORATE_TRY(const auto uids, turn.account().expunge(view, only));
    static_cast<void>(uids);
    return Reply(completed(Updates::kAll));
}

Result<Reply> run_store_flags(Turn& turn, const StoreFlags& command) {
    auto& view = turn.selection->view();
    if (view.read_only()) {
        return Reply(refused("READ-ONLY", "The mailbox is selected read-only"));
    }
    const auto set = resolve(view, command.set);
    if (!set) {
        return Reply(bad(kBadSet));
    }
    auto targets = targets_of(view, *set);
    if (!targets.positions.empty()) {
        QUORATE_TRY(const auto changed,
                    turn.account().change_flags(view, targets.positions, change_of(command, view)));
        static_cast<void>(changed);
    }
    auto completion =
        completed_with(targets, command.set.uid ? Updates::kAll : Updates::kWithoutExpunges);
    if (command.silent) {
        return Reply(std::move(completion));
    }
    return Reply(std::make_unique<FlagsJob>(std::move(targets.positions), command.set.uid, view,
                                            std::move(completion)));
}

// All or nothing (RFC 3501 6.4.7): a sequence number whose message is expunged refuses the command,
// a uid that is not there is ignored (6.4.8).
Result<Reply> run_copy(Turn& turn, const Copy& command) {
    auto& account = turn.account();
    auto& view = turn.selection->view();
    if (command.move && view.read_only()) {
        return Reply(refused("READ-ONLY", "The mailbox is selected read-only"));
    }
    const auto set = resolve(view, command.set);
    if (!set) {
        return Reply(bad(kBadSet));
    }
    const auto destination = account.mailbox(command.mailbox);
    if (!destination) {
        return refused_destination(destination.error());
    }
    const auto targets = targets_of(view, *set);
    if (targets.some_expunged && !command.set.uid) {
        return Reply(refused("EXPUNGEISSUED", "Some of the messages are expunged"));
    }
    auto completion = completed(Updates::kAll);
    if (targets.positions.empty()) {
        completion.text = "No messages found";
        return Reply(std::move(completion));
    }
    QUORATE_TRY(const auto copied, command.move
                                       ? account.move(view, targets.positions, destination->id)
                                       : account.copy(view, targets.positions, destination->id));
    if (copied.source_uids.empty()) {
        return Reply(std::move(completion));
    }
    if (command.move) {
        // RFC 6851 4.3: before the EXPUNGE responses, therefore not in the tagged line.
        turn.out.append("* OK [").append(copyuid(copied)).append("] Moved\r\n");
    } else {
        completion.code = copyuid(copied);
    }
    return Reply(std::move(completion));
}

}  // namespace quorate::mail::imap
