#include "shadowing/cluster/witness_json.hpp"

#include <charconv>

#include <fmt/format.h>

#include "io/control_fields.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::size_t kDigits = 16;

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    const bool whole =
        text.size() == kDigits && read.ec == std::errc() && read.ptr == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

std::optional<Id128> id_of(std::string_view text) {
    if (text.size() != 2 * kDigits) {
        return std::nullopt;
    }
    const auto high = hexadecimal(text.substr(0, kDigits));
    const auto low = hexadecimal(text.substr(kDigits));
    return high && low ? std::optional(Id128{*high, *low}) : std::nullopt;
}

}  // namespace

boost::json::object to_json(const WitnessBlock& block) {
    const auto word = block.word.value_or(WitnessWord());
    return {{"set", block.set.to_hex()},
            {"lineage", word.lineage.to_hex()},
            {"generation", word.generation.number},
            {"generation_id", fmt::format("{:016x}", word.generation.id)},
            {"reserved", block.reserved},
            {"members", 0}};
}

Result<WitnessBlock> witness_block_from(const boost::json::object& object) {
    io::ControlFields fields(object);
    const auto id = [&](std::string_view name) {
        const auto read = id_of(fields.text(name));
        if (!read) {
            fields.complain(name, "wants 32 hexadecimal digits");
        }
        return read.value_or(Id128());
    };
    WitnessBlock block;
    WitnessWord word;
    block.set = id("set");
    word.lineage = id("lineage");
    word.generation.number = fields.optional_number("generation").value_or(0);
    const auto generation_id = hexadecimal(fields.text("generation_id"));
    if (!generation_id) {
        fields.complain("generation_id", "wants 16 hexadecimal digits");
    }
    word.generation.id = generation_id.value_or(0);
    block.reserved = fields.optional_number("reserved").value_or(0);
    static_cast<void>(fields.optional_number("members"));
    QUORATE_CHECK(fields.finish());
    if (word.generation.number != 0) {
        block.word = word;
    }
    return block;
}

}  // namespace quorate::shadowing
