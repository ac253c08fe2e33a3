#include "corosync_conf_parser.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/text.hpp"

namespace quorate::cluster {
namespace {

constexpr std::size_t kFileMax = 1 << 20;
constexpr std::size_t kLineMax = 1000;
constexpr std::size_t kDepthMax = 8;
// corosync keeps "section.section.key" in a cmap key of 255 octets.
constexpr std::size_t kNameMax = 200;

class Parser {
public:
    explicit Parser(std::string_view file) : file_(file) { open_.emplace_back(); }

    Status line(std::string_view raw) {
        ++number_;
        if (raw.size() > kLineMax) {
            return conf_error(file_, number_, "line of more than 1000 octets");
        }
        const auto text = trim(raw);
        if (text.empty() || text.front() == '#') {
            put({ConfItem::Kind::kText, {}, std::string(text), {}, number_});
            return {};
        }
        if (text == "}") {
            return close();
        }
        if (text.back() == '{') {
            return open(trim(text.substr(0, text.size() - 1)));
        }
        return value(text);
    }

    Result<std::vector<ConfItem>> finish() {
        if (open_.size() > 1) {
            return conf_error(file_, open_.back().line,
                              fmt::format("section {} is never closed", open_.back().key));
        }
        return std::move(open_.front().items);
    }

private:
    void put(ConfItem item) { open_.back().items.push_back(std::move(item)); }

    Status open(std::string_view name) {
        if (!sound_name(name)) {
            return conf_error(file_, number_,
                              "a section begins with its name and \"{\" on one line");
        }
        if (open_.size() > kDepthMax) {
            return conf_error(file_, number_, "sections more than 8 deep");
        }
        open_.push_back({ConfItem::Kind::kSection, std::string(name), {}, {}, number_});
        return {};
    }

    Status close() {
        if (open_.size() == 1) {
            return conf_error(file_, number_, "\"}\" closes nothing");
        }
        auto section = std::move(open_.back());
        open_.pop_back();
        put(std::move(section));
        return {};
    }

    Status value(std::string_view text) {
        const auto colon = text.find(':');
        if (colon == std::string_view::npos || text.find_first_of("{}") != std::string_view::npos) {
            return conf_error(
                file_, number_,
                "neither \"key: value\" nor \"section {\" nor \"}\" alone on its line");
        }
        const auto key = trim(text.substr(0, colon));
        if (!sound_name(key)) {
            return conf_error(file_, number_,
                              "a key is a word of letters, digits, \"_\", \".\" and \"-\"");
        }
        put({ConfItem::Kind::kValue,
             std::string(key),
             std::string(trim(text.substr(colon + 1))),
             {},
             number_});
        return {};
    }

    static bool sound_name(std::string_view name) {
        return !name.empty() && name.size() <= kNameMax &&
               std::all_of(name.begin(), name.end(), [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
               });
    }

    std::string_view file_;
    unsigned number_ = 0;
    std::vector<ConfItem> open_;  // the file, then the sections that are open
};

}  // namespace

tl::unexpected<Error> conf_error(std::string_view file, unsigned line, std::string_view what) {
    const auto code = std::make_error_code(std::errc::invalid_argument);
    return fail(code, line == 0 ? fmt::format("{}: {}", file, what)
                                : fmt::format("{}:{}: {}", file, line, what));
}

ConfItem conf_value(std::string_view key, std::string value) {
    return {ConfItem::Kind::kValue, std::string(key), std::move(value), {}, 0};
}

Result<std::vector<ConfItem>> parse_conf_items(std::string_view text, std::string_view file) {
    if (text.size() > kFileMax) {
        return conf_error(file, 0, "larger than 1 MiB");
    }
    if (text.find('\0') != std::string_view::npos) {
        return conf_error(file, 0, "contains a NUL octet");
    }
    Parser parser(file);
    while (!text.empty()) {
        const auto end = text.find('\n');
        QUORATE_CHECK(parser.line(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parser.finish();
}

}  // namespace quorate::cluster
