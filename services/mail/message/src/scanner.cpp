#include "scanner.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::message {
namespace {

// RFC 2046 allows 70; of longer ones so much is compared.
constexpr std::size_t kBoundaryBytesMax = 256;
constexpr std::size_t kDashes = 2;

const char* find_line_feed(const char* begin, const char* end) {
    return static_cast<const char*>(
        std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
}

}  // namespace

Scanner::Scanner(const Limits& limits, Observer* observer) : limits_(limits), observer_(observer) {
    open_part(/*digest=*/false, /*root=*/true);
}

void Scanner::feed(std::string_view chunk) {
    while (!chunk.empty()) {
        std::size_t used = 0;
        if (decided_) {
            used = consume(chunk);
        } else if (place_ == Place::kBody && head_.empty() &&
                   (chunk[0] != '-' || longest_boundary_ == 0)) {
            used = skip_body_lines(chunk);
        } else {
            used = begin_line(chunk);
        }
        chunk.remove_prefix(used);
    }
}

// Body lines that cannot be delimiters: the inner loop of everything.
std::size_t Scanner::skip_body_lines(std::string_view chunk) {
    const char* const begin = chunk.data();
    const char* const end = begin + chunk.size();
    const char* line = begin;
    while (line != end && (*line != '-' || longest_boundary_ == 0)) {
        const char* const line_feed = find_line_feed(line, end);
        if (line_feed == nullptr) {
            break;
        }
        ++lines_;
        line = line_feed + 1;
    }
    const auto used = static_cast<std::size_t>(line - begin);
    if (used > 0) {
        const bool cr = used > 1 ? line[-2] == '\r' : last_was_cr_;
        line_end_before_ = cr ? 2 : 1;
        last_was_cr_ = false;
        offset_ += used;
        line_begin_ = offset_;
    }
    if (line == end || (*line == '-' && longest_boundary_ != 0)) {
        return used;
    }
    // The chunk ends inside a plain line.
    decided_ = true;
    last_was_cr_ = end[-1] == '\r';
    offset_ += static_cast<std::size_t>(end - line);
    return chunk.size();
}

std::size_t Scanner::begin_line(std::string_view chunk) {
    if (head_.empty() && decide(chunk, /*complete=*/false)) {
        return 0;
    }
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        head_.push_back(chunk[i]);
        if (decide(head_, /*complete=*/false)) {
            const std::string head = std::exchange(head_, {});
            consume(head);
            return i + 1;
        }
    }
    return chunk.size();
}

Scanner::LineKind Scanner::classify(std::string_view head, bool complete) {
    if (place_ == Place::kHeader) {
        if (head.starts_with('\n') || head.starts_with("\r\n")) {
            return LineKind::kBlank;
        }
        if (head == "\r" && !complete) {
            return LineKind::kUndecided;
        }
    }
    if (longest_boundary_ == 0 || head[0] != '-') {
        return LineKind::kPlain;
    }
    const auto needed = kDashes + longest_boundary_ + kDashes;
    if (!complete && head.size() < needed && head.find('\n') == std::string_view::npos) {
        return LineKind::kUndecided;
    }
    return LineKind::kDelimiter;
}

// Sets out what the line that begins with `head` is; false when more of it must be seen first.
bool Scanner::decide(std::string_view head, bool complete) {
    const auto kind = classify(head, complete);
    if (kind == LineKind::kUndecided) {
        return false;
    }
    decided_ = true;
    if (kind == LineKind::kBlank) {
        at_line_end_ = AtLineEnd::kEndHeader;
    } else if (kind == LineKind::kDelimiter) {
        const auto match = match_boundary(head);
        if (match.found) {
            at_delimiter(match);
        }
    }
    return true;
}

// Takes the rest of a decided line, or what there is of it.
std::size_t Scanner::consume(std::string_view chunk) {
    const char* const begin = chunk.data();
    const char* const line_feed = find_line_feed(begin, begin + chunk.size());
    const auto used =
        line_feed == nullptr ? chunk.size() : static_cast<std::size_t>(line_feed - begin) + 1;
    if (place_ == Place::kHeader && header_.size() < limits_.header_bytes) {
        header_.append(chunk.substr(0, std::min(used, limits_.header_bytes - header_.size())));
    }
    offset_ += used;
    if (line_feed == nullptr) {
        last_was_cr_ = chunk.back() == '\r';
    } else {
        const bool cr = used > 1 ? line_feed[-1] == '\r' : last_was_cr_;
        line_end_before_ = cr ? 2 : 1;
        last_was_cr_ = false;
        end_line();
    }
    return used;
}

void Scanner::end_line() {
    ++lines_;
    line_begin_ = offset_;
    decided_ = false;
    switch (std::exchange(at_line_end_, AtLineEnd::kNothing)) {
        case AtLineEnd::kNothing:
            if (place_ == Place::kDelimiter) {
                place_ = Place::kBody;
            }
            break;
        case AtLineEnd::kEndHeader:
            end_header(offset_);
            break;
        case AtLineEnd::kOpenPart:
            open_part(open_.back().digest, /*root=*/false);
            break;
    }
}

