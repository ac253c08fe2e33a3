#include "cmap.hpp"

#include <array>
#include <cstdlib>
#include <optional>

#include "corosync_error.hpp"

namespace quorate::quorum {
namespace {

template <class Number>
std::optional<std::string> number_of(cmap_handle_t handle, const char* key,
                                     cs_error_t (*get)(cmap_handle_t, const char*, Number*)) {
    Number value = 0;
    return get(handle, key, &value) == CS_OK ? std::optional(std::to_string(value)) : std::nullopt;
}

std::optional<std::string> value_of(cmap_handle_t handle, const char* key,
                                    cmap_value_types_t type) {
    if (type == CMAP_VALUETYPE_STRING) {
        char* text = nullptr;
        if (cmap_get_string(handle, key, &text) != CS_OK) {
            return std::nullopt;
        }
        std::string value(text);
        std::free(text);
        return value;
    }
    if (type == CMAP_VALUETYPE_UINT32) {
        return number_of(handle, key, cmap_get_uint32);
    }
    if (type == CMAP_VALUETYPE_UINT8) {
        return number_of(handle, key, cmap_get_uint8);
    }
    return std::nullopt;
}

}  // namespace

Result<std::map<std::string, std::string>> Cmap::with_prefix(const std::string& prefix) const {
    cmap_iter_handle_t iterator = 0;
    auto error = opened_;
    if (error == CS_OK) {
        error = cmap_iter_init(handle_, prefix.c_str(), &iterator);
    }
    if (error != CS_OK) {
        return corosync_error("cannot read Corosync's configuration", error);
    }
    std::map<std::string, std::string> found;
    std::array<char, CMAP_KEYNAME_MAXLEN + 1> key{};
    std::size_t length = 0;
    cmap_value_types_t type{};
    while ((error = cmap_iter_next(handle_, iterator, key.data(), &length, &type)) == CS_OK) {
        if (auto value = value_of(handle_, key.data(), type)) {
            found[std::string(key.data()).substr(prefix.size())] = std::move(*value);
        }
    }
    cmap_iter_finalize(handle_, iterator);
    if (error != CS_ERR_NO_SECTIONS) {
        return corosync_error("cannot read Corosync's configuration", error);
    }
    return found;
}

}  // namespace quorate::quorum
