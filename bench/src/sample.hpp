#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate::bench {

// Messages of one size that differ in Message-ID, Subject and Date only, as a mailing would send
// them; CRLF line ends, no line begins with a dot.
class Sample {
public:
    explicit Sample(std::size_t size);

    // Exactly `size` octets, unless that is less than the header needs.
    std::string message(std::uint64_t number) const;

private:
    std::size_t size_;
    std::string text_;
};

// "user%d@example.test" with the number in place of %d.
std::string numbered(const std::string& pattern, std::uint64_t number);

}  // namespace quorate::bench
