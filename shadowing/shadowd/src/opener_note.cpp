#include "opener_note.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/durable_file.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::string_view kNoteHead = "quorate-opener 1";

}  // namespace

std::optional<std::uint64_t> parse_hex64(std::string_view text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, 16);
    const bool whole = text.size() == 16 && read.ec == std::errc() && read.ptr == end;
    return whole ? std::optional(value) : std::nullopt;
}

std::optional<Id128> parse_id128(std::string_view text) {
    const auto high = text.size() == 32 ? parse_hex64(text.substr(0, 16)) : std::nullopt;
    const auto low = text.size() == 32 ? parse_hex64(text.substr(16)) : std::nullopt;
    return high && low ? std::optional(Id128{*high, *low}) : std::nullopt;
}

Result<std::optional<OpenerNote>> OpenerNote::read(const std::string& path) {
    QUORATE_TRY(const auto text, io::read_file(path));
    if (!text) {
        return std::optional<OpenerNote>();
    }
    const auto lines = split(*text, '\n');
    OpenerNote note;
    bool sound = lines.size() >= 3 && lines.front() == kNoteHead && lines.back().empty();
    if (sound) {
        const auto words = split(lines[1], ' ');
        const bool three = words.size() == 3;
        const auto incarnation = three ? parse_hex64(words[0]) : std::nullopt;
        const auto process = three ? parse_u64(words[1]) : std::nullopt;
        const auto opener = three ? parse_hex64(words[2]) : std::nullopt;
        sound = incarnation && process && *process <= UINT32_MAX && opener;
        note.opener = opener.value_or(0);
        note.incarnation = incarnation.value_or(0);
        note.process = static_cast<std::uint32_t>(process.value_or(0));
    }
    for (std::size_t i = 2; sound && i + 1 < lines.size(); ++i) {
        const auto id = parse_id128(lines[i]);
        sound = id.has_value();
        note.sets.insert(id.value_or(Id128()));
    }
    if (!sound) {
        return fail(errc::damaged, path +
                                       ": is no note of an opener; restart clusterd, which fences "
                                       "this node, and delete it");
    }
    return std::optional(note);
}

Status OpenerNote::write(const std::string& path) const {
    if (sets.empty()) {
        return io::remove_durably(path);
    }
    auto text = fmt::format("{}\n{:016x} {} {:016x}\n", kNoteHead, incarnation, process, opener);
    for (const auto& set : sets) {
        text += set.to_hex() + "\n";
    }
    return io::replace_durably(path, text);
}

}  // namespace quorate::shadowing
