#include "served_disks.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "io/config.hpp"
#include "io/durable_file.hpp"
#include "shadowing/errc.hpp"
#include "unit_file.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kServedFolder = "etc/quorate/served.d";

std::string served_path(const std::string& name) {
    return fmt::format("{}/{}.toml", kServedFolder, name);
}

}  // namespace

Result<std::vector<ServedFile>> read_served_files() {
    std::vector<ServedFile> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(kServedFolder, error)) {
        if (entry.path().extension() != ".toml") {
            continue;
        }
        QUORATE_TRY(const auto file, io::ConfigFile::load(entry.path().string()));
        auto root = file->root();
        ServedFile served;
        served.name = entry.path().stem().string();
        served.path = root.string("path", "");
        served.address = root.string("address", "");
        if (!is_disk_name(served.name)) {
            root.complain("path", "the file's name is no disk's");
        }
        QUORATE_CHECK(file->finish());
        files.push_back(std::move(served));
    }
    return files;
}

Status ServedDisks::load() {
    QUORATE_TRY(auto files, read_served_files());
    for (auto& file : files) {
        const auto name = file.name;
        served_[name].file = std::move(file);
    }
    return {};
}

void ServedDisks::start(const std::string& psk_file, std::uint64_t floor) {
    psk_file_ = psk_file;
    floor_ = std::max(floor_, floor);
    look();
}

void ServedDisks::look() {
    for (auto& [name, served] : served_) {
        if (psk_file_ && !served.server) {
            const auto before = served.problem;
            const auto begun = begin(served);
            if (!begun && served.problem != before) {
                Logger().error("not_served", "disk", name, "why", served.problem);
            }
        }
    }
}

Status ServedDisks::begin(Served& served) {
    auto begun = try_to_begin(served);
    served.problem = begun ? "" : begun.error().to_string();
    if (begun) {
        Logger().info("serves_disk", "disk", served.file.name, "path", served.file.path, "address",
                      served.file.address);
    }
    return begun;
}

// Who drops an opener must know of all that it may have under way.
Status ServedDisks::try_to_begin(Served& served) {
    if (ending_.contains(served.file.path)) {
        return fail(errc::refused,
                    served.file.path + ": what was asked of it before has not ended");
    }
    QUORATE_TRY(auto disk, local_.open(served.file.path));
    ServeOptions options{served.file.name, served.file.address, *psk_file_, floor_};
    QUORATE_TRY(served.server, DiskServer::start(io_, std::move(disk), std::move(options)));
    return {};
}

void ServedDisks::end(Served& served, std::function<void()> done) {
    const auto it = ending_.emplace(served.file.path, std::move(served.server));
    it->second->stop([this, it, done = std::move(done)] {
        ending_.erase(it);
        done();
    });
}

void ServedDisks::stop(std::function<void()> done) {
    // Owned by all ends.
    const auto left = std::make_shared<std::size_t>(1);
    const auto one_done = [left, done = std::move(done)] {
        if (--*left == 0) {
            done();
        }
    };
    for (auto& [name, served] : served_) {
        if (served.server) {
            ++*left;
            end(served, one_done);
        }
    }
    served_.clear();
    one_done();
}

Status ServedDisks::serve(ServedFile file) {
    if (!is_disk_name(file.name) || served_.contains(file.name)) {
        return fail(errc::refused, file.name + ": no name of a disk, or served already");
    }
    Served served;
    served.file = file;
    if (psk_file_) {
        QUORATE_CHECK(begin(served));
    }
    std::error_code ignored;
    std::filesystem::create_directories(kServedFolder, ignored);
    const auto text =
        fmt::format("path = {}\naddress = {}\n", toml_text(file.path), toml_text(file.address));
    QUORATE_CHECK(io::replace_durably(served_path(file.name), text));
    served_[file.name] = std::move(served);
    return {};
}

Status ServedDisks::unserve(const std::string& name) {
    const auto it = served_.find(name);
    if (it == served_.end()) {
        return fail(errc::refused, name + ": is not served here");
    }
    if (it->second.server) {
        end(it->second, [] {});
    }
    served_.erase(it);
    return io::remove_durably(served_path(name));
}

const ServedFile* ServedDisks::find(const std::string& path) const {
    const auto it = std::ranges::find_if(
        served_, [&](const auto& one) { return one.second.file.path == path; });
    return it == served_.end() || !it->second.server ? nullptr : &it->second.file;
}

void ServedDisks::drop(ServedOpener lost, std::uint64_t floor, std::function<void()> done) {
    floor_ = std::max(floor_, floor);
    // Owned by all drops.
    const auto left = std::make_shared<std::size_t>(1);
    const auto one_done = [left, done = std::move(done)] {
        if (--*left == 0) {
            done();
        }
    };
    for (const auto& [name, served] : served_) {
        if (served.server) {
            ++*left;
            served.server->drop(lost, floor, one_done);
        }
    }
    for (const auto& [path, server] : ending_) {
        ++*left;
        server->drop(lost, floor, one_done);
    }
    one_done();
}

}  // namespace quorate::shadowing
