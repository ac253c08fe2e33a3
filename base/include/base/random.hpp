#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace quorate {

// Random numbers as a value: xoshiro256**, reproducible from its seed. Shells seed it from the
// kernel, simulators from the printed seed. Not for keys: secrets come from OpenSSL. Not
// thread-safe.
class Random {
public:
    explicit Random(std::uint64_t seed);

    std::uint64_t next();
    // Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
    // True once in `n` calls on average; n > 0.
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::array<std::uint64_t, 4> state_;
};

// 128 random bits: object ids (RFC 8474), incarnations.
struct Id128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Id128 random(Random& random) { return {random.next(), random.next()}; }
    // 32 lower-case hexadecimal digits.
    std::string to_hex() const;
    auto operator<=>(const Id128&) const = default;
};

}  // namespace quorate
