#include "mail/message/date.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/core.h>

#include "base/text.hpp"
#include "lexer.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kHourSeconds = 3'600;
constexpr std::int64_t kMinuteSeconds = 60;
constexpr int kMinutesPerHour = 60;
constexpr int kZoneMinutesMax = 24 * kMinutesPerHour - 1;

struct Zone {
    std::string_view name;
    int hours;
};
// RFC 5322 4.3; military letters and unknown words count as -0000.
constexpr std::array<Zone, 11> kZones{{{"UT", 0},
                                       {"GMT", 0},
                                       {"UTC", 0},
                                       {"EST", -5},
                                       {"EDT", -4},
                                       {"CST", -6},
                                       {"CDT", -5},
                                       {"MST", -7},
                                       {"MDT", -6},
                                       {"PST", -8},
                                       {"PDT", -7}}};

struct Calendar {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    int zone_minutes = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 1 to 12; 0 when it is none. Only the first three letters count.
unsigned month_number(std::string_view word) {
    if (word.size() < 3) {
        return 0;
    }
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        if (iequals(word.substr(0, 3), kMonths[i])) {
            return static_cast<unsigned>(i + 1);
        }
    }
    return 0;
}

std::optional<Day> to_day(int year, unsigned month, unsigned day) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (!date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<DateTime> to_time(const Calendar& calendar) {
    const auto day = to_day(calendar.year, calendar.month, calendar.day);
    if (!day || calendar.hour > 23 || calendar.minute > 59 || calendar.second > 60) {
        return std::nullopt;
    }
    const auto local = *day * kDaySeconds + calendar.hour * kHourSeconds +
                       calendar.minute * kMinuteSeconds + calendar.second;
    return DateTime{local - calendar.zone_minutes * kMinuteSeconds,
                    static_cast<std::int16_t>(calendar.zone_minutes)};
}

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) {
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

Calendar to_calendar(const DateTime& time) {
    // Years 0 to 9999: what the formats can write.
    constexpr std::int64_t kFirst = -62'167'219'200;
    constexpr std::int64_t kLast = 253'402'300'799;
    const auto local = std::clamp(time.seconds + time.zone_minutes * kMinuteSeconds, kFirst, kLast);
    const auto day = floor_divide(local, kDaySeconds);
    const auto rest = static_cast<unsigned>(local - day * kDaySeconds);
    const std::chrono::year_month_day date{
        std::chrono::sys_days(std::chrono::days(static_cast<int>(day)))};
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            rest / 3600,
            rest / 60 % 60,
            rest % 60,
            time.zone_minutes};
}

std::string format_zone(int minutes) {
    const int size = minutes < 0 ? -minutes : minutes;
    return fmt::format("{}{:02}{:02}", minutes < 0 ? '-' : '+', size / kMinutesPerHour,
                       size % kMinutesPerHour);
}

