#include "mail/message/header.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace quorate::mail::message {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

bool is_blank_line(std::string_view rest) {
    return rest.starts_with('\n') || rest.starts_with("\r\n");
}

// Length of the first line with its line feed, or all when there is none.
std::size_t line_length(std::string_view rest) {
    const auto end = rest.find('\n');
    return end == std::string_view::npos ? rest.size() : end + 1;
}

std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    if (text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    return text;
}

// RFC 5322 3.6.8: printable ASCII without the colon.
bool is_field_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

}  // namespace

std::optional<Field> FieldReader::next() {
    const auto rest = block_.substr(offset_);
    if (rest.empty() || is_blank_line(rest)) {
        return std::nullopt;
    }
    std::size_t length = line_length(rest);
    const auto colon = rest.substr(0, length).find(':');
    while (length < rest.size() && is_space(rest[length])) {
        length += line_length(rest.substr(length));
    }
    Field field;
    field.octets = rest.substr(0, length);
    field.offset = offset_;
    field.value = without_line_end(field.octets);
    if (colon != std::string_view::npos && !is_space(rest[0])) {
        auto name = rest.substr(0, colon);
        while (!name.empty() && is_space(name.back())) {
            name.remove_suffix(1);
        }
        if (is_field_name(name)) {
            field.name = name;
            field.value.remove_prefix(colon + 1);
        }
    }
    offset_ += length;
    return field;
}

std::string unfold(std::string_view value) {
    value = trim(value);
    std::string line;
    line.reserve(value.size());
    while (!value.empty()) {
        const auto end = value.find('\n');
        if (end == std::string_view::npos) {
            line.append(value);
            break;
        }
        line.append(without_line_end(value.substr(0, end + 1)));
        value.remove_prefix(end + 1);
    }
    return line;
}

std::optional<std::string_view> first_field(std::string_view block, std::string_view name) {
    FieldReader reader(block);
    while (const auto field = reader.next()) {
        if (iequals(field->name, name)) {
            return field->value;
        }
    }
    return std::nullopt;
}

std::string select_fields(std::string_view block, std::span<const std::string> names,
                          FieldChoice choice) {
    std::string out;
    FieldReader reader(block);
    while (const auto field = reader.next()) {
        const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return iequals(name, field->name);
        });
        if (named == (choice == FieldChoice::kThese)) {
            out.append(field->octets);
        }
    }
    const auto blank = block.substr(reader.offset());
    out.append(blank.substr(0, line_length(blank)));
    return out;
}

}  // namespace quorate::mail::message
