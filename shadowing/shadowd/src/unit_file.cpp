#include "unit_file.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "io/config.hpp"
#include "io/durable_file.hpp"
#include "shadowing/label.hpp"

namespace quorate::shadowing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnitFolder = "etc/quorate/shadow.d";

std::string path_of(const std::string& unit) {
    return fmt::format("{}/{}.toml", kUnitFolder, unit);
}

}  // namespace

std::string toml_text(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + "\"";
}

bool is_unit_name(const std::string& name) {
    return !name.empty() && name.size() <= kMaxUnitName && std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

Result<std::vector<UnitFile>> read_unit_files() {
    std::vector<UnitFile> units;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(kUnitFolder, error)) {
        if (entry.path().extension() != ".toml") {
            continue;
        }
        QUORATE_TRY(const auto file, io::ConfigFile::load(entry.path().string()));
        auto root = file->root();
        UnitFile unit;
        unit.unit = entry.path().stem().string();
        unit.disks = root.strings("disks");
        unit.cluster = root.boolean("cluster", false);
        unit.shared = root.boolean("shared", false);
        unit.quorum_disk = root.boolean("quorum_disk", false);
        if (!is_unit_name(unit.unit)) {
            root.complain("disks", "the file's name is no unit's");
        }
        QUORATE_CHECK(file->finish());
        units.push_back(std::move(unit));
    }
    std::ranges::sort(units, {}, &UnitFile::unit);
    return units;
}

Status write_unit_file(const UnitFile& file) {
    std::error_code ignored;
    fs::create_directories(kUnitFolder, ignored);
    std::string disks;
    for (const auto& disk : file.disks) {
        disks += fmt::format("    {},\n", toml_text(disk));
    }
    auto text = fmt::format("disks = [\n{}]\n", disks);
    for (const auto& [key, set] : {std::pair("cluster", file.cluster),
                                   {"shared", file.shared},
                                   {"quorum_disk", file.quorum_disk}}) {
        text += set ? fmt::format("{} = true\n", key) : "";
    }
    return io::replace_durably(path_of(file.unit), text);
}

Status remove_unit_file(const std::string& unit) { return io::remove_durably(path_of(unit)); }

}  // namespace quorate::shadowing
