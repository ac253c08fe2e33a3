#include "io/control_fields.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace quorate::io {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameShown = 40;

std::string to_text(const json::value& value) { return std::string(value.get_string()); }

}  // namespace

ControlFields::ControlFields(const json::object& object, std::string where)
    : object_(object), where_(std::move(where)) {}

void ControlFields::complain(std::string_view name, std::string_view what) {
    if (mistake_.empty()) {
        mistake_ = where_ + printable(name, kNameShown) + ": " + std::string(what);
    }
}

const json::value* ControlFields::find(std::string_view name, bool required) {
    known_.emplace(name);
    const auto* value = object_.if_contains(name);
    if (value == nullptr && required) {
        complain(name, "is missing");
    }
    return value;
}

std::optional<std::string> ControlFields::optional_text(std::string_view name) {
    const auto* value = find(name, /*required=*/false);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        complain(name, "wants a text");
        return std::nullopt;
    }
    return to_text(*value);
}

std::string ControlFields::text(std::string_view name) {
    return find(name, /*required=*/true) == nullptr ? ""
                                                    : optional_text(name).value_or(std::string());
}

std::optional<std::uint64_t> ControlFields::optional_number(std::string_view name) {
    const auto* value = find(name, /*required=*/false);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_int64() || value->get_int64() < 0) {
        complain(name, "wants a whole number from 0 to 9223372036854775807");
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(value->get_int64());
}

std::optional<bool> ControlFields::optional_flag(std::string_view name) {
    const auto* value = find(name, /*required=*/false);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_bool()) {
        complain(name, "wants true or false");
        return std::nullopt;
    }
    return value->get_bool();
}

const json::array* ControlFields::list(std::string_view name) {
    const auto* value = find(name, /*required=*/true);
    if (value != nullptr && !value->is_array()) {
        complain(name, "wants a list");
        return nullptr;
    }
    return value == nullptr ? nullptr : &value->get_array();
}

std::vector<std::string> ControlFields::texts(std::string_view name) {
    std::vector<std::string> texts;
    const auto* values = list(name);
    for (std::size_t i = 0; values != nullptr && i < values->size(); ++i) {
        if (!(*values)[i].is_string()) {
            complain(name, "wants a list of texts");
            break;
        }
        texts.push_back(to_text((*values)[i]));
    }
    return texts;
}

std::vector<const json::object*> ControlFields::objects(std::string_view name) {
    std::vector<const json::object*> objects;
    const auto* values = list(name);
    for (std::size_t i = 0; values != nullptr && i < values->size(); ++i) {
        if (!(*values)[i].is_object()) {
            complain(name, "wants a list of objects");
            break;
        }
        objects.push_back(&(*values)[i].get_object());
    }
    return objects;
}

Status ControlFields::finish() {
    for (const auto& field : object_) {
        const std::string_view name(field.key().data(), field.key().size());
        if (!known_.contains(name)) {
            complain(name, "unknown field");
        }
    }
    if (!mistake_.empty()) {
        return fail(std::make_error_code(std::errc::invalid_argument), mistake_);
    }
    return {};
}

}  // namespace quorate::io
