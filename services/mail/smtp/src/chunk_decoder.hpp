#pragma once

#include <cstddef>
#include <string_view>

#include "defect.hpp"

namespace quorate::mail::smtp {

// The octets of BDAT chunks (RFC 3030 2), which are the message as it is. Looks for what must not
// be in it; chunks may end anywhere, also between CR and LF.
class ChunkDecoder {
public:
    // Looks at the next octets and returns how many of them stand before the first defect of the
    // message; 0 once there was one.
    std::size_t feed(std::string_view octets);
    // The message has ended.
    void finish();

    Defect defect() const { return defect_; }

private:
    std::size_t clean_lines(std::string_view octets);

    bool last_was_cr_ = false;
    Defect defect_ = Defect::kNone;
};

}  // namespace quorate::mail::smtp
