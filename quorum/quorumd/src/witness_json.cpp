#include "witness_json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include "io/control_fields.hpp"
#include "quorum/io/device_settings.hpp"

namespace quorate::quorum {
namespace {

constexpr std::size_t kIdDigits = 16;

std::optional<std::uint64_t> parse_id(const std::string& text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, 16);
    const bool whole = text.size() == kIdDigits && read.ec == std::errc() && read.ptr == end;
    return whole ? std::optional(value) : std::nullopt;
}

}  // namespace

boost::json::object to_json(const Witness& witness) {
    return {{"set", witness.set.to_hex()},
            {"lineage", witness.lineage.to_hex()},
            {"generation", witness.generation},
            {"generation_id", fmt::format("{:016x}", witness.generation_id)},
            {"reserved", witness.reserved},
            {"members", witness.members}};
}

Result<Witness> witness_from(const boost::json::object& body) {
    io::ControlFields fields(body);
    Witness witness;
    const auto uuid = [&](std::string_view name) {
        const auto read = parse_uuid(fields.text(name));
        if (!read) {
            fields.complain(name, "wants 32 hexadecimal digits");
        }
        return read.value_or(Uuid());
    };
    const auto number = [&](std::string_view name, std::uint64_t most) {
        const auto read = fields.optional_number(name);
        if (!read || *read > most) {
            fields.complain(name, fmt::format("wants a number up to {}", most));
        }
        return read.value_or(0);
    };
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    witness.set = uuid("set");
    witness.lineage = uuid("lineage");
    witness.generation = number("generation", kMost);
    const auto id = parse_id(fields.text("generation_id"));
    if (!id) {
        fields.complain("generation_id", "wants 16 hexadecimal digits");
    }
    witness.generation_id = id.value_or(0);
    witness.reserved = number("reserved", kMost);
    witness.members =
        static_cast<std::uint32_t>(number("members", std::numeric_limits<std::uint32_t>::max()));
    if (witness.reserved < std::max<std::uint64_t>(witness.generation, 1)) {
        fields.complain("reserved", "is below the generation, or nothing");
    }
    QUORATE_CHECK(fields.finish());
    return witness;
}

}  // namespace quorate::quorum
