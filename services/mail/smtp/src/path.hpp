#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Reverse-paths and forward-paths (RFC 5321 4.1.2, RFC 6531 3.3).
namespace quorate::mail::smtp {

struct Mailbox {
    std::string local;   // quoting resolved
    std::string domain;  // as written, "[...]" for an address literal; empty: none was given

    bool empty() const { return local.empty() && domain.empty(); }
    bool is_ascii() const;
    // "local@domain", the local part quoted only where it must be: two ways to write one mailbox
    // come out the same.
    std::string to_string() const;
};

// RFC 5321 asks for 64 octets in a local part and 256 in a path, and for no limit where possible:
// the return addresses of mailing lists are longer in practice.
inline constexpr std::size_t kLocalPartMax = 255;
inline constexpr std::size_t kPathMax = 1024;

struct ParsedPath {
    Mailbox mailbox;
    std::size_t consumed = 0;  // up to and with '>'
};

// A path at the beginning of `text`. A source route is checked and forgotten (RFC 5321 appendix C).
// "<>" gives an empty mailbox, "<local>" one without domain: the caller knows whether it may be.
std::optional<ParsedPath> parse_path(std::string_view text);

// The whole text as local@domain.
std::optional<Mailbox> parse_mailbox(std::string_view text);

}  // namespace quorate::mail::smtp
