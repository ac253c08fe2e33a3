#include "digest_line.hpp"

#include <utility>

#include "io/time.hpp"
#include "shadowing/served/digest.hpp"

namespace quorate::shadowing {

DigestLine::DigestLine(boost::asio::io_context& io, ServedDisk disk, const NbdLibrary& library)
    : io_(io), disk_(std::move(disk)), lib_(library), random_(io::random_seed()) {}

void DigestLine::ask(std::uint64_t offset, std::uint64_t octets, Told told) {
    Wanted wanted{offset, octets, std::move(told)};
    if (is_connected_) {
        read(std::move(wanted));
        return;
    }
    wanted_.push_back(std::move(wanted));
    if (!link_) {
        connect();
    }
}

void DigestLine::stop() {
    if (link_) {
        link_->close();
    }
    wanted_.clear();
    told_.clear();
}

void DigestLine::connect() {
    link_ = std::make_shared<NbdLink>(io_, lib_);
    const ExportName name{disk_.disk,          disk_.set, disk_.opener,
                          random_.next(),      0,         disk_.epoch ? disk_.epoch() : 0,
                          ServedView::kDigests};
    const auto weak = weak_from_this();
    link_->connect(
        disk_, name,
        [weak](const Result<ServedDescription>& description) {
            if (const auto self = weak.lock()) {
                self->connected(description);
            }
        },
        [weak](const Error&) {
            if (const auto self = weak.lock()) {
                self->lost();
            }
        });
}

void DigestLine::connected(const Result<ServedDescription>& description) {
    if (!description || description->state != ServedState::kReady) {
        lost();
        return;
    }
    is_connected_ = true;
    for (auto& wanted : std::exchange(wanted_, {})) {
        read(std::move(wanted));
    }
}

void DigestLine::read(Wanted wanted) {
    const auto size = wanted.octets / kDigestBlock * kDigestOctets;
    auto digests = std::make_shared<std::string>(size, '\0');  // of libnbd and the end
    told_.push_back(std::move(wanted.told));
    const auto it = std::prev(told_.end());
    link_->read(wanted.offset / kDigestBlock * kDigestOctets, *digests,
                [weak = weak_from_this(), it, digests](int error) {
                    if (const auto self = weak.lock()) {
                        const auto told = std::move(*it);
                        self->told_.erase(it);
                        told(error == 0 ? std::optional(std::move(*digests)) : std::nullopt);
                    }
                });
}

void DigestLine::lost() {
    is_connected_ = false;
    link_->close();
    link_.reset();
    for (const auto& wanted : std::exchange(wanted_, {})) {
        wanted.told(std::nullopt);
    }
    for (const auto& told : std::exchange(told_, {})) {
        told(std::nullopt);
    }
}

}  // namespace quorate::shadowing
