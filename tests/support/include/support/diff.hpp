#pragma once

#include <string>
#include <string_view>

namespace quorate::support {

// Two texts line by line: "  same", "- only expected", "+ only actual".
std::string diff(std::string_view expected, std::string_view actual);

}  // namespace quorate::support
