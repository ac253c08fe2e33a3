#include "quorum/io/device_settings.hpp"

#include <array>
#include <set>

#include <fmt/core.h>

#include "base/text.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint64_t kVotesMax = 65'535;
constexpr std::size_t kDisksMax = 3;

struct TimingKey {
    const char* name;
    Timing::ms Timing::*constant;
};
// What Corosync itself reads has Corosync's name.
constexpr TimingKey kTimingKeys[] = {
    {"timeout", &Timing::vote_timeout},        {"sync_timeout", &Timing::sync_timeout},
    {"quorumd.heartbeat", &Timing::heartbeat}, {"quorumd.late_io", &Timing::late_io},
    {"quorumd.lease", &Timing::lease},         {"quorumd.poll", &Timing::poll},
    {"quorumd.watchdog", &Timing::watchdog},   {"quorumd.silence", &Timing::silence},
    {"quorumd.guard", &Timing::guard},
};

std::string numbered(const char* what, std::size_t number) {
    return fmt::format("quorumd.{}{}", what, number);
}

class Reader {
public:
    explicit Reader(const DeviceKeys& keys) : keys_(keys) { known_.insert("model"); }

    std::string text(const std::string& key) {
        known_.insert(key);
        const auto it = keys_.find(key);
        return it == keys_.end() ? std::string() : it->second;
    }
    std::uint64_t number(const std::string& key, std::uint64_t least, std::uint64_t most) {
        const auto given = text(key);
        const auto value = parse_u64(given);
        if (!value || *value < least || *value > most) {
            complain(key, fmt::format("wants a number from {} to {}{}", least, most,
                                      given.empty() ? "" : ", not " + given));
            return least;
        }
        return *value;
    }
    Uuid uuid(const std::string& key) {
        const auto value = parse_uuid(text(key));
        if (!value) {
            complain(key, "wants 32 hexadecimal digits");
        }
        return value.value_or(Uuid());
    }
    std::vector<DeviceDisk> disks(const char* path, const char* id) {
        std::vector<DeviceDisk> found;
        for (std::size_t n = 1; n <= kDisksMax; ++n) {
            const auto where = text(numbered(path, n));
            if (where.empty()) {
                break;
            }
            found.push_back({where, uuid(numbered(id, n))});
        }
        return found;
    }
    void complain(const std::string& key, const std::string& what) {
        problems_ +=
            fmt::format("{}quorum.device.{}: {}", problems_.empty() ? "" : "; ", key, what);
    }
    // Of ours, unknown ones are mistakes; of Corosync's and others', not.
    std::string finish() {
        for (const auto& [key, value] : keys_) {
            if (key.starts_with("quorumd.") && !known_.contains(key)) {
                complain(key, "is not known");
            }
        }
        return std::move(problems_);
    }

private:
    const DeviceKeys& keys_;
    std::set<std::string> known_;
    std::string problems_;
};

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
    std::array<std::uint64_t, 2> halves{};
    if (text.size() != 32) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = to_lower(text[i]);
        const bool letter = c >= 'a' && c <= 'f';
        if (!letter && (c < '0' || c > '9')) {
            return std::nullopt;
        }
        const auto digit = static_cast<std::uint64_t>(letter ? c - 'a' + 10 : c - '0');
        halves[i / 16] = halves[i / 16] << 4 | digit;
    }
    return Uuid{halves[0], halves[1]};
}

Result<DeviceSettings> parse_device(const DeviceKeys& keys) {
    Reader reader(keys);
    DeviceSettings settings;
    settings.cluster = reader.uuid("quorumd.cluster");
    settings.votes = static_cast<std::uint32_t>(reader.number("votes", 1, kVotesMax));
    for (const auto& [name, constant] : kTimingKeys) {
        settings.timing.*constant = Timing::ms(reader.number(name, 0, UINT32_MAX));
    }
    settings.timing.clock_error_ppm =
        static_cast<std::uint32_t>(reader.number("quorumd.clock_error_ppm", 0, UINT32_MAX));
    settings.disks = reader.disks("disk", "uuid");
    settings.next = reader.disks("next_disk", "next_uuid");
    for (const auto* list : {&settings.disks, &settings.next}) {
        const auto count = list->size();
        if (count == 2 || (count == 0 && list == &settings.disks)) {
            reader.complain(list == &settings.disks ? "quorumd.disk1" : "quorumd.next_disk1",
                            fmt::format("there are {} disks; one or three decide", count));
        }
    }
    if (!reader.text("quorumd.step").empty()) {
        settings.step = static_cast<std::uint32_t>(reader.number("quorumd.step", 0, UINT32_MAX));
    }
    if (!reader.text("quorumd.tie_breaker").empty()) {
        settings.tie_breaker =
            NodeId(static_cast<std::uint32_t>(reader.number("quorumd.tie_breaker", 1, kMaxNodes)));
    }
    if (auto problems = reader.finish(); !problems.empty()) {
        return fail(std::make_error_code(std::errc::invalid_argument), std::move(problems));
    }
    QUORATE_CHECK(check(settings.timing));
    return settings;
}

DeviceKeys keys_of(const DeviceSettings& settings) {
    DeviceKeys keys{{"model", std::string(kModel)},
                    {"votes", std::to_string(settings.votes)},
                    {"quorumd.cluster", settings.cluster.to_hex()},
                    {"quorumd.clock_error_ppm", std::to_string(settings.timing.clock_error_ppm)}};
    for (const auto& [name, constant] : kTimingKeys) {
        keys[name] = std::to_string((settings.timing.*constant).count());
    }
    const auto put = [&keys](const std::vector<DeviceDisk>& disks, const char* path,
                             const char* id) {
        for (std::size_t n = 1; n <= disks.size(); ++n) {
            keys[numbered(path, n)] = disks[n - 1].path;
            keys[numbered(id, n)] = disks[n - 1].uuid.to_hex();
        }
    };
    put(settings.disks, "disk", "uuid");
    put(settings.next, "next_disk", "next_uuid");
    if (settings.step != 0) {
        keys["quorumd.step"] = std::to_string(settings.step);
    }
    if (settings.tie_breaker) {
        keys["quorumd.tie_breaker"] = std::to_string(settings.tie_breaker->value());
    }
    return keys;
}

std::string difference(const Header& header, const DeviceSettings& settings, Uuid disk) {
    if (header.cluster != settings.cluster) {
        return fmt::format("it is a quorum disk of another cluster ({}, {}), not of {}",
                           header.label, header.cluster.to_hex(), settings.cluster.to_hex());
    }
    if (header.disk != disk) {
        return fmt::format("it is disk {} of this cluster, not disk {}", header.disk.to_hex(),
                           disk.to_hex());
    }
    for (const auto& [name, constant] : kTimingKeys) {
        if (header.timing.*constant != settings.timing.*constant) {
            return fmt::format("it says {} {} ms, corosync.conf says {} ms", name,
                               (header.timing.*constant).count(),
                               (settings.timing.*constant).count());
        }
    }
    if (header.timing != settings.timing) {
        return "it and corosync.conf differ in clock_error_ppm";
    }
    return {};
}

}  // namespace quorate::quorum
