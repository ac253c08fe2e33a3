#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mail/store/account.hpp"

namespace quorate::mail::imap {

// The selected mailbox of a session, and what its client was told of it.
class Selection {
public:
    explicit Selection(std::unique_ptr<store::View> view) : view_(std::move(view)) {}

    store::View& view() { return *view_; }
    const store::View& view() const { return *view_; }

    // FLAGS and PERMANENTFLAGS (RFC 3501 7.2.6, 7.1): what the client must know before it meets a
    // keyword in a FETCH response.
    void append_keywords(std::string& out);
    // The same if keywords came that the client does not know.
    void announce_keywords(std::string& out);

private:
    std::unique_ptr<store::View> view_;
    std::size_t announced_ = 0;  // keywords
};

// Flag lists as text. Most messages share a few combinations, each rendered once. Lives as long as
// a command.
class FlagText {
public:
    explicit FlagText(const store::View& view) : view_(view) {}

    // With parentheses; valid until the next call.
    std::string_view of(std::uint32_t position);

private:
    static constexpr std::size_t kRememberedMax = 1024;

    const store::View& view_;
    std::unordered_map<store::FlagBits, std::string> remembered_;
    store::FlagBits last_bits_ = 0;
    std::string_view last_;
};

// * 3 FETCH (FLAGS (\Seen))
struct FlagsResponse {
    std::uint32_t position = 0;
    bool with_uid = false;  // RFC 3501 6.4.8: responses to UID commands
};
void append_flags_response(std::string& out, const store::View& view, FlagText& flags,
                           const FlagsResponse& response);

}  // namespace quorate::mail::imap
