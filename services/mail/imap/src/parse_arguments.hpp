#pragma once

#include "lexer.hpp"
#include "mail/imap/command.hpp"

// Arguments that several commands share (RFC 3501 9). As the methods of Lexer: false after a
// failure. Every allocation is bounded by the length of the command.
namespace quorate::mail::imap {

// sequence-set; uid is left as it is. Limit: 100,000 ranges.
bool parse_set(Lexer& lexer, MessageSet& out);
// Whether a sequence-set begins here.
bool is_set_next(const Lexer& lexer);

// flag-list, and what STORE takes: the list or flags without parentheses. \Recent is BAD, unknown
// \-flags and keywords that no mailbox takes are refused. A keyword given twice counts once.
bool parse_flag_list(Lexer& lexer, FlagList& out);
bool parse_store_flags(Lexer& lexer, FlagList& out);

// date-time with its quotes.
bool parse_date_time(Lexer& lexer, std::optional<message::DateTime>& out);
// date, with or without quotes.
bool parse_date(Lexer& lexer, message::Day& out);

}  // namespace quorate::mail::imap
