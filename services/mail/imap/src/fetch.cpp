#include "fetch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "fetch_section.hpp"
#include "mail/message/date.hpp"
#include "mail/store/errc.hpp"
#include "message_content.hpp"
#include "message_set.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

using ItemKind = FetchItem::Kind;

constexpr std::size_t kBatchMessages = 256;

bool is_stored_text(ItemKind kind) {
    return kind == ItemKind::kEnvelope || kind == ItemKind::kBody ||
           kind == ItemKind::kBodystructure;
}

store::Account::Field field_of(ItemKind kind) {
    switch (kind) {
        case ItemKind::kBody:
            return store::Account::Field::kBody;
        case ItemKind::kBodystructure:
            return store::Account::Field::kBodystructure;
        case ItemKind::kEnvelope:
        case ItemKind::kFlags:
        case ItemKind::kUid:
        case ItemKind::kInternalDate:
        case ItemKind::kSize:
        case ItemKind::kSection:
            break;
    }
    return store::Account::Field::kEnvelope;
}

// Names and values of stored texts.
std::string_view name_of(ItemKind kind) {
    return kind == ItemKind::kEnvelope ? "ENVELOPE "
           : kind == ItemKind::kBody   ? "BODY "
                                       : "BODYSTRUCTURE ";
}

const std::string& text_of(ItemKind kind, const store::Content& content) {
    return kind == ItemKind::kEnvelope ? content.envelope
           : kind == ItemKind::kBody   ? content.body_text
                                       : content.bodystructure;
}

// From where the items of a command come.
struct Sources {
    enum class Kind { kIndex, kRuns, kMessages } kind = Kind::kIndex;
    FetchItem::Kind text = FetchItem::Kind::kEnvelope;  // kRuns: the one that is read
    bool shows_flags = false;
    bool marks_seen = false;
};

Sources sources_of(const Fetch& command) {
    Sources sources;
    for (const auto& item : command.items) {
        if (item.kind == ItemKind::kSection) {
            sources.kind = Sources::Kind::kMessages;
            sources.marks_seen = sources.marks_seen || !item.section.peek;
        } else if (item.kind == ItemKind::kFlags) {
            sources.shows_flags = true;
        } else if (is_stored_text(item.kind)) {
            const bool first = sources.kind == Sources::Kind::kIndex;
            if (first || (sources.kind == Sources::Kind::kRuns && sources.text == item.kind)) {
                sources.kind = Sources::Kind::kRuns;
                sources.text = item.kind;
            } else {
                sources.kind = Sources::Kind::kMessages;
            }
        }
    }
    return sources;
}

class FetchJob final : public Job {
public:
    FetchJob(const Fetch& command, Positions positions, const store::View& view)
        : command_(command),
          sources_(sources_of(command)),
          cursor_(std::move(positions)),
          view_(view),
          flags_(view) {
        sources_.marks_seen = sources_.marks_seen && !view.read_only();
    }

    Result<std::optional<Completion>> run(Turn& turn) override {
        while (!turn.full()) {
            if (batch_at_ == batch_.size() && cursor_.at_end()) {
                return std::optional(completion());
            }
            QUORATE_CHECK(prepare(turn));
            switch (sources_.kind) {
                case Sources::Kind::kIndex:
                    show_index(turn);
                    break;
                case Sources::Kind::kRuns:
                    QUORATE_CHECK(show_run(turn));
                    break;
                case Sources::Kind::kMessages:
                    if (auto status = show_message(turn); !status) {
                        if (is_busy(status.error())) {
                            return tl::unexpected(std::move(status).error());
                        }
                        return std::optional(broken("A message could not be read"));
                    }
                    break;
            }
        }
        return std::optional<Completion>();
    }

private:
    Completion completion() const {
        const auto updates = command_.set.uid ? Updates::kAll : Updates::kWithoutExpunges;
        auto completion = failure_ ? refused(*failure_) : completed(updates);
        completion.updates = updates;
        return completion;
    }

    // The next messages, marked \Seen if the command does that. May fail with account_busy: then it
    // is done again at the next call.
    Status prepare(Turn& turn) {
        if (batch_at_ == batch_.size()) {
            collect(turn.options.piece_bytes);
        }
        if (!prepared_) {
            if (sources_.marks_seen) {
                QUORATE_CHECK(mark_seen(turn));
            }
            prepared_ = true;
        }
        if (sources_.shows_flags || !newly_seen_.empty()) {
            turn.selection->announce_keywords(turn.out);
        }
        return {};
    }

    // What is marked is soon sent: bounded by the sizes of the messages.
    void collect(std::size_t bytes) {
        batch_.clear();
        batch_at_ = 0;
        prepared_ = false;
        newly_seen_.clear();
        std::uint64_t size = 0;
        while (!cursor_.at_end() && batch_.size() < kBatchMessages &&
               (!sources_.marks_seen || size < bytes)) {
            size += view_.at(cursor_.position()).size;
            batch_.push_back(cursor_.position());
            cursor_.advance();
        }
    }

    // RFC 3501 6.4.5: "The \Seen flag is implicitly set; if this causes the flags to change, they
    // SHOULD be included as part of the FETCH responses."
    Status mark_seen(Turn& turn) {
        std::vector<std::uint32_t> unseen;
        for (const auto position : batch_) {
            if ((view_.at(position).flags & store::kSeen) == 0 && !view_.expunged(position)) {
                unseen.push_back(position);
            }
        }
        if (!unseen.empty()) {
            store::FlagChange change;
            change.system_flags = store::kSeen;
            QUORATE_TRY(newly_seen_,
                        turn.account().change_flags(turn.selection->view(), unseen, change));
            std::sort(newly_seen_.begin(), newly_seen_.end());
        }
        return {};
    }

