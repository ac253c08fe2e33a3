#include "reply.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <iterator>

namespace quorate::mail::smtp {

void append_reply(std::string& out, const Reply& reply) {
    fmt::format_to(std::back_inserter(out), "{} {}{}{}\r\n", reply.code, reply.enhanced,
                   reply.enhanced.empty() ? "" : " ", reply.text);
}

void append_reply(std::string& out, const Reply& reply, std::string_view host) {
    fmt::format_to(std::back_inserter(out), "{} {}{}{} {}\r\n", reply.code, reply.enhanced,
                   reply.enhanced.empty() ? "" : " ", host, reply.text);
}

}  // namespace quorate::mail::smtp
