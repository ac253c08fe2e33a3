#include <fmt/core.h>

#include <utility>

#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::smtp {

// Why no transaction may begin now.
std::optional<Reply> Session::Impl::mail_obstacle() const {
    if (hello_ == Hello::kNone) {
        return replies::kSayHello;
    }
    if (submission() && !user_) {
        const bool tls_first = mechanisms().empty() && options_.policy.tls_available && !in_tls();
        return tls_first ? replies::kNeedsStartTls : replies::kNeedsAuth;
    }
    if (transaction_) {
        return replies::kNestedMail;
    }
    return mails_ >= options_.mails ? std::optional(replies::kTooManyMails) : std::nullopt;
}

void Session::Impl::on_mail(std::string_view argument) {
    if (const auto obstacle = mail_obstacle()) {
        return refuse(*obstacle);
    }
    auto mail = parse_mail(argument, auth_offered());
    if (!mail) {
        return refuse(mail.error());
    }
    if (mail->size > options_.message_bytes) {
        return refuse(replies::kTooBig);
    }
    ++mails_;
    transaction_.emplace();
    transaction_->mail = std::move(*mail);
    reply(replies::kSenderOk);
}

void Session::Impl::on_rcpt(std::string_view argument) {
    if (!transaction_) {
        return misplaced(replies::kNeedsMail);
    }
    if (transaction_->intake) {
        return misplaced(replies::kInChunks);
    }
    if (transaction_->recipients.size() >= options_.recipients) {
        return misplaced(replies::kTooManyRecipients);
    }
    auto rcpt = parse_rcpt(argument, transaction_->mail.utf8);
    if (!rcpt) {
        return refuse(rcpt.error());
    }
    asked_recipient_ = {rcpt->forward_path.to_string(), std::move(rcpt->notify),
                        std::move(rcpt->orcpt)};
    ask(Resolve{asked_recipient_.address, transaction_->mail.size}, Asked::kResolve);
}

namespace {

const Reply& reply_to(Resolved::Kind kind) {
    switch (kind) {
        case Resolved::Kind::kOk:
            return replies::kRecipientOk;
        case Resolved::Kind::kNotLocal:
            return replies::kRelayDenied;
        case Resolved::Kind::kUnknownUser:
            return replies::kUnknownUser;
        case Resolved::Kind::kDisabled:
            return replies::kDisabled;
        case Resolved::Kind::kOverQuota:
            return replies::kOverQuota;
        case Resolved::Kind::kTryLater:
            break;
    }
    return replies::kTryLater;
}

}  // namespace

void Session::Impl::on(const Resolved& resolved) {
    if (!answered(Asked::kResolve)) {
        return;
    }
    const auto& answer = reply_to(resolved.kind);
    if (resolved.kind == Resolved::Kind::kOk) {
        transaction_->recipients.push_back(std::move(asked_recipient_));
        reply(answer);
    } else {
        note(Note::Level::kInfo, "recipient_refused",
             fmt::format("from=<{}> to=<{}> reply={} {}",
                         printable(transaction_->mail.reverse_path.to_string()),
                         printable(asked_recipient_.address), answer.code, answer.enhanced));
        // A peer that is trusted may have many that are gone.
        if (lmtp()) {
            reply(answer);
        } else {
            refuse(answer);
        }
    }
    resume();
}

// Why no content may come now.
std::optional<Reply> Session::Impl::content_obstacle() const {
    if (!transaction_) {
        return replies::kNeedsMail;
    }
    return transaction_->recipients.empty() ? std::optional(replies::kNeedsRecipient)
                                            : std::nullopt;
}

void Session::Impl::on_data(std::string_view argument) {
    if (const auto obstacle = content_obstacle()) {
        return misplaced(*obstacle);
    }
    if (transaction_->intake) {
        return misplaced(replies::kInChunks);
    }
    if (!argument.empty()) {
        return refuse(replies::kNoArguments);
    }
    open_intake();
    state_ = State::kData;
    rearm();
    reply(replies::kStartMail);
}

// RFC 3030 2. Octets follow whatever the answer is: without their number nothing can be understood
// any more.
void Session::Impl::on_bdat(std::string_view argument) {
    const auto words = split(argument, ' ');
    const auto size = parse_u64(words[0]);
    chunk_last_ = words.size() == 2 && iequals(words[1], "LAST");
    if (!size || words.size() > 2 || (words.size() == 2 && !chunk_last_)) {
        return say_goodbye(replies::kLostChunk);
    }
    chunk_left_ = *size;
    chunk_refusal_ = content_obstacle();
    if (!chunk_refusal_ && transaction_->chunk_refused) {
        chunk_refusal_ = replies::kChunkAfterFailure;
    }
    if (!chunk_refusal_ && !transaction_->intake) {
        open_intake();
    }
    state_ = State::kChunk;
    rearm();
    if (chunk_left_ == 0) {
        end_chunk();
    }
}

Transport Session::Impl::transport() const {
    return {.role = options_.role,
            .extended = hello_ == Hello::kExtended,
            .tls = in_tls(),
            .authenticated = user_.has_value(),
            .utf8 = transaction_->mail.utf8};
}

void Session::Impl::open_intake() {
    const auto& recipients = transaction_->recipients;
    Trace trace;
    trace.reverse_path = transaction_->mail.reverse_path.to_string();
    trace.hello = hello_name_;
    trace.address = start_.peer.address;
    trace.host = options_.host_name;
    trace.transport = transport();
    trace.tls = tls_;
    trace.id = fmt::format("{}.{}", start_.id, mails_);
    trace.time = wall_now();
    if (recipients.size() == 1) {
        trace.recipient = recipients[0].address;
    }
    std::optional<Intake::Missing> missing;
    if (submission()) {
        missing = Intake::Missing{date_field(trace.time),
                                  message_id_field(trace.id, trace.time, options_.host_name)};
    }
    const Intake::Limits limits{.message_bytes = options_.message_bytes,
                                .header_bytes = options_.header_bytes,
                                .received_hops = options_.received_hops};
    transaction_->intake =
        std::make_unique<Intake>(limits, trace_header(trace), std::move(missing));
}

}  // namespace quorate::mail::smtp
