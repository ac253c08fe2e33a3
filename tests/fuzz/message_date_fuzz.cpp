// Dates: what was understood survives being written and read again.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/message/date.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate::mail::message;
    const auto text = quorate::fuzz::as_text(data, size);
    if (const auto date = parse_rfc5322_date(text)) {
        QUORATE_ASSERT(parse_rfc5322_date(format_rfc5322_date(*date)) == date);
        static_cast<void>(day_of(*date));
    }
    if (const auto date = parse_imap_date_time(text)) {
        QUORATE_ASSERT(parse_imap_date_time(format_imap_date_time(*date)) == date);
    }
    static_cast<void>(parse_imap_date(text));
    return 0;
}
