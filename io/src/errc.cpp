#include "io/errc.hpp"

#include <string>

namespace quorate::io {
namespace {

class IoCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "io"; }
    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::kTimedOut:
                return "timed out";
            case Errc::kClosed:
                return "closed";
            case Errc::kInterrupted:
                return "interrupted";
            case Errc::kCancelled:
                return "cancelled";
            case Errc::kStopping:
                return "stopping";
            case Errc::kQueueFull:
                return "queue full";
            case Errc::kLimit:
                return "limit exceeded";
            case Errc::kTls:
                return "TLS failure";
            case Errc::kConfig:
                return "configuration error";
            case Errc::kUsage:
                return "usage error";
            case Errc::kAddress:
                return "not an address";
            case Errc::kHttp:
                return "malformed HTTP";
        }
        return "unknown io error";
    }
};

}  // namespace

const std::error_category& io_category() {
    static const IoCategory category;
    return category;
}

}  // namespace quorate::io
