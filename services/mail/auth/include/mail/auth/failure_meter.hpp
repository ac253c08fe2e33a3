#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace quorate::mail::auth {

// Counts refused logins per key (peer address, account name) and says how long to wait before the
// next answer: the first two are answered after `first`, each further one after twice as long, up
// to a minute. Counts halve every ten minutes.
//
// Thread rule: one caller. Limit: 65,536 keys; beyond it the ones that count least are dropped.
class FailureMeter {
public:
    explicit FailureMeter(std::chrono::milliseconds first) : first_(first) {}

    // Notes a failure; the delay of its answer.
    std::chrono::milliseconds failed(std::string_view key, MonoTime now);
    void succeeded(std::string_view key);
    std::size_t size() const { return counts_.size(); }

private:
    struct Count {
        std::uint32_t failures = 0;
        MonoTime last;
    };
    static void decay(Count& count, MonoTime now);
    void make_room(MonoTime now);

    std::chrono::milliseconds first_;
    std::unordered_map<std::string, Count, StringHash, std::equal_to<>> counts_;
};

}  // namespace quorate::mail::auth
