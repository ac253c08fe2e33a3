#include "fencer_file.hpp"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "cluster/errc.hpp"
#include "cluster/takeover.hpp"

namespace quorate::cluster {
namespace {

constexpr std::string_view kHead = "quorate-fencers ";
constexpr std::string_view kVersion1 = "1";
constexpr std::size_t kNameMax = 32;

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

std::string last_line(std::string_view before, std::size_t count) {
    return fmt::format("end {} {:08x}\n", count, crc32c(before));
}

bool read_line(std::string_view line, FencerOwners& owners) {
    const auto words = split(line, ' ');
    const auto uid = words.size() == 2 ? parse_u64(words[1]) : std::nullopt;
    return uid && *uid <= std::numeric_limits<std::uint32_t>::max() && is_fencer_name(words[0]) &&
           owners.emplace(words[0], static_cast<std::uint32_t>(*uid)).second;
}

}  // namespace

bool is_fencer_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameMax && name != kLeaseFencer &&
           is_alphanumeric(name.front()) && std::ranges::all_of(name, [](char c) {
               return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
           });
}

std::string encode_fencers(const FencerOwners& owners) {
    auto text = fmt::format("{}{}\n", kHead, kVersion1);
    for (const auto& [name, uid] : owners) {
        text += fmt::format("{} {}\n", name, uid);
    }
    return text + last_line(text, owners.size());
}

Result<FencerOwners> decode_fencers(std::string_view text) {
    auto lines = split(text, '\n');
    if (lines.size() < 3 || !lines.front().starts_with(kHead) || !lines.back().empty()) {
        return fail(errc::damaged, "is no list of fencers");
    }
    if (lines.front().substr(kHead.size()) != kVersion1) {
        return fail(errc::unsupported_version, "was written by a newer clusterd");
    }
    lines.pop_back();
    const auto end = lines.back();
    lines.pop_back();
    FencerOwners owners;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (!read_line(lines[i], owners)) {
            return fail(errc::damaged, fmt::format("line {} names no fencer", i + 1));
        }
    }
    const auto before = text.substr(0, text.size() - end.size() - 1);
    if (std::string(end) + "\n" != last_line(before, owners.size())) {
        return fail(errc::damaged, "its last line does not fit the others");
    }
    if (owners.size() > kMaxOutsideFencers) {
        return fail(errc::damaged, "names too many fencers");
    }
    return owners;
}

}  // namespace quorate::cluster
