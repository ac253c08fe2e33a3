#include "io/control_fields.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace quorate::io {
namespace {

boost::json::object object_of(std::string_view text) {
    return boost::json::parse(text).as_object();
}

std::string mistake(ControlFields& fields) {
    const auto finished = fields.finish();
    return finished ? "" : finished.error().detail;
}

TEST(ControlFields, GivesWhatIsThere) {
    const auto body = object_of(
        R"({"name": "x", "size": 9223372036854775807, "on": true, "list": ["a", "b"], "rows": [{"n": 1}]})");
    ControlFields fields(body);
    EXPECT_EQ(fields.text("name"), "x");
    EXPECT_EQ(fields.optional_number("size"), 9223372036854775807U);
    EXPECT_EQ(fields.optional_flag("on"), true);
    EXPECT_EQ(fields.texts("list"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(fields.objects("rows").size(), 1U);
    EXPECT_EQ(fields.optional_text("absent"), std::nullopt);
    EXPECT_EQ(fields.optional_number("absent"), std::nullopt);
    EXPECT_EQ(mistake(fields), "");
}

TEST(ControlFields, WhatIsMissingIsNamed) {
    const auto body = object_of("{}");
    ControlFields text(body);
    EXPECT_EQ(text.text("name"), "");
    EXPECT_EQ(mistake(text), "name: is missing");
    ControlFields rows(body);
    EXPECT_TRUE(rows.objects("rows").empty());
    EXPECT_EQ(mistake(rows), "rows: is missing");
}

TEST(ControlFields, AnotherTypeIsNamedWithTheOneThatIsWanted) {
    const std::string number = "f: wants a whole number from 0 to 9223372036854775807";
    const auto ask = [](std::string_view value, auto read) {
        const auto body = object_of("{\"f\": " + std::string(value) + "}");
        ControlFields fields(body, "rows[3].");
        read(fields);
        return mistake(fields).substr(8);
    };
    const auto as_text = [](ControlFields& fields) { fields.text("f"); };
    const auto as_number = [](ControlFields& fields) { fields.optional_number("f"); };
    EXPECT_EQ(ask("1", as_text), "f: wants a text");
    EXPECT_EQ(ask("null", as_text), "f: wants a text");
    for (const auto* value : {"\"1\"", "-1", "1.5", "1e3", "9223372036854775808", "null", "[]"}) {
        EXPECT_EQ(ask(value, as_number), number) << value;
    }
    EXPECT_EQ(ask("1", [](auto& fields) { fields.optional_flag("f"); }), "f: wants true or false");
    EXPECT_EQ(ask("{}", [](auto& fields) { fields.texts("f"); }), "f: wants a list");
    EXPECT_EQ(ask("[\"a\", 1]", [](auto& fields) { fields.texts("f"); }),
              "f: wants a list of texts");
    EXPECT_EQ(ask("[1]", [](auto& fields) { fields.objects("f"); }), "f: wants a list of objects");
}

TEST(ControlFields, WhatNobodyAskedForIsNamedInPrintableForm) {
    const auto body = object_of(R"({"name": "x", "quotta\n": 1})");
    ControlFields fields(body);
    fields.text("name");
    EXPECT_EQ(mistake(fields).substr(0, 6), "quotta");
    EXPECT_EQ(mistake(fields).find('\n'), std::string::npos);
    EXPECT_NE(mistake(fields).find(": unknown field"), std::string::npos);
}

TEST(ControlFields, TheFirstMistakeIsTold) {
    const auto body = object_of(R"({"a": 1, "b": 1})");
    ControlFields fields(body);
    fields.text("a");
    fields.text("b");
    fields.complain("c", "is too long");
    EXPECT_EQ(mistake(fields), "a: wants a text");
}

}  // namespace
}  // namespace quorate::io
