#include "parameters.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

// "ok", or code and enhanced code of the refusal.
std::string mail_reply(const std::string& argument, bool auth_offered = true) {
    const auto parsed = parse_mail(argument, auth_offered);
    return parsed
               ? "ok"
               : std::to_string(parsed.error().code) + " " + std::string(parsed.error().enhanced);
}

std::string rcpt_reply(const std::string& argument, bool utf8 = false) {
    const auto parsed = parse_rcpt(argument, utf8);
    return parsed
               ? "ok"
               : std::to_string(parsed.error().code) + " " + std::string(parsed.error().enhanced);
}

constexpr auto kFrom = "FROM:<a@b.test> ";
constexpr auto kTo = "TO:<a@b.test> ";

TEST(SmtpParameters, MailNeedsAReversePathRfc5321Section4Point1Point1Point2) {
    EXPECT_EQ(mail_reply("FROM:<a@b.test>"), "ok");
    EXPECT_EQ(mail_reply("from:<a@b.test>"), "ok");
    EXPECT_EQ(mail_reply("FROM:<>"), "ok");
    EXPECT_EQ(mail_reply("FROM: <a@b.test>"), "ok");
    EXPECT_EQ(mail_reply(""), "501 5.5.4");
    EXPECT_EQ(mail_reply("FROM"), "501 5.5.4");
    EXPECT_EQ(mail_reply("FROM:"), "501 5.5.4");
    EXPECT_EQ(mail_reply("TO:<a@b.test>"), "501 5.5.4");
    EXPECT_EQ(mail_reply("FROM:a@b.test"), "501 5.5.4");
    EXPECT_EQ(mail_reply("FROM:<a@b.test"), "501 5.1.7");
    EXPECT_EQ(mail_reply("FROM:<postmaster>"), "501 5.1.7");
    EXPECT_EQ(mail_reply("FROM:<a@b.test>SIZE=1"), "501 5.1.7");
}

TEST(SmtpParameters, RcptNeedsAForwardPathRfc5321Section4Point1Point1Point3) {
    EXPECT_EQ(rcpt_reply("TO:<a@b.test>"), "ok");
    EXPECT_EQ(rcpt_reply("to: <a@b.test>"), "ok");
    EXPECT_EQ(rcpt_reply("TO:<Postmaster>"), "ok");
    EXPECT_EQ(rcpt_reply("TO:<postmaster@b.test>"), "ok");
    EXPECT_EQ(rcpt_reply("TO:<>"), "501 5.1.3");
    EXPECT_EQ(rcpt_reply("TO:<ann>"), "501 5.1.3");
    EXPECT_EQ(rcpt_reply("FROM:<a@b.test>"), "501 5.5.4");
    EXPECT_EQ(rcpt_reply("TO:a@b.test"), "501 5.5.4");
    EXPECT_EQ(parse_rcpt("TO:<POSTmaster>", false)->forward_path.to_string(), "postmaster");
}

TEST(SmtpParameters, UnknownOnesAreRefusedWith555Rfc5321Section4Point1Point1Point11) {
    EXPECT_EQ(mail_reply(std::string(kFrom) + "FOO"), "555 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "FOO=bar"), "555 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "NOTIFY=NEVER"), "555 5.5.4");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "FOO"), "555 5.5.4");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "SIZE=1"), "555 5.5.4");
}

TEST(SmtpParameters, AreWellFormedAndGivenOnceRfc5321Section4Point1Point2) {
    for (const auto* bad : {"=", "=1", "SIZE=", "SIZE=1=2", "S_ZE=1", "-SIZE=1"}) {
        EXPECT_EQ(mail_reply(std::string(kFrom) + bad), "501 5.5.4") << bad;
    }
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=1 size=1"), "501 5.5.4");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "NOTIFY=NEVER NOTIFY=NEVER"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + " SIZE=1   BODY=7BIT"), "ok");
    std::string many(kFrom);
    for (int i = 0; i < 1000; ++i) {
        many += "A" + std::to_string(i) + " ";
    }
    EXPECT_EQ(mail_reply(many), "501 5.5.4");
}

TEST(SmtpParameters, SizeIsANumberOfUpTo20DigitsRfc1870Section3) {
    EXPECT_EQ(parse_mail(std::string(kFrom) + "SIZE=1234", false)->size, 1234U);
    EXPECT_EQ(parse_mail(kFrom, false)->size, 0U);
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=18446744073709551615"), "ok");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=18446744073709551616"), "552 5.3.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=99999999999999999999"), "552 5.3.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=999999999999999999999"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=-1"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE=1k"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "SIZE"), "501 5.5.4");
}

