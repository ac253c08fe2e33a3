#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "cluster/lease_page.hpp"

namespace quorate::cluster {

// The lease page in shared memory, written. The file is made once and kept, so that who has mapped
// it goes on seeing it over restarts of clusterd. docs/formats/lease-page.md. Thread rule: one.
class LeaseWriter {
public:
    // Errors: errno's values; `detail` names the file.
    static Result<LeaseWriter> open(const std::string& path);
    LeaseWriter(LeaseWriter&& other) noexcept;
    LeaseWriter& operator=(LeaseWriter&&) = delete;
    ~LeaseWriter();

    // `page.boot` is filled in here.
    void publish(LeasePage page);

private:
    LeaseWriter(void* memory, std::uint64_t boot) : memory_(memory), boot_(boot) {}

    void* memory_;
    std::uint64_t boot_;
};

}  // namespace quorate::cluster
