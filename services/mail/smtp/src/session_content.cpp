#include <algorithm>
#include <span>
#include <utility>

#include "session_impl.hpp"

namespace quorate::mail::smtp {

void Session::Impl::note_defect(Defect defect) {
    if (defect != Defect::kNone) {
        const bool nul = defect == Defect::kNul;
        transaction_->intake->refuse(nul ? replies::kNul : replies::kBareLineEnd, actions_);
    }
}

std::size_t Session::Impl::on_data_octets(std::string_view bytes) {
    flush();
    auto& decoder = transaction_->data;
    std::string octets;
    if (!transaction_->intake->refusal()) {
        octets.reserve(bytes.size());
    }
    const auto used = decoder.feed(bytes, octets);
    transaction_->intake->add(std::move(octets), actions_);
    note_defect(decoder.defect());
    if (decoder.ended()) {
        state_ = State::kCommand;
        rearm();
        end_message();
    }
    return used;
}

std::size_t Session::Impl::on_chunk_octets(std::string_view bytes) {
    flush();
    const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), chunk_left_));
    if (!chunk_refusal_) {
        const auto octets = bytes.substr(0, used);
        const auto clean = transaction_->chunks.feed(octets);
        transaction_->intake->add(std::string(octets.substr(0, clean)), actions_);
        note_defect(transaction_->chunks.defect());
    }
    chunk_left_ -= used;
    if (chunk_left_ == 0) {
        end_chunk();
    }
    return used;
}

void Session::Impl::end_chunk() {
    state_ = State::kCommand;
    rearm();
    if (!chunk_refusal_ && chunk_last_) {
        transaction_->chunks.finish();
        note_defect(transaction_->chunks.defect());
        return end_message();
    }
    if (!chunk_refusal_) {
        chunk_refusal_ = transaction_->intake->refusal();
        transaction_->chunk_refused = chunk_refusal_.has_value();
    }
    if (!chunk_refusal_) {
        return reply(replies::kChunkOk);
    }
    if (chunk_last_ && !content_obstacle()) {
        answer_all(*chunk_refusal_);
    } else {
        refuse(*chunk_refusal_);
    }
}

void Session::Impl::end_message() {
    auto& intake = *transaction_->intake;
    intake.finish(actions_);
    if (intake.refusal()) {
        return answer_all(Reply(*intake.refusal()));
    }
    Deliver question;
    question.sender = transaction_->mail.reverse_path.to_string();
    for (const auto& recipient : transaction_->recipients) {
        question.recipients.push_back(recipient.address);
    }
    question.size = intake.stored();
    question.all_or_none = !lmtp();
    intake.hand_over();
    ask(std::move(question), Asked::kDeliver);
}

// The message is refused, for every recipient (RFC 2033 4.2 for LMTP).
void Session::Impl::answer_all(const Reply& why) {
    answer_message(std::vector<Reply>(transaction_->recipients.size(), why), {});
}

// One reply for each recipient in LMTP, one for all in SMTP. Ends the transaction.
void Session::Impl::answer_message(const std::vector<Reply>& answers, const std::string& queue_id) {
    auto& recipients = transaction_->recipients;
    std::vector<Transaction::Recipient> stored;
    bool refused = false;
    for (std::size_t i = 0; i < (lmtp() ? answers.size() : 1); ++i) {
        const auto& answer = answers[i];
        append_reply(out_, answer);
        if (answer.code == replies::kStored.code) {
            out_.insert(out_.size() - 2, " " + queue_id);
            if (lmtp()) {
                stored.push_back(std::move(recipients[i]));
            } else {
                stored = std::move(recipients);
            }
            continue;
        }
        refused = refused || answer.permanent();
        const std::span<const Transaction::Recipient> all(recipients);
        note(Note::Level::kInfo, "message_refused",
             describe_refused(*transaction_, lmtp() ? all.subspan(i, 1) : all, answer));
    }
    if (!stored.empty()) {
        errors_ = 0;
        idle_commands_ = 0;
        recipients = std::move(stored);
        note(Note::Level::kInfo, "message_accepted",
             describe_accepted(*transaction_, {.transport = transport_name(transport()),
                                               .user = user_.value_or(""),
                                               .queue_id = queue_id}));
    }
    end_transaction();
    if (refused && !lmtp()) {
        count_error();
    }
}

namespace {

const Reply& reply_to(Delivered::Kind kind) {
    switch (kind) {
        case Delivered::Kind::kOk:
            return replies::kStored;
        case Delivered::Kind::kUnknownUser:
            return replies::kUnknownUser;
        case Delivered::Kind::kOverQuota:
            return replies::kOverQuota;
        case Delivered::Kind::kVolumeFull:
            return replies::kVolumeFull;
        case Delivered::Kind::kUnavailable:
            break;
    }
    return replies::kNotStored;
}

}  // namespace

void Session::Impl::on(const Delivered& delivered) {
    if (!answered(Asked::kDeliver)) {
        return;
    }
    std::vector<Reply> answers(transaction_->recipients.size(), replies::kNotStored);
    for (std::size_t i = 0; i < std::min(answers.size(), delivered.outcomes.size()); ++i) {
        answers[i] = reply_to(delivered.outcomes[i]);
    }
    // SMTP has one answer: the first that is not well speaks for all.
    const auto failed = std::find_if(answers.begin(), answers.end(), [](const Reply& answer) {
        return answer.code != replies::kStored.code;
    });
    if (!lmtp() && failed != answers.end()) {
        answers[0] = *failed;
    }
    answer_message(answers, delivered.queue_id);
    if (shutting_down_ && state_ != State::kClosed) {
        return shut_down(shutting_down_->why);
    }
    resume();
}

}  // namespace quorate::mail::smtp
