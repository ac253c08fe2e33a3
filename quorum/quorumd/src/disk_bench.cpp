#include "disk_bench.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/post.hpp>

#include "io/time.hpp"
#include "memory.hpp"
#include "quorum/errc.hpp"
#include "quorum/header.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kAgain{2000};
// By then a library that was loaded for a disk does what it will always do.
constexpr milliseconds kSettled{10'000};
// A device that hangs keeps a thread for as long as it hangs.
constexpr std::size_t kOpeners = 4;

}  // namespace

DiskBench::DiskBench(boost::asio::io_context& io, io::Scope& scope, Feed feed)
    : io_(io),
      scope_(scope),
      feed_(std::move(feed)),
      openers_(io, {"open", kOpeners, 100}),
      wake_(io) {}

DiskBench::~DiskBench() = default;

void DiskBench::stop() {
    stopping_ = true;
    wake_.set();
}

bool DiskBench::used(const PlacePtr& place) const {
    return !stopping_ && places_[place->number.value()] == place;
}

DiskBench::PlacePtr DiskBench::place_for(const DeviceDisk& disk) {
    for (const auto& place : places_) {
        if (place && place->disk == disk) {
            return place;
        }
    }
    // The number used longest ago: what is still under way there belongs to nobody else.
    while (places_[next_ % kMaxDisks]) {
        ++next_;
    }
    const DiskNumber number(static_cast<std::uint8_t>(next_++ % kMaxDisks));
    auto place = std::make_shared<Place>();
    place->number = number;
    place->disk = disk;
    places_[number.value()] = place;
    scope_.spawn(open(place));
    return place;
}

UseDisks DiskBench::use(const DeviceSettings& settings, const std::vector<std::string>& own_paths) {
    settings_ = settings;
    std::array<PlacePtr, kMaxDisks> kept;
    const auto number_of = [&](DeviceDisk disk, std::size_t index, bool current) {
        if (current && index < own_paths.size()) {
            disk.path = own_paths[index];
        }
        const auto place = place_for(disk);
        kept[place->number.value()] = place;
        return DiskUsed{place->number, disk.uuid};
    };
    UseDisks used{{}, {}, settings.step};
    for (std::size_t n = 0; n < settings.disks.size(); ++n) {
        used.current.push_back(number_of(settings.disks[n], n, /*current=*/true));
    }
    for (std::size_t n = 0; n < settings.next.size(); ++n) {
        used.next.push_back(number_of(settings.next[n], n, /*current=*/false));
    }
    places_ = kept;
    return used;
}

std::vector<const DiskBench::Place*> DiskBench::places() const {
    std::vector<const Place*> found;
    for (const auto& place : places_) {
        if (place) {
            found.push_back(place.get());
        }
    }
    return found;
}

// ---- opening

awaitable<Status> DiskBench::try_open(PlacePtr place) {
    // A job's captures are no owners across co_await (g++ 12): the frame is.
    auto opened = co_await openers_.run([&] { return open_disk(io_, place->disk.path); });
    if (!opened) {
        co_return tl::unexpected<Error>(std::move(opened).error());
    }
    io::Event answered(io_);
    Result<std::string> pages = fail({}, "not read");
    (*opened)->read(0, kHeaderCopies, [&](Result<std::string> result) {
        pages = std::move(result);
        answered.set();
    });
    auto heard = co_await answered.wait(io::after(settings_.timing.late_io));
    if (!heard) {
        co_return fail(heard.error().code, place->disk.path + ": its header is not read in time");
    }
    if (!pages) {
        co_return tl::unexpected<Error>(std::move(pages).error());
    }
    const std::string_view bytes = *pages;
    const auto header = decode_header(bytes.substr(0, kPageBytes), bytes.substr(kPageBytes));
    auto why = header ? difference(*header, settings_, place->disk.uuid)
                      : "it is no quorum disk: " + header.error().to_string();
    if (!why.empty()) {
        co_return fail(errc::foreign, fmt::format("{}: {}", place->disk.path, why));
    }
    place->opened = std::move(*opened);
    co_return Status();
}

