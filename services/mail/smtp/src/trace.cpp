#include "trace.hpp"

#include <fmt/core.h>

#include "domain.hpp"
#include "mail/message/date.hpp"

namespace quorate::mail::smtp {
namespace {

std::string date_text(WallTime time) {
    message::DateTime date;
    date.seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    return message::format_rfc5322_date(date);
}

// TCP-info; nothing for a Unix socket, which has no address that the grammar knows.
std::string tcp_info(const std::string& address) {
    if (is_ipv4(address)) {
        return fmt::format(" ([{}])", address);
    }
    return is_ipv6(address) ? fmt::format(" ([IPv6:{}])", address) : std::string();
}

}  // namespace

std::string transport_name(const Transport& transport) {
    const std::string_view base = transport.role == Role::kLmtp ? "LMTP" : "SMTP";
    if (!transport.extended) {
        return std::string(base);
    }
    std::string name = transport.utf8 ? "UTF8" : transport.role == Role::kLmtp ? "" : "E";
    name += base;
    name += transport.tls ? "S" : "";
    name += transport.authenticated ? "A" : "";
    return name;
}

std::string trace_header(const Trace& trace) {
    auto text = fmt::format("Return-Path: <{}>\r\nReceived: from {}{}\r\n\tby {} with {}",
                            trace.reverse_path, trace.hello, tcp_info(trace.address), trace.host,
                            transport_name(trace.transport));
    const bool registered = trace.tls && trace.tls->cipher.starts_with("TLS_");
    if (trace.tls && !registered) {
        text += fmt::format(" ({} {})", trace.tls->protocol, trace.tls->cipher);
    }
    text += fmt::format(" id {}", trace.id);
    if (trace.recipient) {
        text += fmt::format("\r\n\tfor <{}>", *trace.recipient);
    }
    if (registered) {
        text += fmt::format("\r\n\ttls {}", trace.tls->cipher);
    }
    text += fmt::format(";\r\n\t{}\r\n", date_text(trace.time));
    return text;
}

std::string date_field(WallTime time) { return fmt::format("Date: {}\r\n", date_text(time)); }

std::string message_id_field(std::string_view id, WallTime time, std::string_view host) {
    return fmt::format("Message-ID: <{}.{}@{}>\r\n", time.time_since_epoch().count(), id, host);
}

}  // namespace quorate::mail::smtp
