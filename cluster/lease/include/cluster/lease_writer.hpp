#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "cluster/lease_page.hpp"

namespace quorate::cluster {

class SharedPage;

// clusterd's side of the page. One writer per node: who has the daemon's lock. One thread.
class LeaseWriter {
public:
    // Makes the file if it is not there; an old one is taken over as it is, since readers of an
    // earlier clusterd still look at it. Errors: those of the file system.
    static Result<LeaseWriter> open(const std::string& path);
    ~LeaseWriter();
    LeaseWriter(LeaseWriter&&) noexcept;
    LeaseWriter& operator=(LeaseWriter&&) noexcept;

    // Readers see all of it or what was before. `boot` is filled in.
    void publish(LeasePage page);

private:
    LeaseWriter(std::unique_ptr<SharedPage> page, std::uint64_t boot);

    std::unique_ptr<SharedPage> page_;
    std::uint64_t boot_;
};

}  // namespace quorate::cluster