awaitable<void> DiskBench::open(PlacePtr place) {
    while (used(place) && !place->opened) {
        auto opened = co_await try_open(place);
        const auto problem = opened ? std::string() : opened.error().to_string();
        place->tried = true;
        place->foreign =
            !opened && (opened.error().code == errc::foreign || opened.error().code == errc::unfit);
        if (opened) {
            log_.info("disk_opened", "disk", place->disk.path, "number", place->number.value());
            release_at_ = io::after(kSettled);
        } else if (problem != place->problem) {
            log_.error("disk_not_opened", "why", problem, "hint", "trying again");
        }
        place->problem = problem;
        wake_.set();
        if (!opened && used(place)) {
            wake_.reset();
            auto slept = co_await wake_.wait(io::after(kAgain));
            static_cast<void>(slept);
        }
    }
}

awaitable<void> DiskBench::first_look(io::Deadline deadline) {
    const auto pending = [this] {
        return std::ranges::any_of(places_,
                                   [](const auto& place) { return place && !place->tried; });
    };
    while (pending() && io::mono_now() < *deadline && !stopping_) {
        auto slept = co_await io::sleep_until(io::mono_now() + milliseconds(20));
        static_cast<void>(slept);
    }
}

// ---- I/O

void DiskBench::ended(const Started& started, const Error* error) {
    const auto& place = places_[started.disk.value()];
    if (!place) {
        return;
    }
    place->last = io::exact_boot_now() - started.at;
    if (release_at_ && io::mono_now() >= *release_at_) {
        release_at_.reset();
        release_unused_memory();
    }
    const bool late = place->last > settings_.timing.late_io;
    if (late) {
        ++place->late;
        release_at_ = io::after(kSettled);  // its library has used what it does not use else
        log_.warn("disk_io_late", "disk", place->disk.path, "seconds",
                  std::chrono::duration<double>(place->last).count());
    }
    const auto problem = error == nullptr ? std::string() : error->to_string();
    auto& last = started.writes ? place->write_problem : place->read_problem;
    place->errors += error == nullptr ? 0 : 1;
    if (error != nullptr && place->opened && place->opened->broken()) {
        place->broken = std::move(place->opened);
        scope_.spawn(open(place));
    }
    if (std::exchange(last, problem) == problem) {
        return;
    }
    const auto* what = started.writes ? "write" : "read";
    if (error != nullptr) {
        log_.error("disk_io_failed", "disk", place->disk.path, "io", what, "why", problem);
    } else {
        log_.info("disk_io_works", "disk", place->disk.path, "io", what);
    }
}

void DiskBench::read(const ReadPages& request) {
    const auto& place = places_[request.disk.value()];
    if (!place || !place->opened) {
        boost::asio::post(io_, [this, id = request.id] { feed_(PagesRead{id, false, {}}); });
        return;
    }
    ++place->reads;
    place->opened->read(
        request.first, request.count,
        [this, id = request.id,
         started = Started{request.disk, io::exact_boot_now(), false}](Result<std::string> result) {
            ended(started, result ? nullptr : &result.error());
            feed_(PagesRead{id, result.has_value(), result ? std::move(*result) : std::string()});
        });
}

void DiskBench::write(const WritePage& request) {
    const auto& place = places_[request.disk.value()];
    if (!place || !place->opened) {
        boost::asio::post(io_, [this, id = request.id] { feed_(PageWritten{id, false}); });
        return;
    }
    ++place->writes;
    place->opened->write(
        request.page, request.bytes,
        [this, id = request.id,
         started = Started{request.disk, io::exact_boot_now(), true}](const Status& result) {
            ended(started, result ? nullptr : &result.error());
            feed_(PageWritten{id, result.has_value()});
        });
}

}  // namespace quorate::quorum
