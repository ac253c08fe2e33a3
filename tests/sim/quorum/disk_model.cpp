#include "disk_model.hpp"

#include <algorithm>

#include "quorum/header.hpp"

namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr std::size_t kHalf = kPageBytes / 2;
}

Disk::Disk(sim::EventQueue& events, Random& random, const Header& header, std::size_t nodes,
           std::function<void(std::size_t, VoterInput)> done)
    : events_(events),
      random_(random),
      pages_(pages_for(static_cast<std::uint32_t>(nodes)), std::string(kPageBytes, '\0')),
      paths_(nodes),
      lives_(nodes),
      held_back_(nodes),
      done_(std::move(done)) {
    pages_[0] = encode(header, 0);
    pages_[1] = encode(header, 1);
}

void Disk::heal(std::size_t node) {
    paths_[node] = Path{};
    for (auto& request : std::exchange(held_back_[node], {})) {
        request();
    }
}

// ---- time

Disk::Delay Disk::draw(const Path& path) {
    const auto most = path.slow > Time(0)  ? path.slow
                      : random_.one_in(60) ? Time(milliseconds(400))
                                           : Time(milliseconds(8));
    Delay delay{};
    delay.reported = between(random_, Time(100), most);
    delay.whole = between(random_, Time(50), delay.reported);
    delay.half = random_.one_in(4) ? between(random_, Time(50), delay.whole) : delay.whole;
    return delay;
}

void Disk::report(std::size_t node, std::uint64_t life, Time after, VoterInput input) {
    events_.after(after, [this, node, life, input = std::move(input)]() mutable {
        if (lives_[node].number == life) {
            done_(node, std::move(input));
        }
    });
}

// ---- writing

void Disk::write(std::size_t node, const WritePage& request, std::uint64_t life) {
    auto& path = paths_[node];
    if (path.hung) {
        held_back_[node].push_back([this, node, request, life] {
            if (lives_[node].number == life || random_.one_in(2)) {
                write(node, request, life);
            }
        });
        return;
    }
    auto delay = draw(path);
    if (path.stale) {
        path.cache[request.page] = request.bytes;
    }
    const bool arrives = !path.losing && !path.refusing && !(path.failing && random_.one_in(2));
    if (arrives) {
        // A process that dies leaves its writes behind; these may take their time.
        events_.after(delay.half, [this, node, life, request] {
            land(node, life, request.page, 0, request.bytes);
        });
        events_.after(delay.whole, [this, node, life, request] {
            land(node, life, request.page, kHalf, request.bytes);
        });
    }
    report(node, life, delay.reported, PageWritten{request.id, !path.failing && !path.refusing});
}

bool Disk::gone(std::size_t node, std::uint64_t life) const {
    return lives_[node].number != life && events_.now() > lives_[node].orphans_until.at(life);
}

void Disk::land(std::size_t node, std::uint64_t life, std::uint32_t page, std::size_t from,
                const std::string& bytes) {
    if (gone(node, life)) {
        return;
    }
    const bool dead = lives_[node].number != life;
    if (prompt_ && dead && from > 0 && random_.one_in(2)) {
        return;
    }
    // What a machine that lost its power had under way may still be in the fabric.
    if (!prompt_ && dead && random_.one_in(2)) {
        if (!lives_[node].power_lost || random_.one_in(2)) {
            events_.after(between(random_, Time(0), seconds(15)),
                          [this, node, life, page, from, bytes] {
                              if (!gone(node, life)) {
                                  pages_[page].replace(from, kHalf, bytes, from, kHalf);
                              }
                          });
        }
        return;
    }
    pages_[page].replace(from, kHalf, bytes, from, kHalf);
}

void Disk::orphan(std::size_t node, bool power_lost) {
    lives_[node].orphans_until[lives_[node].number++] = Time::max();
    lives_[node].power_lost = power_lost;
}

void Disk::adopt(std::size_t node, Time until) {
    for (auto& [life, last] : lives_[node].orphans_until) {
        last = std::min(last, until);
    }
}

// ---- reading

void Disk::read(std::size_t node, const ReadPages& request) {
    const auto& path = paths_[node];
    const auto life = lives_[node].number;
    if (path.hung || path.mute) {
        held_back_[node].push_back([this, node, request, life] {
            if (lives_[node].number == life) {
                read(node, request);
            }
        });
        return;
    }
    const auto delay = draw(path);
    if (path.failing || path.refusing) {
        report(node, life, delay.reported, PagesRead{request.id, false, {}});
        return;
    }
    const auto cut = static_cast<std::uint32_t>(random_.below(request.count + 1));
    const bool backwards = random_.one_in(2);
    const auto bytes = std::make_shared<std::array<std::string, 2>>();  // filled at two moments
    events_.after(backwards ? delay.whole : delay.half, [this, node, request, cut, bytes] {
        (*bytes)[0] = sample(node, request.first, cut);
    });
    events_.after(backwards ? delay.half : delay.whole, [this, node, request, cut, bytes] {
        (*bytes)[1] = sample(node, request.first + cut, request.count - cut);
    });
    events_.after(delay.reported + path.tardy, [this, node, life, request, bytes] {
        if (lives_[node].number == life) {
            done_(node, PagesRead{request.id, true, (*bytes)[0] + (*bytes)[1]});
        }
    });
}

std::string Disk::sample(std::size_t node, std::uint32_t first, std::uint32_t count) {
    auto& path = paths_[node];
    std::string bytes;
    bytes.reserve(std::size_t{count} * kPageBytes);
    for (auto page = first; page < first + count; ++page) {
        bytes +=
            path.stale ? path.cache.try_emplace(page, pages_[page]).first->second : pages_[page];
    }
    return bytes;
}

}  // namespace quorate::quorum::simulator
