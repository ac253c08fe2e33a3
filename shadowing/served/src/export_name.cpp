#include "shadowing/served/export_name.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.hpp"
#include "words.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::string_view kExport = "quorate-disk-1";
constexpr std::array<std::string_view, 2> kViews{"data", "digests"};
constexpr std::array<std::string_view, 3> kStates{"ready", "refused", "other-disk"};

std::optional<Id128> parse_id(std::string_view text) {
    if (text.size() != 32) {
        return std::nullopt;
    }
    const auto high = words::parse_hex(text.substr(0, 16));
    const auto low = words::parse_hex(text.substr(16));
    return high && low ? std::optional(Id128{*high, *low}) : std::nullopt;
}

template <std::size_t N>
std::optional<std::size_t> place_of(std::string_view word,
                                    const std::array<std::string_view, N>& words) {
    const auto it = std::ranges::find(words, word);
    return it == words.end() ? std::nullopt
                             : std::optional(static_cast<std::size_t>(it - words.begin()));
}

// The text after "NAME=".
std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
    if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != '=') {
        return std::nullopt;
    }
    return word.substr(name.size() + 1);
}

}  // namespace

bool is_disk_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxDiskName && name.front() != '.' &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
           });
}

std::string encode(const ExportName& name) {
    return fmt::format("{}/{}/{}/{}/{:016x}.{}/{}/{}", kExport, name.disk, name.set.to_hex(),
                       words::opener(name.opener), name.session, name.number, name.epoch,
                       kViews[static_cast<std::size_t>(name.view)]);
}

std::optional<ExportName> decode_export_name(std::string_view text) {
    const auto words = split(text, '/');
    if (words.size() != 7 || words[0] != kExport || !is_disk_name(words[1])) {
        return std::nullopt;
    }
    const auto set = parse_id(words[2]);
    const auto opener = words::parse_opener(words[3]);
    const auto connection = split(words[4], '.');
    const auto epoch = words::parse_number<std::uint64_t>(words[5]);
    const auto view = place_of(words[6], kViews);
    if (!set || !opener || connection.size() != 2 || !epoch || !view) {
        return std::nullopt;
    }
    const auto session = words::parse_hex(connection[0]);
    const auto number = words::parse_number<std::uint32_t>(connection[1]);
    if (!session || !number) {
        return std::nullopt;
    }
    return ExportName{std::string(words[1]),         *set, *opener, *session, *number, *epoch,
                      static_cast<ServedView>(*view)};
}

std::string encode(const ServedDescription& description) {
    return fmt::format("{} state={} life={:016x} floor={}", kExport,
                       kStates[static_cast<std::size_t>(description.state)], description.life,
                       description.floor);
}

std::optional<ServedDescription> decode_served_description(std::string_view text) {
    const auto words = split(text, ' ');
    if (words.size() != 4 || words[0] != kExport) {
        return std::nullopt;
    }
    const auto state = place_of(value_of(words[1], "state").value_or(""), kStates);
    const auto life = words::parse_hex(value_of(words[2], "life").value_or(""));
    const auto floor = words::parse_number<std::uint64_t>(value_of(words[3], "floor").value_or(""));
    if (!state || !life || !floor) {
        return std::nullopt;
    }
    return ServedDescription{static_cast<ServedState>(*state), *life, *floor};
}

}  // namespace quorate::shadowing
