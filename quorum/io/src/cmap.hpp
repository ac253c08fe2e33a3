#pragma once

#include <corosync/cmap.h>

#include <map>
#include <string>

#include "base/result.hpp"

namespace quorate::quorum {

// A connection to Corosync's configuration map, for one purpose.
class Cmap {
public:
    Cmap() : opened_(cmap_initialize(&handle_)) {}
    ~Cmap() {
        if (opened_ == CS_OK) {
            cmap_finalize(handle_);
        }
    }
    Cmap(const Cmap&) = delete;
    Cmap& operator=(const Cmap&) = delete;

    cs_error_t opened() const { return opened_; }
    cmap_handle_t get() const { return handle_; }

    // Every key with this prefix, without it, as text; what is neither text nor number is left out.
    Result<std::map<std::string, std::string>> with_prefix(const std::string& prefix) const;

private:
    cmap_handle_t handle_ = 0;
    cs_error_t opened_;
};

}  // namespace quorate::quorum
