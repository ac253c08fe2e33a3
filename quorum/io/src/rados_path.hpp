#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::quorum {

// rados:POOL/OBJECT?conf=FILE&id=NAME&namespace=NAME; what stands after the ? may be left out.
struct RadosPath {
    std::string pool;
    std::string object;
    std::string conf;  // empty: where Ceph looks for it
    std::string id = "admin";
    std::string name_space;
};

bool is_rados_path(std::string_view path);
// Errors: std::errc::invalid_argument, with what is wrong.
Result<RadosPath> parse_rados_path(std::string_view path);

}  // namespace quorate::quorum
