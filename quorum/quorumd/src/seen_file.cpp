#include "seen_file.hpp"

#include <utility>

#include "base/log.hpp"
#include "io/durable_file.hpp"
#include "io/privileges.hpp"

namespace quorate::quorum {
namespace {
constexpr const char* kFolder = "var/lib/quorate/quorum";
constexpr const char* kSeenFile = "var/lib/quorate/quorum/seen";
}  // namespace

Result<std::string> SeenFile::load() const {
    Logger log;
    if (auto made = io::make_directory(kFolder, ""); !made) {
        log.error("seen_not_kept", "why", made.error().to_string());
    }
    QUORATE_TRY(const auto bytes, io::read_file(kSeenFile));
    return bytes.value_or(std::string());
}

void SeenFile::keep(std::string bytes) {
    newest_ = std::move(bytes);
    if (!std::exchange(writing_, true)) {
        scope_.spawn(write());
    }
}

boost::asio::awaitable<void> SeenFile::write() {
    while (newest_) {
        const auto bytes = std::exchange(newest_, std::nullopt);
        auto written = co_await pool_.run([&] { return io::replace_durably(kSeenFile, *bytes); });
        if (!written) {
            Logger().error("seen_not_kept", "why", written.error().to_string());
        }
    }
    writing_ = false;
}

}  // namespace quorate::quorum