TEST(SmtpParameters, BodyIs7BitOr8BitMimeRfc6152Section3) {
    EXPECT_FALSE(parse_mail(std::string(kFrom) + "BODY=7bit", false)->eight_bit);
    EXPECT_TRUE(parse_mail(std::string(kFrom) + "BODY=8BITMIME", false)->eight_bit);
    EXPECT_EQ(mail_reply(std::string(kFrom) + "BODY=BINARYMIME"), "555 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "BODY"), "501 5.5.4");
}

TEST(SmtpParameters, RetIsFullOrHeadersRfc3461Section4Point3) {
    EXPECT_EQ(parse_mail(std::string(kFrom) + "RET=full", false)->ret, "FULL");
    EXPECT_EQ(parse_mail(std::string(kFrom) + "RET=HDRS", false)->ret, "HDRS");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "RET=ALL"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "RET"), "501 5.5.4");
}

TEST(SmtpParameters, EnvidIsXtextOfUpTo100OctetsRfc3461Section4Point4) {
    EXPECT_EQ(parse_mail(std::string(kFrom) + "ENVID=QQ+2B1", false)->envid, "QQ+1");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "ENVID=" + std::string(100, 'x')), "ok");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "ENVID=" + std::string(101, 'x')), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "ENVID=+2b"), "501 5.5.4");
}

TEST(SmtpParameters, NotifyIsNeverAloneOrOthersRfc3461Section4Point1) {
    EXPECT_EQ(parse_rcpt(std::string(kTo) + "NOTIFY=success,FAILURE,delay", false)->notify,
              "SUCCESS,FAILURE,DELAY");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "NOTIFY=NEVER"), "ok");
    for (const auto* bad :
         {"NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,NEVER", "NOTIFY=", "NOTIFY",
          "NOTIFY=SUCCESS,,DELAY", "NOTIFY=SUCCESS,SUCCESS", "NOTIFY=MAYBE", "NOTIFY=SUCCESS,"}) {
        EXPECT_EQ(rcpt_reply(std::string(kTo) + bad), "501 5.5.4") << bad;
    }
}

TEST(SmtpParameters, OrcptIsATypeAndXtextOfUpTo500OctetsRfc3461Section4Point2) {
    EXPECT_EQ(parse_rcpt(std::string(kTo) + "ORCPT=rfc822;a+2Bb@c.test", false)->orcpt,
              "rfc822;a+b@c.test");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "ORCPT=rfc822;" + std::string(493, 'x')), "ok");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "ORCPT=rfc822;" + std::string(494, 'x')), "501 5.5.4");
    for (const auto* bad : {"ORCPT", "ORCPT=", "ORCPT=a@b.test", "ORCPT=;a@b.test", "ORCPT=rfc822;",
                            "ORCPT=rfc822;a+2b", "ORCPT=utf-8;\xc3\xa4@b.test"}) {
        EXPECT_EQ(rcpt_reply(std::string(kTo) + bad), "501 5.5.4") << bad;
    }
}

TEST(SmtpParameters, OrcptMayBeUtf8InSmtpUtf8MailRfc6533Section3) {
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "ORCPT=utf-8;\xc3\xa4@b.test", true), "ok");
    EXPECT_EQ(rcpt_reply(std::string(kTo) + "ORCPT=rfc822;\xc3\xa4@b.test", true), "501 5.5.4");
}

TEST(SmtpParameters, AuthIsAMailboxInXtextOrNobodyRfc4954Section5) {
    EXPECT_EQ(parse_mail(std::string(kFrom) + "AUTH=<>", true)->auth, "<>");
    EXPECT_EQ(parse_mail(std::string(kFrom) + "AUTH=e+3Dmc2@example.test", true)->auth,
              "e=mc2@example.test");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "AUTH=nobody"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "AUTH=+"), "501 5.5.4");
    EXPECT_EQ(mail_reply(std::string(kFrom) + "AUTH=<>", false), "555 5.5.4");
}

TEST(SmtpParameters, NonAsciiAddressesNeedSmtpUtf8Rfc6531Section3Point4) {
    EXPECT_EQ(mail_reply("FROM:<\xc3\xa4@b.test>"), "553 5.6.7");
    EXPECT_EQ(mail_reply("FROM:<\xc3\xa4@b.test> SMTPUTF8"), "ok");
    EXPECT_EQ(mail_reply("FROM:<a@b.test> SMTPUTF8=1"), "501 5.5.4");
    EXPECT_EQ(rcpt_reply("TO:<\xc3\xa4@b.test>"), "553 5.6.7");
    EXPECT_EQ(rcpt_reply("TO:<\xc3\xa4@b.test>", true), "ok");
}

TEST(SmtpParameters, CutAnywhereAreNotReadAsMore) {
    const std::string whole =
        "FROM:<@r.test:\"a b\"@b.test> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=a+20b AUTH=<>";
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto parsed = parse_mail(whole.substr(0, length), true);
        if (parsed) {
            EXPECT_LE(parsed->size, 12U);
            EXPECT_EQ(parsed->auth, "");
        }
    }
    EXPECT_EQ(parse_mail(whole, true)->auth, "<>");
}

}  // namespace
}  // namespace quorate::mail::smtp