    void begin_line(std::string& out, std::uint32_t position) {
        out.append("* ");
        append_number(out, std::uint64_t{position} + 1);
        out.append(" FETCH (");
    }

    void append_index_item(std::string& out, ItemKind kind, std::uint32_t position) {
        const auto& message = view_.at(position);
        if (kind == ItemKind::kFlags) {
            out.append("FLAGS ").append(flags_.of(position));
        } else if (kind == ItemKind::kUid) {
            out.append("UID ");
            append_number(out, message.uid);
        } else if (kind == ItemKind::kSize) {
            out.append("RFC822.SIZE ");
            append_number(out, message.size);
        } else {
            out.append("INTERNALDATE \"")
                .append(message::format_imap_date_time(
                    {message.internal_date.seconds, message.internal_date.zone_minutes}))
                .push_back('"');
        }
    }

    void append_line(std::string& out, std::uint32_t position, std::string_view text) {
        begin_line(out, position);
        bool first = true;
        for (const auto& item : command_.items) {
            if (!std::exchange(first, false)) {
                out.push_back(' ');
            }
            if (is_stored_text(item.kind)) {
                out.append(name_of(item.kind)).append(text);
            } else {
                append_index_item(out, item.kind, position);
            }
        }
        out.append(")\r\n");
    }

    void show_index(Turn& turn) {
        while (batch_at_ < batch_.size() && !turn.full()) {
            append_line(turn.out, batch_[batch_at_++], {});
        }
    }

    Status show_run(Turn& turn) {
        bodies_.clear();
        for (auto at = batch_at_; at < batch_.size(); ++at) {
            bodies_.push_back(view_.at(batch_[at]).body);
        }
        const auto first = batch_at_;
        auto status = turn.account().for_each(
            bodies_, field_of(sources_.text), [&](std::size_t index, std::string_view text) {
                batch_at_ = first + index + 1;
                append_line(turn.out, batch_[first + index], text);
                return !turn.full();
            });
        if (!status) {
            if (is_busy(status.error())) {
                return status;
            }
            skip_message(std::move(status).error());
        } else if (batch_at_ < batch_.size() && !turn.full()) {
            skip_message({make_error_code(store::errc::damaged), "a message without its texts"});
        }
        return {};
    }

    // The others are shown, then the command is answered NO.
    void skip_message(Error error) {
        if (!failure_) {
            failure_ = std::move(error);
        }
        ++batch_at_;
    }

    // Goes on with the current message. Fails with account_busy, to be called again, and when the
    // line cannot be completed though a part of it is out already.
    Status show_message(Turn& turn) {
        const auto position = batch_[batch_at_];
        const auto before = turn.out.size();
        const bool whole = !begun_;
        MessageContent content(turn.account(), view_.at(position).body);
        auto shown = show_items(turn, content, position);
        if (!shown) {
            const bool busy = is_busy(shown.error());
            if (whole) {
                turn.out.resize(before);
                begun_ = false;
            }
            if (busy || !whole) {
                return tl::unexpected(std::move(shown).error());
            }
            skip_message(std::move(shown).error());
            return {};
        }
        if (*shown) {
            turn.out.append(")\r\n");
            begun_ = false;
            ++batch_at_;
        }
        return {};
    }

    // False: the piece is full before the last item.
    Result<bool> show_items(Turn& turn, MessageContent& content, std::uint32_t position) {
        if (!begun_) {
            begin_line(turn.out, position);
            begun_ = true;
            item_ = 0;
            literal_ = {};
            if (!sources_.shows_flags &&
                std::binary_search(newly_seen_.begin(), newly_seen_.end(), position)) {
                append_index_item(turn.out, ItemKind::kFlags, position);
                turn.out.push_back(' ');
            }
        }
        while (literal_.is_open() || item_ < command_.items.size()) {
            if (turn.full()) {
                return false;
            }
            if (literal_.is_open()) {
                QUORATE_CHECK(continue_literal(turn.out, content, literal_));
                continue;
            }
            if (item_ > 0) {
                turn.out.push_back(' ');
            }
            QUORATE_CHECK(append_item(turn.out, content, command_.items[item_++], position));
        }
        return true;
    }

    Status append_item(std::string& out, MessageContent& content, const FetchItem& item,
                       std::uint32_t position) {
        if (item.kind == ItemKind::kSection) {
            return append_section(out, content, item.section, literal_);
        }
        if (is_stored_text(item.kind)) {
            QUORATE_TRY(const auto* const stored, content.content());
            out.append(name_of(item.kind)).append(text_of(item.kind, *stored));
            return {};
        }
        append_index_item(out, item.kind, position);
        return {};
    }

    const Fetch& command_;
    Sources sources_;
    PositionCursor cursor_;
    const store::View& view_;
    FlagText flags_;

    std::vector<std::uint32_t> batch_;  // positions
    std::size_t batch_at_ = 0;
    bool prepared_ = false;
    std::vector<std::uint32_t> newly_seen_;  // of the batch
    std::vector<store::BodyId> bodies_;

    // The message whose line is not complete.
    bool begun_ = false;
    std::size_t item_ = 0;
    OpenLiteral literal_;

    std::optional<Error> failure_;
};

}  // namespace

Result<Reply> run_fetch(Turn& turn, const Fetch& command) {
    const auto& view = turn.selection->view();
    auto positions = resolve(view, command.set);
    if (!positions) {
        return Reply(bad("The message set goes beyond the mailbox"));
    }
    return Reply(std::make_unique<FetchJob>(command, std::move(*positions), view));
}

}  // namespace quorate::mail::imap
