#include "parameters.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::string_view kNameStops = "=;,\"(";
constexpr std::uint64_t kSegmentsMax = 1000;

std::string parse_value(Lexer& lexer) {
    if (lexer.is('"') && lexer.quote_is_closed()) {
        return lexer.quoted_string();
    }
    lexer.take('"');
    return std::string(lexer.word(";"));
}

// One segment of a parameter in RFC 2231's form: name*, name*0, name*0*.
struct Segment {
    std::string name;  // without the asterisks
    std::uint64_t number = 0;
    bool numbered = false;
    bool extended = false;  // percent-encoded
    Parameter original;
};

std::optional<Segment> parse_segment(const Parameter& parameter) {
    std::string_view name = parameter.name;
    Segment segment;
    if (name.ends_with('*')) {
        segment.extended = true;
        name.remove_suffix(1);
    }
    if (const auto star = name.find('*'); star != std::string_view::npos) {
        const auto number = parse_u64(name.substr(star + 1));
        if (!number || *number >= kSegmentsMax) {
            return std::nullopt;
        }
        segment.number = *number;
        segment.numbered = true;
        name = name.substr(0, star);
    }
    if (name.empty() || (!segment.extended && !segment.numbered)) {
        return std::nullopt;
    }
    segment.name = to_lower(name);
    segment.original = parameter;
    return segment;
}

// A plain segment between extended ones: what would be read as an escape is escaped.
std::string percent_encode(std::string_view value) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= ' ' || byte >= 0x7f || c == '%') {
            out.push_back('%');
            out.push_back(kHex[byte >> 4]);
            out.push_back(kHex[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
    return out;
}

// Segments of one name, in order of number: joined when they are 0, 1, 2, ... without a gap.
void join(std::vector<Segment> segments, std::vector<Parameter>& out) {
    bool whole = true;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        whole = whole && segments[i].number == i && (segments[i].numbered || segments.size() == 1);
    }
    if (!whole) {
        for (auto& segment : segments) {
            out.push_back(std::move(segment.original));
        }
        return;
    }
    const bool extended = std::any_of(segments.begin(), segments.end(),
                                      [](const Segment& segment) { return segment.extended; });
    Parameter joined;
    auto& first = segments.front().original.name;
    joined.name = first.substr(0, segments.front().name.size()) + (extended ? "*" : "");
    for (const auto& segment : segments) {
        joined.value += extended && !segment.extended ? percent_encode(segment.original.value)
                                                      : segment.original.value;
    }
    out.push_back(std::move(joined));
}

void join_all(std::vector<Segment> segments, std::vector<Parameter>& out) {
    std::stable_sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
        return std::tie(a.name, a.number) < std::tie(b.name, b.number);
    });
    for (auto begin = segments.begin(); begin != segments.end();) {
        const auto end = std::find_if(begin, segments.end(), [&](const Segment& segment) {
            return segment.name != begin->name;
        });
        join({std::make_move_iterator(begin), std::make_move_iterator(end)}, out);
        begin = end;
    }
}

}  // namespace

std::vector<Parameter> parse_parameters(Lexer& lexer, std::size_t limit) {
    std::vector<Parameter> plain;
    std::vector<Segment> segments;
    for (std::size_t seen = 0; seen < limit;) {
        lexer.skip_cfws();
        if (lexer.at_end()) {
            break;
        }
        if (lexer.take(';') || lexer.take(',')) {
            continue;
        }
        Parameter parameter;
        parameter.name = lexer.word(kNameStops);
        lexer.skip_cfws();
        if (!lexer.take('=')) {
            // Not a parameter: a stray word or quote.
            if (parameter.name.empty() && !lexer.at_end() && !lexer.is(';')) {
                lexer.advance();
            }
            continue;
        }
        ++seen;
        lexer.skip_cfws();
        parameter.value = parse_value(lexer);
        if (parameter.name.empty()) {
            continue;
        }
        if (auto segment = parse_segment(parameter)) {
            segments.push_back(std::move(*segment));
        } else {
            plain.push_back(std::move(parameter));
        }
    }
    join_all(std::move(segments), plain);
    return plain;
}

}  // namespace quorate::mail::message
