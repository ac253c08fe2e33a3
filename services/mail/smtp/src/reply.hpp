#pragma once

#include <string>
#include <string_view>

// All that the server says, in one place: reply codes of RFC 5321 4.2 and of the extensions, with
// enhanced status codes (RFC 2034, 3463, 5248).
namespace quorate::mail::smtp {

struct Reply {
    int code = 0;
    std::string_view enhanced;  // empty: greeting, EHLO, 334 and 354 have none (RFC 2034 3)
    std::string_view text;

    bool permanent() const { return code >= 500; }
};

// "250 2.1.0 text CRLF"
void append_reply(std::string& out, const Reply& reply);
// Replies that begin with the server's name (RFC 5321 4.2.2: 220, 221, 421).
void append_reply(std::string& out, const Reply& reply, std::string_view host);

namespace replies {

inline constexpr Reply kClosing{221, "2.0.0", "closing connection"};

inline constexpr Reply kAuthenticated{235, "2.7.0", "Authentication succeeded"};
inline constexpr Reply kReset{250, "2.0.0", "Ok"};
inline constexpr Reply kNoop{250, "2.0.0", "Ok"};
inline constexpr Reply kSenderOk{250, "2.1.0", "Sender ok"};
inline constexpr Reply kRecipientOk{250, "2.1.5", "Recipient ok"};
inline constexpr Reply kChunkOk{250, "2.0.0", "Chunk received"};
inline constexpr Reply kStored{250, "2.0.0", "Ok: stored as"};
inline constexpr Reply kCannotVerify{252, "2.5.2", "Cannot verify, send mail to find out"};
inline constexpr Reply kHelp{214, "2.0.0", "RFC 5321 says what to do"};
inline constexpr Reply kReadyForTls{220, "2.0.0", "Ready to start TLS"};
inline constexpr Reply kStartMail{354, "", "End the message with CR LF . CR LF"};

inline constexpr Reply kShutdown{421, "4.3.2", "shutting down, come back soon"};
inline constexpr Reply kEndedByOperator{421, "4.3.2", "the operator ended this session"};
inline constexpr Reply kAccountClosed{421, "4.7.0", "your account was disabled or removed"};
inline constexpr Reply kTimeout{421, "4.4.2", "timeout, closing connection"};
inline constexpr Reply kTooManyErrors{421, "4.7.0", "too many errors, closing connection"};
inline constexpr Reply kLostChunk{421, "4.5.4",
                                  "where this chunk ends is not known, closing connection"};

inline constexpr Reply kTryLater{451, "4.3.0", "Mailbox not available now, try later"};
inline constexpr Reply kNotStored{451, "4.3.0", "Message could not be stored now, try later"};
inline constexpr Reply kOverQuota{452, "4.2.2", "Mailbox is full"};
inline constexpr Reply kVolumeFull{452, "4.3.1", "Insufficient system storage"};
inline constexpr Reply kTooManyRecipients{452, "4.5.3", "Too many recipients"};
inline constexpr Reply kTooManyMails{452, "4.7.0", "Too many messages, open another session"};
inline constexpr Reply kAuthUnavailable{454, "4.7.0", "Temporary authentication failure"};

inline constexpr Reply kMalformed{500, "5.5.2", "Not a command: invalid characters"};
inline constexpr Reply kUnknownCommand{500, "5.5.1", "Command not recognized"};
inline constexpr Reply kBareLineFeed{500, "5.5.2", "Lines end with CR LF"};
inline constexpr Reply kLineTooLong{500, "5.5.2", "Line too long"};
inline constexpr Reply kAuthLineTooLong{500, "5.5.6", "Authentication exchange line is too long"};
inline constexpr Reply kNoArguments{501, "5.5.4", "No parameters allowed"};
inline constexpr Reply kNeedsHost{501, "5.5.4", "Say a host name or an address literal"};
inline constexpr Reply kNeedsAddress{501, "5.5.4", "Say an address"};
inline constexpr Reply kMailSyntax{501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]"};
inline constexpr Reply kRcptSyntax{501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]"};
inline constexpr Reply kBadSender{501, "5.1.7", "Bad sender address syntax"};
inline constexpr Reply kBadRecipient{501, "5.1.3", "Bad recipient address syntax"};
inline constexpr Reply kBadParameter{501, "5.5.4", "Bad parameter value"};
inline constexpr Reply kRepeatedParameter{501, "5.5.4", "Parameter given twice"};
inline constexpr Reply kAuthSyntax{501, "5.5.4", "Syntax: AUTH mechanism [initial response]"};
inline constexpr Reply kAuthBase64{501, "5.5.2", "Not base64"};
inline constexpr Reply kAuthCancelled{501, "5.7.0", "Authentication cancelled"};
inline constexpr Reply kNotImplemented{502, "5.5.1", "Command not implemented"};
inline constexpr Reply kSayHello{503, "5.5.1", "Introduce yourself first"};
inline constexpr Reply kNestedMail{503, "5.5.1", "Nested MAIL command"};
inline constexpr Reply kNeedsMail{503, "5.5.1", "MAIL first"};
inline constexpr Reply kNeedsRecipient{503, "5.5.1", "No valid recipients"};
inline constexpr Reply kInChunks{503, "5.5.1", "Message is being sent in chunks"};
inline constexpr Reply kChunkAfterFailure{503, "5.5.1", "An earlier chunk was refused"};
inline constexpr Reply kInTransaction{503, "5.5.1", "Not during a mail transaction"};
inline constexpr Reply kAlreadyTls{503, "5.5.1", "TLS is active already"};
inline constexpr Reply kAlreadyAuthenticated{503, "5.5.1", "Already authenticated"};
inline constexpr Reply kNeedsEhlo{503, "5.5.1", "EHLO first"};
inline constexpr Reply kUnknownMechanism{504, "5.5.4", "Mechanism not offered"};
inline constexpr Reply kNeedsAuth{530, "5.7.0", "Authentication required"};
inline constexpr Reply kNeedsStartTls{530, "5.7.0", "Issue STARTTLS first"};
inline constexpr Reply kAuthFailed{535, "5.7.8", "Authentication credentials invalid"};
inline constexpr Reply kMechanismNeedsTls{538, "5.7.11", "Mechanism needs an encrypted connection"};

inline constexpr Reply kUnknownUser{550, "5.1.1", "No such mailbox here"};
inline constexpr Reply kDisabled{550, "5.2.1", "Mailbox is disabled"};
inline constexpr Reply kRelayDenied{550, "5.7.1", "No mail is relayed to there"};
inline constexpr Reply kBareLineEnd{550, "5.5.2",
                                    "Message has a CR or LF that is not part of CR LF"};
inline constexpr Reply kTooBig{552, "5.3.4", "Message is bigger than is taken here, see SIZE"};
inline constexpr Reply kHeaderTooBig{552, "5.3.4", "Message header is too big"};
inline constexpr Reply kNeedsUtf8{553, "5.6.7", "Address needs SMTPUTF8"};
inline constexpr Reply kLoop{554, "5.4.6", "Too many hops: mail loop"};
inline constexpr Reply kNul{554, "5.6.0", "Message has a NUL octet"};
inline constexpr Reply kUnknownParameter{555, "5.5.4",
                                         "Parameter not recognized or not implemented"};

}  // namespace replies
}  // namespace quorate::mail::smtp
