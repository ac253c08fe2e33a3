#include "bulk.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <span>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "base/text.hpp"

namespace quorate::ctl {
namespace {

// Small, because hashing a password takes tens of milliseconds and the operator wants to see
// progress.
constexpr std::size_t kChunk = 50;
constexpr std::uint64_t kItemsMax = 1'000'000;

constexpr const char* kLine = ": wants address,password[,quota_bytes[,quota_messages]]";

// Nothing for an empty field.
std::optional<std::uint64_t> parse_quota(std::string_view field, const std::string& where,
                                         const char* name) {
    field = trim(field);
    const auto quota = parse_u64(field);
    if (!quota && !field.empty()) {
        throw Failure{kUsage, where + ": " + name + " is not a number"};
    }
    return quota;
}

BulkItem parse_line(const std::string& line, const std::string& where, bool with_passwords) {
    const auto fields = split(line, ',');
    BulkItem item;
    item.address = trim(fields[0]);
    if (item.address.empty()) {
        throw Failure{kUsage, where + kLine};
    }
    if (with_passwords) {
        if (fields.size() < 2 || fields.size() > 4 || fields[1].empty()) {
            throw Failure{kUsage, where + kLine + "; a password may not hold a comma"};
        }
        item.password = fields[1];
    }
    if (fields.size() > 2) {
        item.quota.bytes = parse_quota(fields[2], where, "quota_bytes");
    }
    if (fields.size() > 3) {
        item.quota.messages = parse_quota(fields[3], where, "quota_messages");
    }
    return item;
}

struct Placeholder {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::size_t digits = 0;
};

Placeholder find_placeholder(const std::string& pattern) {
    Placeholder found;
    found.begin = pattern.find('%');
    const auto end =
        found.begin == std::string::npos ? found.begin : pattern.find('d', found.begin);
    const Failure wrong{kUsage, "--pattern wants one %d or %0Nd, as in user%04d@example.test"};
    if (end == std::string::npos || pattern.find('%', end) != std::string::npos) {
        throw wrong;
    }
    found.size = end - found.begin + 1;
    const auto digits = pattern.substr(found.begin + 1, found.size - 2);
    if (!digits.empty()) {
        const auto count = parse_u64(digits);
        if (!count || *count > 18 || digits[0] != '0') {
            throw wrong;
        }
        found.digits = *count;
    }
    return found;
}

struct Totals {
    std::uint64_t done = 0;
    std::uint64_t skipped = 0;
    json::array errors;
};

void send_chunk(const Context& context, const std::string& action, std::span<const BulkItem> items,
                Totals& totals) {
    json::array accounts;
    for (const auto& item : items) {
        json::object account{{"address", item.address}};
        if (action == "add") {
            account["password"] = item.password;
            item.quota.put_into(account);
        }
        accounts.push_back(std::move(account));
    }
    auto answer = context.api.call("POST", "/v1/accounts:bulk",
                                   json::object{{"action", action}, {"accounts", accounts}});
    totals.done += number_of(answer, "done");
    totals.skipped += number_of(answer, "existing") + number_of(answer, "absent");
    for (auto& error : answer["errors"].as_array()) {
        totals.errors.push_back(error);
    }
}

void print_totals(const std::string& action, const Totals& totals) {
    const bool adding = action == "add";
    std::printf("%llu accounts %s, %llu %s, %zu failed\n",
                static_cast<unsigned long long>(totals.done), adding ? "created" : "removed",
                static_cast<unsigned long long>(totals.skipped),
                adding ? "existed already" : "were not there", totals.errors.size());
    for (const auto& error : totals.errors) {
        const auto address = text_of(error.as_object(), "address");
        const auto message = text_of(error.as_object(), "message");
        const bool named = message.starts_with(address);
        std::printf("  %s%s\n", named ? "" : (address + ": ").c_str(), message.c_str());
    }
}

}  // namespace

void Quota::put_into(json::object& account) const {
    if (bytes) {
        account["quota_bytes"] = *bytes;
    }
    if (messages) {
        account["quota_messages"] = *messages;
    }
}

std::vector<BulkItem> read_csv(const std::string& file, bool with_passwords) {
    std::ifstream in(file);
    if (!in) {
        throw Failure{kUsage, fmt::format("{}: {}", file, std::generic_category().message(errno))};
    }
    std::vector<BulkItem> items;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (!trim(line).empty() && line[0] != '#') {
            items.push_back(parse_line(line, fmt::format("{}:{}", file, number), with_passwords));
        }
    }
    return items;
}

std::vector<BulkItem> expand_pattern(const std::string& pattern, const std::string& range) {
    const auto placeholder = find_placeholder(pattern);
    const auto parts = split(range, '-');
    const auto first = parse_u64(parts[0]);
    const auto last = parse_u64(parts.back());
    if (parts.size() > 2 || !first || !last || *first > *last || *last - *first >= kItemsMax) {
        throw Failure{kUsage, "--range wants FIRST-LAST, as in 1-100, at most 1000000 numbers"};
    }
    std::vector<BulkItem> items;
    for (auto number = *first; number <= *last; ++number) {
        std::string address = pattern;
        address.replace(placeholder.begin, placeholder.size,
                        fmt::format("{:0{}}", number, placeholder.digits));
        items.push_back({std::move(address), "", {}});
    }
    return items;
}

int run_bulk(const Context& context, const std::string& action, const std::vector<BulkItem>& items,
             const json::object& more) {
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    Totals totals;
    for (std::size_t begin = 0; begin < items.size(); begin += kChunk) {
        const auto count = std::min(kChunk, items.size() - begin);
        try {
            send_chunk(context, action, std::span(items).subspan(begin, count), totals);
        } catch (const Failure& failure) {
            throw Failure{failure.exit_code,
                          fmt::format("{} after {} of {}; repeat the command to go on",
                                      failure.what, totals.done + totals.skipped, items.size()),
                          failure.code};
        }
        if (terminal) {
            std::fprintf(stderr, "\r%zu of %zu", begin + count, items.size());
        }
    }
    if (terminal) {
        std::fprintf(stderr, "\r\033[K");
    }
    if (context.json) {
        json::object outcome{
            {"done", totals.done}, {"skipped", totals.skipped}, {"errors", totals.errors}};
        outcome.insert(more.begin(), more.end());
        print_json(outcome);
    } else {
        print_totals(action, totals);
    }
    return totals.errors.empty() ? kOk : kRefused;
}

}  // namespace quorate::ctl
