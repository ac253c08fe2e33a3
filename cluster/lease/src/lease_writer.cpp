#include "cluster/lease_writer.hpp"

#include <utility>

#include "boot.hpp"
#include "shared_page.hpp"

namespace quorate::cluster {

LeaseWriter::LeaseWriter(std::unique_ptr<SharedPage> page, std::uint64_t boot)
    : page_(std::move(page)), boot_(boot) {}
LeaseWriter::~LeaseWriter() = default;
LeaseWriter::LeaseWriter(LeaseWriter&&) noexcept = default;
LeaseWriter& LeaseWriter::operator=(LeaseWriter&&) noexcept = default;

Result<LeaseWriter> LeaseWriter::open(const std::string& path) {
    QUORATE_TRY(auto page, SharedPage::open(path, /*writable=*/true));
    return LeaseWriter(std::move(page), this_boot());
}

void LeaseWriter::publish(LeasePage page) {
    page.boot = boot_;
    page_->store(encode(page));
}

}  // namespace quorate::cluster
