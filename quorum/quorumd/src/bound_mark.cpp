#include "bound_mark.hpp"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "io/time.hpp"

namespace quorate::quorum {
namespace {

constexpr const char* kMark = "run/quorate/quorumd.bound";

class LateWatchdog final : public Watchdog {
public:
    LateWatchdog(std::string where, std::chrono::milliseconds timeout, std::function<void()> failed)
        : where_(std::move(where)), timeout_(timeout), failed_(std::move(failed)) {}

    bool feed(BootTime before) override {
        if (!watchdog_ && io::exact_boot_now() < before) {
            auto opened = Watchdog::open(where_, timeout_);
            if (!opened) {
                log_.error("watchdog_not_opened", "why", opened.error().to_string());
                if (const auto failed = std::exchange(failed_, nullptr)) {
                    failed();
                }
                return false;
            }
            watchdog_ = std::move(*opened);
        }
        return watchdog_ && watchdog_->feed(before);
    }
    void stop() override {
        if (watchdog_) {
            watchdog_->stop();
        }
    }

private:
    std::string where_;
    std::chrono::milliseconds timeout_;
    std::function<void()> failed_;
    std::unique_ptr<Watchdog> watchdog_;
    Logger log_;
};

}  // namespace

bool BoundMark::is_set() const {
    std::ifstream file(kMark);
    std::string boot;
    return std::getline(file, boot) && boot == boot_.to_hex();
}

Status BoundMark::set() const {
    std::ofstream file(kMark, std::ios::trunc);
    file << boot_.to_hex() << '\n' << std::flush;
    return file ? Status() : Status(fail_errno(errno, kMark));
}

void BoundMark::clear() const { ::unlink(kMark); }

std::unique_ptr<Watchdog> open_when_fed(std::string where, std::chrono::milliseconds timeout,
                                        std::function<void()> failed) {
    return std::make_unique<LateWatchdog>(std::move(where), timeout, std::move(failed));
}

}  // namespace quorate::quorum
