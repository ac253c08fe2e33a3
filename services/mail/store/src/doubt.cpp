#include "doubt.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "mutation.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::string_view kMarkPath = "journal/doubt";
constexpr std::uint64_t kStep = 1 << 20;
constexpr int kMarkTries = 4;  // where one thing has failed

// The same octets in the same place: they are to be flushed again.
Status write_anew(Volume& volume, const std::string& path) {
    QUORATE_TRY(auto file, volume.open(path, {}));
    QUORATE_TRY(const auto size, file->size());
    std::string buffer;
    for (std::uint64_t at = 0; at < size; at += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min(kStep, size - at)));
        QUORATE_TRY(const auto got, file->read(at, buffer));
        if (got != buffer.size()) {
            return fail(std::make_error_code(std::errc::io_error), path + ": is cut short");
        }
        const std::array<std::string_view, 1> pieces = {buffer};
        QUORATE_CHECK(file->write(at, pieces));
    }
    return file->flush();
}

// accounts/<two digits>/<id>/<file>
Status write_accounts_anew(Volume& volume) {
    QUORATE_TRY(const auto groups, volume.list("accounts"));
    for (const auto& group : groups) {
        QUORATE_TRY(const auto ids, volume.list("accounts/" + group));
        for (const auto& id : ids) {
            const auto folder = "accounts/" + group + "/" + id;
            QUORATE_TRY(const auto names, volume.list(folder));
            for (const auto& name : names) {
                QUORATE_CHECK(write_anew(volume, folder + "/" + name));
            }
        }
    }
    return volume.flush_all();
}

}  // namespace

void Doubt::raise(const Error& why) {
    if (mutated("doubt_forgotten")) {
        return;
    }
    std::lock_guard lock(mutex_);
    if (raised_.exchange(true, std::memory_order_acq_rel)) {
        return;
    }
    auto marked = leave_mark();
    for (int tries = 1; !marked && tries < kMarkTries; ++tries) {
        marked = leave_mark();
    }
    log_.error("databases_in_doubt", "reason", why.to_string(), "effect",
               "the journal is kept whole until the next start", "marked", marked.has_value());
}

Status Doubt::leave_mark() {
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(auto file, volume_.open(kMarkPath, mode));
    return file->flush();
}

Status Doubt::settle(Volume& volume, const Logger& log) {
    QUORATE_TRY(const bool marked, volume.exists(kMarkPath));
    if (!marked) {
        return {};
    }
    log.warn("databases_written_anew", "reason", "a flush failed before the last start");
    QUORATE_CHECK(write_accounts_anew(volume));
    QUORATE_CHECK(volume.remove(kMarkPath));
    return volume.flush_folder("journal");
}

}  // namespace quorate::mail::store
