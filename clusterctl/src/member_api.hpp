#pragma once

#include <string>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

// Another node's control API over the interconnect, for a machine whose own clusterd cannot ask:
// it is no member yet, or is about to be none (docs/protocols/peer.md).
class MemberApi {
public:
    // `addresses`: HOST:PORT, the rings of one node. A Failure when the key cannot be read.
    MemberApi(std::vector<std::string> addresses, std::string key_file);

    // As Api::call().
    json::object call(const std::string& method, const std::string& target,
                      const json::value& body = nullptr) const;

private:
    std::vector<std::string> addresses_;
    std::string key_file_;
    std::string fingerprint_;
};

}  // namespace quorate::ctl