// RFC 2046 5.1.1: it is sufficient that the boundary stands at the beginning of the line. Of
// several the longest counts (one may be the beginning of another), then the innermost.
Scanner::Match Scanner::match_boundary(std::string_view head) const {
    Match best;
    if (!head.starts_with("--")) {
        return best;
    }
    head.remove_prefix(kDashes);
    for (std::size_t level = open_.size(); level-- > 0;) {
        const auto& boundary = open_[level].boundary;
        if (boundary.size() > best.length && head.starts_with(boundary)) {
            best = {level, boundary.size(), /*found=*/true,
                    head.substr(boundary.size()).starts_with("--")};
        }
    }
    return best;
}

void Scanner::at_delimiter(const Match& match) {
    if (!match.closing && structure_.parts.size() >= limits_.parts) {
        boundaries_off_ = true;
        boundaries_changed();
        return;
    }
    while (place_ == Place::kHeader) {
        end_header(line_begin_);
    }
    close_above(match.level, line_begin_ - line_end_before_, lines_ - 1);
    place_ = Place::kDelimiter;
    if (match.closing) {
        open_.back().boundary.clear();
        boundaries_changed();
    } else {
        at_line_end_ = AtLineEnd::kOpenPart;
    }
}

void Scanner::open_part(bool digest, bool root) {
    Part part;
    part.header_begin = offset_;
    Open open;
    open.part = structure_.parts.size();
    open.digest = digest;
    open.root = root;
    structure_.parts.push_back(std::move(part));
    open_.push_back(std::move(open));
    header_.clear();
    place_ = Place::kHeader;
}

// The header of the innermost part ends at `at`.
void Scanner::end_header(std::uint64_t at) {
    place_ = Place::kBody;
    auto& open = open_.back();
    auto& part = structure_.parts[open.part];
    const auto fields = parse_mime_fields(header_, limits_);
    part.body_begin = at;
    part.lines = lines_;  // until the end is known
    describe(part, fields, open);
    if (observer_ != nullptr) {
        observer_->on_header(open.part, open.root, header_, fields, part);
    }
    if (part.kind == PartKind::kMessage) {
        open_part(/*digest=*/false, /*root=*/true);
        structure_.parts.back().header_begin = at;
    }
    boundaries_changed();
}

bool Scanner::may_contain() const {
    return open_.size() < limits_.depth && structure_.parts.size() < limits_.parts;
}

void Scanner::describe(Part& part, const MimeFields& fields, Open& open) {
    const bool digest = std::exchange(open.digest, false);
    part.encoding = fields.encoding;
    part.type = to_lower(fields.type);
    part.subtype = to_lower(fields.subtype);
    if (part.type.empty()) {
        const bool message = digest && !fields.has_type;
        part.type = message ? "message" : "text";
        part.subtype = message ? "rfc822" : "plain";
    }
    const bool multipart = part.type == "multipart";
    const bool message = part.type == "message" && part.subtype == "rfc822";
    if ((multipart || message) && !may_contain()) {
        part.type = "application";
        part.subtype = "octet-stream";
    } else if (multipart) {
        part.kind = PartKind::kMultipart;
        open.boundary = fields.parameter("boundary").substr(0, kBoundaryBytesMax);
        open.digest = part.subtype == "digest";
    } else if (message) {
        part.kind = PartKind::kMessage;
    } else if (part.type == "text") {
        part.charset = fields.parameter("charset").substr(0, kTypeBytesMax);
    }
}

// Ends the parts inside open_[level]. `lines` are the line feeds before `body_end`.
void Scanner::close_above(std::size_t level, std::uint64_t body_end, std::uint64_t lines) {
    while (open_.size() > level + 1) {
        const auto index = open_.back().part;
        auto& part = structure_.parts[index];
        // The blank line of an empty part may be the line end before the delimiter: it stays in the
        // part's header, and what encloses the part ends no earlier.
        if (part.body_begin > body_end) {
            body_end = part.body_begin;
            lines = part.lines;
        }
        part.body_end = body_end;
        part.lines = lines - part.lines;
        part.descendants = static_cast<std::uint32_t>(structure_.parts.size() - 1 - index);
        open_.pop_back();
    }
    boundaries_changed();
}

void Scanner::boundaries_changed() {
    longest_boundary_ = 0;
    if (!boundaries_off_) {
        for (const auto& open : open_) {
            longest_boundary_ = std::max(longest_boundary_, open.boundary.size());
        }
    }
}

Structure Scanner::finish() {
    if (!head_.empty()) {
        decide(head_, /*complete=*/true);
        consume(std::exchange(head_, {}));
    }
    // A delimiter without line end opens nothing, but it ends what is before it.
    while (place_ == Place::kHeader) {
        end_header(offset_);
    }
    const auto root = open_.front();
    close_above(0, offset_, lines_);
    auto& message = structure_.parts[root.part];
    message.body_end = offset_;
    message.lines = lines_ - message.lines;
    message.descendants = static_cast<std::uint32_t>(structure_.parts.size() - 1);
    structure_.size = offset_;
    return std::move(structure_);
}

}  // namespace quorate::mail::message