// `text` is digits only, few enough not to overflow.
std::optional<unsigned> number(std::string_view text, std::size_t digits_max) {
    if (text.empty() || text.size() > digits_max ||
        !std::all_of(text.begin(), text.end(), is_digit)) {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char c : text) {
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

// RFC 5322 4.3: two digits below 50 are 20xx, other two and three digits count from 1900.
std::optional<int> year_number(std::string_view word) {
    const auto value = number(word, 4);
    if (!value || word.size() < 2) {
        return std::nullopt;
    }
    if (word.size() == 2 && *value < 50) {
        return static_cast<int>(*value + 2000);
    }
    return static_cast<int>(word.size() < 4 ? *value + 1900 : *value);
}

// hh:mm or hh:mm:ss
bool parse_time(std::string_view word, Calendar& calendar) {
    const auto fields = split(word, ':');
    if (fields.size() < 2 || fields.size() > 3) {
        return false;
    }
    const auto hour = number(fields[0], 2);
    const auto minute = number(fields[1], 2);
    // Some write fractions of a second.
    const auto second =
        fields.size() == 3 ? number(fields[2].substr(0, fields[2].find('.')), 2) : 0U;
    if (!hour || !minute || !second) {
        return false;
    }
    calendar.hour = *hour;
    calendar.minute = *minute;
    calendar.second = *second;
    return true;
}

// `+hhmm` or `+hh:mm`.
std::optional<int> numeric_zone(std::string_view word) {
    if (word.size() == 6 && word[3] == ':') {
        const std::string joined = std::string(word.substr(0, 3)) + std::string(word.substr(4));
        return numeric_zone(joined);
    }
    if (word.size() != 5 || (word[0] != '+' && word[0] != '-')) {
        return std::nullopt;
    }
    const auto hours = number(word.substr(1, 2), 2);
    const auto minutes = number(word.substr(3), 2);
    if (!hours || !minutes || *minutes > 59) {
        return std::nullopt;
    }
    const int total = static_cast<int>(*hours) * kMinutesPerHour + static_cast<int>(*minutes);
    if (total > kZoneMinutesMax) {
        return std::nullopt;
    }
    return word[0] == '-' ? -total : total;
}

int zone_minutes(std::string_view word) {
    if (const auto numeric = numeric_zone(word)) {
        return *numeric;
    }
    for (const auto& zone : kZones) {
        if (iequals(zone.name, word)) {
            return zone.hours * kMinutesPerHour;
        }
    }
    return 0;
}

// Words of a date: day, month, year and the time in the orders that are in use. RFC 5322 and the
// one of ctime(): `Fri Nov 21 09:55:06 1997`.
class DateWords {
public:
    // False when the word fits nowhere.
    bool take(std::string_view word) {
        if (word.find(':') != std::string_view::npos && is_digit(word[0])) {
            if (has_time_) {
                return false;
            }
            has_time_ = parse_time(word, calendar_);
            return has_time_;
        }
        if (calendar_.month == 0 && month_number(word) != 0) {
            calendar_.month = month_number(word);
            return true;
        }
        if (calendar_.day == 0 && word.size() <= 2) {
            const auto day = number(word, 2);
            calendar_.day = day.value_or(0);
            return day.has_value();
        }
        if (calendar_.day != 0 && calendar_.month != 0 && !has_year_) {
            const auto year = year_number(word);
            has_year_ = year.has_value();
            calendar_.year = year.value_or(0);
            return has_year_;
        }
        return false;
    }
    bool complete() const { return has_time_ && has_year_; }
    bool empty() const { return calendar_.day == 0 && calendar_.month == 0 && !has_time_; }
    Calendar& calendar() { return calendar_; }

private:
    Calendar calendar_;
    bool has_time_ = false;
    bool has_year_ = false;
};

bool is_day_name(std::string_view word) {
    return word.size() >= 3 && std::any_of(kDays.begin(), kDays.end(), [&](std::string_view day) {
               return iequals(word.substr(0, 3), day);
           });
}

// RFC 5322 4.3: white space and comments may stand around the colons of a time, `09 : 55 (c) : 06`.
void join_time(Lexer& lexer, std::string_view stops, std::string& word) {
    for (;;) {
        lexer.skip_cfws();
        if (!lexer.is(':') && !word.ends_with(':')) {
            return;
        }
        const auto more = lexer.word(stops);
        if (more.empty()) {
            return;
        }
        word += more;
    }
}

// `21-Nov-1997 09:55:06 -0700`: the pieces around the dashes are words too.
std::string next_word(Lexer& lexer, bool dashes_separate) {
    const std::string_view stops = dashes_separate ? "(,-" : "(,";
    for (;;) {
        lexer.skip_cfws();
        if (lexer.at_end()) {
            return {};
        }
        std::string word(lexer.word(stops));
        if (!word.empty()) {
            join_time(lexer, stops, word);
            return word;
        }
        lexer.advance();
    }
}

}  // namespace

Day day_of(const DateTime& time) {
    return floor_divide(time.seconds + time.zone_minutes * kMinuteSeconds, kDaySeconds);
}

std::optional<DateTime> parse_rfc5322_date(std::string_view text) {
    constexpr int kWordsMax = 8;
    Lexer lexer(text);
    DateWords words;
    for (int i = 0; i < kWordsMax && !words.complete(); ++i) {
        const auto word = next_word(lexer, /*dashes_separate=*/true);
        if (word.empty()) {
            break;
        }
        const bool skip = words.empty() && is_day_name(word) && month_number(word) == 0;
        // Between ctime()'s time and year there may be a zone's name, which says little.
        if (!skip && !words.take(word) && (words.empty() || is_digit(word[0]))) {
            return std::nullopt;
        }
    }
    if (!words.complete()) {
        return std::nullopt;
    }
    words.calendar().zone_minutes = zone_minutes(next_word(lexer, /*dashes_separate=*/false));
    return to_time(words.calendar());
}

std::string format_rfc5322_date(const DateTime& time) {
    const auto calendar = to_calendar(time);
    constexpr std::int64_t kThursday = 4;  // 1970-01-01
    const auto weekday = ((day_of(time) + kThursday) % 7 + 7) % 7;
    return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}",
                       kDays[static_cast<std::size_t>(weekday)], calendar.day,
                       kMonths[calendar.month - 1], calendar.year, calendar.hour, calendar.minute,
                       calendar.second, format_zone(time.zone_minutes));
}

