#include "quorum_device.hpp"

#include <fmt/core.h>

namespace quorate::cluster {

std::string device_problem(std::string_view model, const VoteInfo& votes) {
    if (votes.device.empty()) {
        return model.empty()
                   ? ""
                   : fmt::format(
                         "corosync.conf has a quorum device (model {}), but no program "
                         "casts its votes on this node, and no quorumd publishes them: the "
                         "members' votes alone decide",
                         model);
    }
    return fmt::format(
        "{} casts {} of the quorum device in Corosync, which no quorumd "
        "publishes: for clusterd the members' votes alone decide",
        votes.device,
        !votes.device_casts       ? std::string("no votes")
        : votes.device_votes == 1 ? "1 vote"
                                  : fmt::format("{} votes", votes.device_votes));
}

}  // namespace quorate::cluster
