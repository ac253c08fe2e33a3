#include "quorum/io/watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include <fmt/core.h>

#include "io/time.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

class Described {
public:
    explicit Described(int descriptor) : descriptor_(descriptor) {}
    ~Described() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    Described(const Described&) = delete;
    Described& operator=(const Described&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

class DeviceWatchdog final : public Watchdog {
public:
    explicit DeviceWatchdog(int descriptor) : device_(descriptor) {}

    Status set(const std::string& path, std::chrono::milliseconds timeout) {
        const auto wanted = std::chrono::duration_cast<std::chrono::seconds>(timeout);
        int seconds = static_cast<int>(wanted.count());
        if (wanted != timeout) {
            return fail(errc::refused, fmt::format("{} counts whole seconds, the disk says {} ms",
                                                   path, timeout.count()));
        }
        if (::ioctl(device_.get(), WDIOC_SETTIMEOUT, &seconds) != 0 ||
            ::ioctl(device_.get(), WDIOC_GETTIMEOUT, &seconds) != 0) {
            return fail_errno(errno, path);
        }
        if (seconds > wanted.count()) {
            return fail(errc::refused, fmt::format("{} cannot be set to {} s, only to {} s", path,
                                                   wanted.count(), seconds));
        }
        return {};
    }
    bool feed(BootTime before) override {
        int nothing = 0;
        return io::exact_boot_now() < before &&
               ::ioctl(device_.get(), WDIOC_KEEPALIVE, &nothing) == 0;
    }
    void stop() override { static_cast<void>(::write(device_.get(), "V", 1)); }

private:
    Described device_;
};

class SocketWatchdog final : public Watchdog {
public:
    explicit SocketWatchdog(int descriptor) : socket_(descriptor) {}

    bool tell(std::string_view line) {
        return ::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
               static_cast<ssize_t>(line.size());
    }
    bool feed(BootTime before) override { return io::exact_boot_now() < before && tell("fed\n"); }
    void stop() override { tell("\n"); }

private:
    Described socket_;
};

Result<std::unique_ptr<Watchdog>> open_socket(const std::string& path,
                                              std::chrono::milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return fail_errno(ENAMETOOLONG, path);
    }
    path.copy(address.sun_path, path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto watchdog = std::make_unique<SocketWatchdog>(descriptor);
    if (descriptor < 0 ||
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return fail_errno(errno, path);
    }
    if (!watchdog->tell(fmt::format("{}\n", timeout.count()))) {
        return fail_errno(errno, path);
    }
    return watchdog;
}

}  // namespace

Result<std::unique_ptr<Watchdog>> Watchdog::open(const std::string& where,
                                                 std::chrono::milliseconds timeout) {
    constexpr std::string_view kUnix = "unix:";
    if (where.starts_with(kUnix)) {
        return open_socket(where.substr(kUnix.size()), timeout);
    }
    const int descriptor = ::open(where.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        const int error = errno;
        const auto* advice =
            error == EBUSY    ? ": another program has it (SBD, systemd's RuntimeWatchdogSec?)"
            : error == ENOENT ? ": there is none; load a driver (softdog at least), or format the "
                                "disk for soft mode"
                              : "";
        return fail_errno(error, where + advice);
    }
    auto watchdog = std::make_unique<DeviceWatchdog>(descriptor);
    QUORATE_CHECK(watchdog->set(where, timeout));
    return watchdog;
}

}  // namespace quorate::quorum