namespace {

// `1-Feb-1994`, with `fixed` the two-character day of date-time.
std::optional<Calendar> parse_day_month_year(std::string_view text, bool fixed) {
    const auto fields = split(text, '-');
    if (fields.size() != 3 || fields[1].size() != 3 || fields[2].size() != 4) {
        return std::nullopt;
    }
    auto digits = fields[0];
    if (fixed && digits.size() == 2 && digits[0] == ' ') {
        digits.remove_prefix(1);
    } else if (fixed && digits.size() != 2) {
        return std::nullopt;
    }
    const auto day = number(digits, 2);
    const auto year = number(fields[2], 4);
    Calendar calendar;
    calendar.month = month_number(fields[1]);
    if (!day || !year || calendar.month == 0) {
        return std::nullopt;
    }
    calendar.day = *day;
    calendar.year = static_cast<int>(*year);
    return calendar;
}

}  // namespace

std::optional<DateTime> parse_imap_date_time(std::string_view text) {
    // dd-Mon-yyyy hh:mm:ss +zzzz
    constexpr std::size_t kLength = 26;
    if (text.size() != kLength || text[11] != ' ' || text[20] != ' ') {
        return std::nullopt;
    }
    auto calendar = parse_day_month_year(text.substr(0, 11), /*fixed=*/true);
    const auto zone = numeric_zone(text.substr(21));
    const auto time = text.substr(12, 8);
    if (!calendar || !zone || time[2] != ':' || time[5] != ':' || !parse_time(time, *calendar)) {
        return std::nullopt;
    }
    calendar->zone_minutes = *zone;
    return to_time(*calendar);
}

std::string format_imap_date_time(const DateTime& time) {
    const auto calendar = to_calendar(time);
    return fmt::format("{:>2}-{}-{:04} {:02}:{:02}:{:02} {}", calendar.day,
                       kMonths[calendar.month - 1], calendar.year, calendar.hour, calendar.minute,
                       calendar.second, format_zone(time.zone_minutes));
}

std::optional<Day> parse_imap_date(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        text = text.substr(1, text.size() - 2);
    }
    const auto calendar = parse_day_month_year(text, /*fixed=*/false);
    if (!calendar) {
        return std::nullopt;
    }
    return to_day(calendar->year, calendar->month, calendar->day);
}

}  // namespace quorate::mail::message
