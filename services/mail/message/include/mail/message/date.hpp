#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Dates as mail writes them. Nothing here reads a clock.
namespace quorate::mail::message {

// A moment and the zone in which it was written.
struct DateTime {
    std::int64_t seconds = 0;       // since 1970-01-01 00:00 UTC, leap seconds not counted
    std::int16_t zone_minutes = 0;  // east of Greenwich, within +-23:59

    auto operator<=>(const DateTime&) const = default;
};

// A day as SEARCH compares it, without time and zone (RFC 3501 6.4.4). Days since 1970-01-01.
using Day = std::int64_t;

// The day on the writer's calendar: "disregarding time and timezone".
Day day_of(const DateTime& time);

// RFC 5322 3.3 and 4.3: `Fri, 21 Nov 1997 09:55:06 -0600 (comment)`, and what real mail makes of
// it: no day of the week or a wrong one, two- and three-digit years, seconds missing, zone names,
// zone missing (taken as UTC). Nothing when day, month, year or time cannot be understood.
std::optional<DateTime> parse_rfc5322_date(std::string_view text);
// `Fri, 21 Nov 1997 09:55:06 -0600`
std::string format_rfc5322_date(const DateTime& time);

// RFC 3501 date-time without the quotes: `17-Jul-1996 02:44:25 -0700`; the day may be ` 7` or `07`.
std::optional<DateTime> parse_imap_date_time(std::string_view text);
// With the day padded by a space, without quotes.
std::string format_imap_date_time(const DateTime& time);

// RFC 3501 date, with or without quotes: `1-Feb-1994`.
std::optional<Day> parse_imap_date(std::string_view text);

}  // namespace quorate::mail::message
