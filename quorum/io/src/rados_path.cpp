#include "rados_path.hpp"

#include <fmt/core.h>

namespace quorate::quorum {
namespace {

constexpr std::string_view kScheme = "rados:";

// Up to the separator, which is taken as well; all of it when there is none.
std::string_view cut_off(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return part;
}

std::string* option_of(RadosPath& path, std::string_view name) {
    return name == "conf"        ? &path.conf
           : name == "id"        ? &path.id
           : name == "namespace" ? &path.name_space
                                 : nullptr;
}

}  // namespace

bool is_rados_path(std::string_view path) { return path.starts_with(kScheme); }

Result<RadosPath> parse_rados_path(std::string_view text) {
    const auto wrong = [text](std::string_view why) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    fmt::format("{}: {}; rados:POOL/OBJECT is wanted, and after it ?conf=FILE, "
                                "id=NAME, namespace=NAME with & between them",
                                text, why));
    };
    auto options = text.substr(kScheme.size());
    auto object = cut_off(options, '?');
    RadosPath path;
    path.pool = cut_off(object, '/');
    path.object = object;
    if (path.pool.empty() || path.object.empty()) {
        return wrong(path.pool.empty() ? "no pool" : "no object");
    }
    while (!options.empty()) {
        auto value = cut_off(options, '&');
        const auto name = cut_off(value, '=');
        auto* option = option_of(path, name);
        if (option == nullptr || value.empty()) {
            return wrong(
                fmt::format("{} \"{}\"", option == nullptr ? "no option" : "no value of", name));
        }
        *option = value;
    }
    return path;
}

}  // namespace quorate::quorum
