#include "mail/message/date.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::message {
namespace {

// What was understood, in one form; "none" when nothing.
std::string understood(std::string_view text) {
    const auto time = parse_rfc5322_date(text);
    return time ? format_rfc5322_date(*time) : "none";
}

TEST(DateRfc5322, TheExamplesOfAppendixA) {
    EXPECT_EQ(understood("Fri, 21 Nov 1997 09:55:06 -0600"), "Fri, 21 Nov 1997 09:55:06 -0600");
    EXPECT_EQ(understood("Tue, 1 Jul 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200");
    EXPECT_EQ(understood("Thu, 13 Feb 1969 23:32:54 -0330"), "Thu, 13 Feb 1969 23:32:54 -0330");
    EXPECT_EQ(understood("Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
                         "               -0330 (Newfoundland Time)"),
              "Thu, 13 Feb 1969 23:32:00 -0330");
    EXPECT_EQ(understood("21 Nov 97 09:55:06 GMT"), "Fri, 21 Nov 1997 09:55:06 +0000");
    EXPECT_EQ(understood("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"),
              "Fri, 21 Nov 1997 09:55:06 -0600");
}

TEST(DateRfc5322, SecondsAndDayOfWeekAreOptional) {
    EXPECT_EQ(understood("1 Jan 2020 00:00 +0000"), "Wed, 1 Jan 2020 00:00:00 +0000");
    EXPECT_EQ(understood("Mon, 1 Jan 2020 00:00:60 +0000"), "Wed, 1 Jan 2020 00:01:00 +0000");
    EXPECT_EQ(understood("Wednesday, 1 January 2020 00:00:00 +0000"),
              "Wed, 1 Jan 2020 00:00:00 +0000");
}

TEST(DateRfc5322, ObsoleteYearsAndZones) {
    EXPECT_EQ(understood("1 Jan 49 00:00 UT"), "Fri, 1 Jan 2049 00:00:00 +0000");
    EXPECT_EQ(understood("1 Jan 50 00:00 EST"), "Sun, 1 Jan 1950 00:00:00 -0500");
    EXPECT_EQ(understood("1 Jan 103 00:00 PDT"), "Wed, 1 Jan 2003 00:00:00 -0700");
    EXPECT_EQ(understood("1 Jan 2003 00:00 A"), "Wed, 1 Jan 2003 00:00:00 +0000");
    EXPECT_EQ(understood("1 Jan 2003 00:00 Nowhere"), "Wed, 1 Jan 2003 00:00:00 +0000");
    EXPECT_EQ(understood("1 Jan 2003 00:00"), "Wed, 1 Jan 2003 00:00:00 +0000");
}

TEST(DateRfc5322, WhatOtherProgramsWrite) {
    EXPECT_EQ(understood("Fri Nov 21 09:55:06 1997"), "Fri, 21 Nov 1997 09:55:06 +0000");
    EXPECT_EQ(understood("Fri Nov 21 09:55:06 EST 1997"), "Fri, 21 Nov 1997 09:55:06 +0000");
    EXPECT_EQ(understood("21-Nov-1997 09:55:06 -0600"), "Fri, 21 Nov 1997 09:55:06 -0600");
    EXPECT_EQ(understood("Fri, 21 Nov 1997 09:55:06 +01:00"), "Fri, 21 Nov 1997 09:55:06 +0100");
    EXPECT_EQ(understood("Fri, 21 Nov 1997 09:55:06.123 +0100"), "Fri, 21 Nov 1997 09:55:06 +0100");
    EXPECT_EQ(understood("Fri , 21 Nov 1997 9:5:6 +0100"), "Fri, 21 Nov 1997 09:05:06 +0100");
}

TEST(DateRfc5322, WhatIsNoDateIsNone) {
    for (const auto* text : {"",
                             "yesterday",
                             "Fri",
                             "21",
                             "21 Nov",
                             "21 Nov 1997",
                             "30 Feb 2020 00:00 +0000",
                             "32 Jan 2020 00:00 +0000",
                             "0 Jan 2020 00:00 +0000",
                             "1 Foo 2020 00:00 +0000",
                             "1 Jan 2020 24:00 +0000",
                             "1 Jan 2020 00:60 +0000",
                             "1 Jan 2020 00:00:61 +0000",
                             "1 Jan 20200 00:00 +0000",
                             "1 Jan 2020 0:0:0:0 +0000",
                             "1 Jan 2020 x:y +0000",
                             "99999999999 Jan 2020 00:00",
                             "(comment only",
                             "::::",
                             "- - - -"}) {
        EXPECT_EQ(understood(text), "none") << text;
    }
}

TEST(DateRfc5322, EveryBeginningOfADateIsSafe) {
    const std::string text = "Fri, (c) 21-Nov-1997 09:55:06.5 +01:00 (x)";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        understood(text.substr(0, size));
    }
}

TEST(DateRfc5322, MomentsAreSecondsSince1970) {
    EXPECT_EQ(parse_rfc5322_date("1 Jan 1970 00:00:00 +0000")->seconds, 0);
    EXPECT_EQ(parse_rfc5322_date("1 Jan 1970 00:00:00 +0100")->seconds, -3600);
    EXPECT_EQ(parse_rfc5322_date("29 Feb 2000 12:00:00 +0000")->seconds, 951825600);
}

TEST(DateRfc3501, DateTimeHasAFixedForm) {
    const auto time = parse_imap_date_time("17-Jul-1996 02:44:25 -0700");
    ASSERT_TRUE(time);
    EXPECT_EQ(time->seconds, 837596665);
    EXPECT_EQ(time->zone_minutes, -420);
    EXPECT_EQ(format_imap_date_time(*time), "17-Jul-1996 02:44:25 -0700");
    EXPECT_EQ(format_imap_date_time(*parse_imap_date_time(" 7-jul-1996 02:44:25 +0530")),
              " 7-Jul-1996 02:44:25 +0530");
    EXPECT_TRUE(parse_imap_date_time("07-Jul-1996 02:44:25 +0530"));
}

TEST(DateRfc3501, AnythingElseIsNoDateTime) {
    for (const auto* text :
         {"", "7-Jul-1996 02:44:25 -0700", "17-Jul-1996 2:44:25 -0700", "17-Jul-1996 02:44:25 GMT",
          "17-Jul-96 02:44:25 -0700", "31-Jun-1996 02:44:25 -0700", "17-Jul-1996 25:44:25 -0700",
          "17-Jul-1996T02:44:25 -0700", "17 Jul 1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -0760",
          "17-Jul-1996 02:44:25 +2400", "17-Jul-1996 02:44:2x -0700",
          "  -Jul-1996 02:44:25 -0700"}) {
        EXPECT_FALSE(parse_imap_date_time(text)) << text;
    }
}

TEST(DateRfc3501, DaysAreComparedOnTheWritersCalendar) {
    EXPECT_EQ(parse_imap_date("1-Jan-1970"), 0);
    EXPECT_EQ(parse_imap_date("\"2-Jan-1970\""), 1);
    EXPECT_EQ(parse_imap_date("31-dec-1969"), -1);
    EXPECT_FALSE(parse_imap_date("1-Jan-70"));
    EXPECT_FALSE(parse_imap_date("30-Feb-2000"));
    EXPECT_FALSE(parse_imap_date("\""));
    EXPECT_FALSE(parse_imap_date("1-Jan-1970 "));
    EXPECT_FALSE(parse_imap_date("001-Jan-1970"));
    const auto late = parse_imap_date_time("01-Feb-1994 23:30:00 -0800");
    EXPECT_EQ(day_of(*late), parse_imap_date("1-Feb-1994"));
    const auto early = parse_imap_date_time("01-Feb-1994 00:30:00 +0800");
    EXPECT_EQ(day_of(*early), parse_imap_date("1-Feb-1994"));
}

TEST(DateRfc3501, TimesBeyondTheFormatsAreClamped) {
    EXPECT_EQ(format_imap_date_time({INT64_MAX / 2, 0}), "31-Dec-9999 23:59:59 +0000");
    EXPECT_EQ(format_imap_date_time({INT64_MIN / 2, 0}), " 1-Jan-0000 00:00:00 +0000");
    EXPECT_EQ(format_rfc5322_date({253'402'300'799, 60}).substr(5), "31 Dec 9999 23:59:59 +0100");
}

}  // namespace
}  // namespace quorate::mail::message
