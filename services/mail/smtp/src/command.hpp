#pragma once

#include <cstddef>
#include <string_view>

// Command lines (RFC 5321 2.4 and 4.1.1).
namespace quorate::mail::smtp {

enum class Verb {
    kEhlo,
    kHelo,
    kLhlo,
    kMail,
    kRcpt,
    kData,
    kBdat,
    kRset,
    kVrfy,
    kExpn,
    kHelp,
    kNoop,
    kQuit,
    kStartTls,
    kAuth,
    kNotImplemented,  // known, and not for us: 502
    kUnknown,         // 500
    kMalformed,       // control characters or broken UTF-8: 500
};

struct Command {
    Verb verb = Verb::kUnknown;
    std::string_view argument;  // without white space around it
};

// `line` is without its CR LF.
Command parse_command(std::string_view line);

// Cuts the octets of a connection into command lines. Only CR LF ends a line. What a bare LF ends
// is refused, and so is all that follows it up to the next CR LF: were it executed, a client that
// lets a line feed into an address would let a command in.
class CommandLines {
public:
    enum class Kind {
        kIncomplete,  // more octets are needed; `consumed` of them need not be shown again
        kLine,
        kTooLong,
        kBareLineFeed,
    };
    struct Line {
        Kind kind = Kind::kIncomplete;
        std::string_view text;  // kLine: without CR LF
        std::size_t consumed = 0;
        std::size_t limit = 0;  // what the line was held to
    };

    // `bytes` begin where the line before was consumed, and are those of the last call with more
    // behind them when that was incomplete. `limit` is in octets with CR LF; what goes on beyond it
    // is dropped as it comes, and then the limit that was given for the beginning of the line
    // stays.
    Line next(std::string_view bytes, std::size_t limit);

private:
    std::size_t searched_ = 0;  // octets of this line that are known to have no LF
    bool too_long_ = false;     // the beginning of this line was dropped
    std::size_t limit_ = 0;     // of that line
    bool tainted_ = false;      // a bare LF, no CR LF since
    bool last_was_cr_ = false;
};

}  // namespace quorate::mail::smtp
