#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

// What a command is about to change, said before it is done. When a step fails, the operator learns
// which ones were done and which were not.
class Plan {
public:
    explicit Plan(std::string title) : title_(std::move(title)) {}

    // `act` throws a Failure.
    void add(std::string what, std::function<void()> act) {
        steps_.push_back({std::move(what), std::move(act)});
    }
    // Prints, asks unless --yes was given, does.
    void carry_out(const Context& context) const;
    json::array as_json() const;

private:
    struct Step {
        std::string what;
        std::function<void()> act;
    };

    std::string title_;
    std::vector<Step> steps_;
};

}  // namespace quorate::ctl
