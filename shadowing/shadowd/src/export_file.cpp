#include "export_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "io/address.hpp"
#include "io/config.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kFolder = "etc/quorate/shadow.export.d";

Status check_keys(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return fail_errno(errno, path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return fail(errc::refused, path + ": others may read these keys: chmod 0600");
    }
    return {};
}

}  // namespace

Result<std::optional<ExportFile>> read_export_file(const std::string& unit) {
    const auto path = fmt::format("{}/{}.toml", kFolder, unit);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        return std::optional<ExportFile>();
    }
    QUORATE_TRY(const auto file, io::ConfigFile::load(path));
    auto root = file->root();
    ExportFile found;
    found.address = root.required_string("address");
    found.clients = root.required_string("clients");
    const auto address = io::Address::parse(found.address);
    if (!address || address->kind == io::Address::Kind::kUnix) {
        root.complain("address", "an IP address and a port are wanted");
    }
    QUORATE_CHECK(file->finish());
    QUORATE_CHECK(check_keys(found.clients));
    return std::optional(std::move(found));
}

}  // namespace quorate::shadowing
