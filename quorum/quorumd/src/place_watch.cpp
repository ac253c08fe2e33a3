#include "place_watch.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

using boost::asio::awaitable;
using std::chrono::milliseconds;

bool PlaceWatch::Sightings::add(Incarnation incarnation, std::uint64_t sequence) {
    if (incarnation == self_) {
        return false;
    }
    const auto [it, first] = lives_.emplace(incarnation, Life{sequence, 0});
    if (std::exchange(it->second.sequence, sequence) != sequence) {
        ++it->second.moves;
    }
    return it->second.moves >= 2 && incarnation < self_;
}

bool PlaceWatch::Sightings::prevails() const {
    return std::ranges::none_of(
        lives_, [this](const auto& life) { return life.first < self_ && life.second.moves > 0; });
}

awaitable<void> PlaceWatch::run(milliseconds heartbeat, std::function<bool()> stopping,
                                Found found) {
    Random random(io::random_seed());
    while (!stopping() && !proven_) {
        // At another moment of the interval each time.
        const auto pause =
            heartbeat + milliseconds(random.below(static_cast<std::uint64_t>(heartbeat.count())));
        auto slept = co_await io::sleep_until(io::mono_now() + pause);
        static_cast<void>(slept);
        disks_.peek(page_of(self_, PageKind::kHeartbeat), [this](const std::string& page) {
            const auto read = decode_heartbeat(page, self_);
            proven_ = proven_ || (read && sightings_.add(read->incarnation, read->sequence));
        });
    }
    if (proven_ && !stopping()) {
        found();
    }
}

}  // namespace quorate::quorum
