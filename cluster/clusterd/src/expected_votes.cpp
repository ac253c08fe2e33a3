#include "expected_votes.hpp"

#include <fmt/core.h>

namespace quorate::cluster {

std::string votes_text(std::uint32_t votes) {
    return fmt::format("{} vote{}", votes, votes == 1 ? "" : "s");
}

std::string votes_refusal(std::uint32_t votes, std::uint32_t present) {
    const auto are = votes_text(present) + (present == 1 ? " is" : " are");
    if (votes < present) {
        return fmt::format(
            "{} cannot be expected while {} present: expect at least {}; to reckon with less, take "
            "nodes out for good (clusterctl cluster leave --node NODE) or their votes away "
            "(clusterctl node votes NODE 0)",
            votes_text(votes), are, present);
    }
    const auto most = present == 0 ? 0 : 2 * present - 1;
    return fmt::format(
        "of {} expected {} would be the quorum, and {} present: expect at most {}, or start more "
        "nodes first",
        votes_text(votes), votes / 2 + 1, are, most);
}

}  // namespace quorate::cluster
