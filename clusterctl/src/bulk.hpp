#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

// What was said of limits: what was not is not sent.
struct Quota {
    std::optional<std::uint64_t> bytes;
    std::optional<std::uint64_t> messages;

    void put_into(json::object& account) const;
};

struct BulkItem {
    std::string address;
    std::string password;
    Quota quota;
};

// Lines `address,password[,quota_bytes[,quota_messages]]`; '#' begins a comment line. The whole
// file is read and checked before anything is done; a Failure names file and line.
std::vector<BulkItem> read_csv(const std::string& file, bool with_passwords);

// "mst_%d@example.test" and "1-100". %d, or %0Nd for N digits, stands for the number.
std::vector<BulkItem> expand_pattern(const std::string& pattern, const std::string& range);

// Sends them in chunks, shows progress on a terminal, prints what was done and what was not. Exit
// code 0 when nothing failed. Each account is done or not done by itself, so the same command may
// be repeated after a failure.
// `more` stands in the JSON of the outcome too.
int run_bulk(const Context& context, const std::string& action, const std::vector<BulkItem>& items,
             const json::object& more = {});

}  // namespace quorate::ctl
