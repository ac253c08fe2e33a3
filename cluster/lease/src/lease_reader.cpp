#include "cluster/lease_reader.hpp"

#include <utility>

#include "boot.hpp"
#include "cluster/errc.hpp"
#include "shared_page.hpp"

namespace quorate::cluster {

LeaseReader::LeaseReader(std::unique_ptr<SharedPage> page, LeasePage first)
    : page_(std::move(page)), incarnation_(first.incarnation), boot_(this_boot()) {}
LeaseReader::~LeaseReader() = default;
LeaseReader::LeaseReader(LeaseReader&&) noexcept = default;
LeaseReader& LeaseReader::operator=(LeaseReader&&) noexcept = default;

Result<LeaseReader> LeaseReader::open(const std::string& path) {
    QUORATE_TRY(auto page, SharedPage::open(path, /*writable=*/false));
    const auto words = page->load();
    if (!words) {
        return fail(errc::damaged, path + ": its writer died while it wrote; start clusterd");
    }
    QUORATE_TRY(const auto first, decode_lease_page(*words));
    return LeaseReader(std::move(page), first);
}

LeaseReader::Lease LeaseReader::check(BootTime now) const {
    const auto words = page_->load();
    const auto page = words ? decode_lease_page(*words) : Result<LeasePage>(LeasePage{});
    if (!words || !page) {
        return {LeaseState::kStalled, StallReason::kWriterSilent, Epoch(0)};
    }
    if (page->incarnation != incarnation_) {
        return {LeaseState::kExpelled, StallReason::kAnotherLife, page->epoch};
    }
    if (page->state != LeaseState::kRunning) {
        return {page->state, page->reason, page->epoch};
    }
    if (now >= page->deadline || page->boot != boot_) {
        return {LeaseState::kStalled, StallReason::kWriterSilent, page->epoch};
    }
    return {LeaseState::kRunning, StallReason::kNone, page->epoch};
}

}  // namespace quorate::cluster
