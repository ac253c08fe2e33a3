#include "trace.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

constexpr WallTime kTraceTime{std::chrono::milliseconds(1'700'000'000'999)};

Trace sample_trace() {
    Trace trace;
    trace.reverse_path = "a@b.test";
    trace.hello = "client.test";
    trace.address = "192.0.2.7";
    trace.host = "mx.test";
    trace.id = "s1.1";
    trace.time = kTraceTime;
    return trace;
}

TEST(SmtpTrace, IsReturnPathThenReceivedRfc5321Section4Point4) {
    EXPECT_EQ(trace_header(sample_trace()),
              "Return-Path: <a@b.test>\r\n"
              "Received: from client.test ([192.0.2.7])\r\n"
              "\tby mx.test with ESMTP id s1.1;\r\n"
              "\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
}

TEST(SmtpTrace, NamesTheRecipientWhenThereIsOneRfc5321Section7Point2) {
    auto trace = sample_trace();
    trace.recipient = "ann@example.test";
    EXPECT_NE(trace_header(trace).find("\r\n\tfor <ann@example.test>;\r\n"), std::string::npos);
}

TEST(SmtpTrace, HasTheClientsAddressAsALiteral) {
    auto trace = sample_trace();
    trace.address = "2001:db8::1";
    EXPECT_NE(trace_header(trace).find("from client.test ([IPv6:2001:db8::1])\r\n"),
              std::string::npos);
    trace.address = "unix";
    EXPECT_NE(trace_header(trace).find("from client.test\r\n"), std::string::npos);
}

TEST(SmtpTrace, NullReversePathIsWrittenAsSuch) {
    auto trace = sample_trace();
    trace.reverse_path = "";
    EXPECT_TRUE(trace_header(trace).starts_with("Return-Path: <>\r\n"));
}

TEST(SmtpTrace, RecordsTheCipherRfc8314Section4Point3) {
    auto trace = sample_trace();
    trace.transport.tls = true;
    trace.tls = TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384"};
    EXPECT_NE(trace_header(trace).find(" with ESMTPS id s1.1\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n"),
              std::string::npos);
    trace.tls = TlsInfo{"TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"};
    EXPECT_NE(
        trace_header(trace).find(" with ESMTPS (TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384) id s1.1;\r\n"),
        std::string::npos);
}

TEST(SmtpTrace, LinesAreShorterThan998OctetsRfc5322Section2Point1Point1) {
    auto trace = sample_trace();
    trace.reverse_path = std::string(770, 'a');
    trace.recipient = std::string(770, 'b');
    trace.hello = std::string(255, 'c');
    trace.host = std::string(255, 'd');
    trace.id = std::string(100, 'e');
    trace.tls = TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384"};
    std::size_t line = 0;
    for (const char c : trace_header(trace)) {
        line = c == '\n' ? 0 : line + 1;
        EXPECT_LE(line, 999U);
    }
}

TEST(SmtpTrace, TransportsAreNamedAsRfc3848AndRfc6531Section4Point3Say) {
    using T = Transport;
    const auto lmtp = Role::kLmtp;
    EXPECT_EQ(transport_name(T{.extended = false}), "SMTP");
    EXPECT_EQ(transport_name(T{.extended = false, .tls = true}), "SMTP");
    EXPECT_EQ(transport_name(T{}), "ESMTP");
    EXPECT_EQ(transport_name(T{.tls = true}), "ESMTPS");
    EXPECT_EQ(transport_name(T{.authenticated = true}), "ESMTPA");
    EXPECT_EQ(transport_name(T{.tls = true, .authenticated = true}), "ESMTPSA");
    EXPECT_EQ(transport_name(T{.role = lmtp}), "LMTP");
    EXPECT_EQ(transport_name(T{.role = lmtp, .tls = true, .authenticated = true}), "LMTPSA");
    EXPECT_EQ(transport_name(T{.utf8 = true}), "UTF8SMTP");
    EXPECT_EQ(transport_name(T{.tls = true, .authenticated = true, .utf8 = true}), "UTF8SMTPSA");
    EXPECT_EQ(transport_name(T{.role = lmtp, .tls = true, .utf8 = true}), "UTF8LMTPS");
}

TEST(SmtpTrace, MissingFieldsAreADateAndAMessageIdRfc5322Section3Point6) {
    EXPECT_EQ(date_field(kTraceTime), "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n");
    EXPECT_EQ(message_id_field("s1.1", kTraceTime, "mx.test"),
              "Message-ID: <1700000000999.s1.1@mx.test>\r\n");
}

}  // namespace
}  // namespace quorate::mail::smtp
