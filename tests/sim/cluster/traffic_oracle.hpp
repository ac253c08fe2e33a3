#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <fmt/core.h>

#include "base/text.hpp"
#include "cluster/view.hpp"

namespace quorate::cluster::simulator {

// Messages of one life to another, per epoch: delivered from the first on, in order, once, and only
// in that epoch.
class TrafficOracle {
public:
    // What the next message says; it is sent now.
    std::string next(MemberId from, MemberId to, Epoch epoch) const {
        const auto it = flows_.find({from, to, epoch});
        return std::to_string(it == flows_.end() ? 1 : it->second.sent + 1);
    }
    void sent(MemberId from, MemberId to, Epoch epoch) { ++flows_[{from, to, epoch}].sent; }

    void delivered(MemberId from, MemberId to, Epoch epoch, Epoch current, std::string_view text) {
        auto& flow = flows_[{from, to, epoch}];
        const auto number = parse_u64(text.substr(0, text.find(' '))).value_or(0);
        if (epoch != current) {
            fail(from, to,
                 fmt::format("a message of epoch {} in epoch {}", epoch.value(), current.value()));
        }
        if (number != ++flow.delivered || number > flow.sent) {
            fail(from, to,
                 fmt::format("message {} of epoch {} where {} was due", number, epoch.value(),
                             flow.delivered));
        }
    }
    std::uint64_t missing(MemberId from, MemberId to, Epoch epoch) const {
        const auto it = flows_.find({from, to, epoch});
        return it == flows_.end() ? 0 : it->second.sent - it->second.delivered;
    }

    std::uint64_t deliveries() const {
        std::uint64_t sum = 0;
        for (const auto& [key, flow] : flows_) {
            sum += flow.delivered;
        }
        return sum;
    }
    const std::string& breach() const { return breach_; }

private:
    struct Flow {
        std::uint64_t sent = 0;
        std::uint64_t delivered = 0;
    };
    void fail(MemberId from, MemberId to, const std::string& what) {
        if (breach_.empty()) {
            breach_ = fmt::format("node {} hears from node {} {}", to.node.value(),
                                  from.node.value(), what);
        }
    }

    std::map<std::tuple<MemberId, MemberId, Epoch>, Flow> flows_;
    std::string breach_;
};

}  // namespace quorate::cluster::simulator
