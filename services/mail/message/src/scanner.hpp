#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/message/structure.hpp"
#include "mime_fields.hpp"

namespace quorate::mail::message {

// What StructureParser and SummaryBuilder share: one pass over the octets, line by line. Lines are
// found with memchr; only the beginning of a line that may be a delimiter is ever looked at closer,
// and only that is kept when a chunk ends in it.
class Scanner {
public:
    // Told of every header block when it is complete. `root`: the part is a message of its own.
    // Views are valid during the call.
    class Observer {
    public:
        virtual void on_header(std::size_t part, bool root, std::string_view block,
                               const MimeFields& fields, const Part& found) = 0;

    protected:
        ~Observer() = default;
    };

    Scanner(const Limits& limits, Observer* observer);

    void feed(std::string_view chunk);
    Structure finish();

private:
    enum class Place { kHeader, kBody, kDelimiter };
    enum class LineKind { kUndecided, kPlain, kBlank, kDelimiter };
    enum class AtLineEnd { kNothing, kEndHeader, kOpenPart };

    struct Open {
        std::size_t part = 0;
        std::string boundary;  // empty: none, or closed already
        bool digest = false;   // children are message/rfc822 by default
        bool root = false;
    };

    struct Match {
        std::size_t level = 0;  // in open_
        std::size_t length = 0;
        bool found = false;
        bool closing = false;
    };

    std::size_t skip_body_lines(std::string_view chunk);
    std::size_t begin_line(std::string_view chunk);
    LineKind classify(std::string_view head, bool complete);
    bool decide(std::string_view head, bool complete);
    std::size_t consume(std::string_view chunk);
    void end_line();
    Match match_boundary(std::string_view head) const;
    void at_delimiter(const Match& match);
    void open_part(bool digest, bool root);
    void end_header(std::uint64_t at);
    void describe(Part& part, const MimeFields& fields, Open& open);
    void close_above(std::size_t level, std::uint64_t body_end, std::uint64_t lines);
    void boundaries_changed();
    bool may_contain() const;

    Limits limits_;
    Observer* observer_;
    Structure structure_;
    std::vector<Open> open_;  // from the message to the innermost part

    Place place_ = Place::kHeader;
    AtLineEnd at_line_end_ = AtLineEnd::kNothing;
    bool decided_ = false;  // what kind of line this is
    bool boundaries_off_ = false;
    std::size_t longest_boundary_ = 0;  // 0: no delimiter is possible
    bool last_was_cr_ = false;
    std::uint64_t offset_ = 0;  // of the next octet
    std::uint64_t line_begin_ = 0;
    std::uint64_t line_end_before_ = 0;  // length of the line end before this line
    std::uint64_t lines_ = 0;
    std::string head_;    // beginning of an undecided line, from earlier chunks
    std::string header_;  // of the innermost part, up to the limit
};

}  // namespace quorate::mail::message
