#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace quorate::io {

// The fields of a request's body, or of an object in it, each asked for by name and type. What is
// missing or of another type gives an empty value; finish() then tells the first mistake, or a
// field that nobody asked for, by name:
//
//     ControlFields fields(request.body);
//     const auto name = fields.text("name");
//     QUORATE_CHECK(fields.finish());
//
// Errors: std::errc::invalid_argument, whose detail is for the caller of the API (400 bad_request).
class ControlFields {
public:
    // `object` outlives it. `where` stands before the names in messages: "accounts[3].".
    explicit ControlFields(const boost::json::object& object, std::string where = "");

    std::string text(std::string_view name);
    std::optional<std::string> optional_text(std::string_view name);
    // Whole numbers up to 2^63 - 1.
    std::optional<std::uint64_t> optional_number(std::string_view name);
    std::optional<bool> optional_flag(std::string_view name);
    std::vector<std::string> texts(std::string_view name);
    // Of the body's own objects: pointers into it.
    std::vector<const boost::json::object*> objects(std::string_view name);

    // A mistake that only the caller sees; the first one counts.
    void complain(std::string_view name, std::string_view what);
    Status finish();

private:
    // Nothing when it is absent, a mistake when it has to be there.
    const boost::json::value* find(std::string_view name, bool required);
    const boost::json::array* list(std::string_view name);

    const boost::json::object& object_;
    std::string where_;
    std::set<std::string, std::less<>> known_;
    std::string mistake_;
};

}  // namespace quorate::io
