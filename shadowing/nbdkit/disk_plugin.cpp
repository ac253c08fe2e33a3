#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/text.hpp"
#include "gate_control.hpp"
#include "served_file.hpp"
#include "shadowing/served/digest.hpp"

// nbdkit's plugin "quorate-disk": a member disk that shadowd serves to the openers of other nodes
// (docs/protocols/shadow-disk.md). shadowd has it open and locked, and hands it over.
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using namespace quorate;
using namespace quorate::shadowing;

constexpr std::uint32_t kMaxRequest = 32u << 20;

struct Parameters {
    std::string name;
    std::uint64_t life = 0;
    std::uint64_t floor = 0;
    int disk = -1;
    int control = -1;
};
Parameters parameters;

struct Served {
    ServedFile file;
    std::unique_ptr<Gate> gate;
    std::unique_ptr<GateControl> control;
};
Served served;

// One connection.
class Opening {
public:
    explicit Opening(ExportName name)
        : pass_(served.gate->enter(name)), view_(name.view), other_disk_(is_other(name)) {
        const auto state = other_disk_      ? ServedState::kOtherDisk
                           : pass_->refused ? ServedState::kRefused
                                            : ServedState::kReady;
        description_ = encode(ServedDescription{state, parameters.life, served.gate->floor()});
    }
    ~Opening() { served.gate->leave(pass_); }
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;

    const std::string& description() const { return description_; }
    ServedView view() const { return view_; }
    std::uint64_t octets() const {
        const auto octets = served.file.octets();
        return view_ == ServedView::kData ? octets : octets / kDigestBlock * kDigestOctets;
    }

    // `call` returns 0 or an errno.
    template <class Call>
    int pass(Call call) const {
        int error = ESHUTDOWN;
        if (!other_disk_ && served.gate->begin(*pass_)) {
            error = call();
            served.gate->end(*pass_);
        }
        if (error == 0) {
            return 0;
        }
        nbdkit_set_error(error);
        if (error != ESHUTDOWN) {  // who was dropped may go on asking for a while
            nbdkit_error("%s: %s", parameters.name.c_str(), std::strerror(error));
        }
        return -1;
    }

private:
    static bool is_other(const ExportName& name) {
        if (name.disk != parameters.name) {
            return true;
        }
        if (name.set == Id128{}) {
            return false;
        }
        const auto set = served.file.set();  // one that cannot be read is its opener's to judge
        return set != Id128{} && set != name.set;
    }

    std::shared_ptr<Gate::Pass> pass_;
    ServedView view_;
    bool other_disk_;
    std::string description_;
};

Opening& opening_of(void* handle) { return *static_cast<Opening*>(handle); }

// ---- what nbdkit calls

int config(const char* key, const char* value) {
    const std::string_view name(key);
    if (name == "name") {
        parameters.name = value;
        return 0;
    }
    const auto number = parse_u64(value);
    if (name == "life" && number) {
        parameters.life = *number;
    } else if (name == "floor" && number) {
        parameters.floor = *number;
    } else if (name == "disk" && number) {
        parameters.disk = static_cast<int>(*number);
    } else if (name == "control" && number) {
        parameters.control = static_cast<int>(*number);
    } else {
        nbdkit_error("unknown parameter or no number: %s=%s", key, value);
        return -1;
    }
    return 0;
}

int config_complete() {
    if (!is_disk_name(parameters.name) || parameters.disk < 0 || parameters.control < 0) {
        nbdkit_error("name, disk and control are needed: shadowd starts this plugin");
        return -1;
    }
    if (!served.file.open(parameters.disk)) {
        nbdkit_error("%s: neither a file nor a block device", parameters.name.c_str());
        return -1;
    }
    return 0;
}

int after_fork() {
    served.gate = std::make_unique<Gate>(parameters.floor);
    served.control = std::make_unique<GateControl>(*served.gate, parameters.control);
    return 0;
}

void* open_disk(int) {
    const char* text = nbdkit_export_name();
    const auto name = text == nullptr ? std::nullopt : decode_export_name(text);
    if (!name) {
        nbdkit_error("an export name that is none of a member disk");
        return nullptr;
    }
    return std::make_unique<Opening>(*name).release();
}

void close_disk(void* handle) { delete &opening_of(handle); }

std::int64_t get_size(void* handle) {
    return static_cast<std::int64_t>(opening_of(handle).octets());
}

const char* export_description(void* handle) { return opening_of(handle).description().c_str(); }

int block_size(void* handle, std::uint32_t* minimum, std::uint32_t* preferred,
               std::uint32_t* maximum) {
    *minimum = opening_of(handle).view() == ServedView::kData ? 512 : kDigestOctets;
    *preferred = 4096;
    *maximum = kMaxRequest;
    return 0;
}

int yes(void*) { return 1; }
int can_write(void* handle) { return opening_of(handle).view() == ServedView::kData ? 1 : 0; }
int can_fua(void*) { return NBDKIT_FUA_NATIVE; }

int read_digests(std::span<char> into, std::uint64_t offset) {
    if (into.size() % kDigestOctets != 0 || offset % kDigestOctets != 0) {
        return EINVAL;
    }
    std::string data(into.size() / kDigestOctets * kDigestBlock, '\0');
    const int error = served.file.read(data, offset / kDigestOctets * kDigestBlock);
    if (error == 0) {
        const auto digests = digests_of(data);
        std::memcpy(into.data(), digests.data(), into.size());
    }
    return error;
}

int pread(void* handle, void* into, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
    const std::span<char> span(static_cast<char*>(into), count);
    const auto& opening = opening_of(handle);
    return opening.pass([&] {
        return opening.view() == ServedView::kData ? served.file.read(span, offset)
                                                   : read_digests(span, offset);
    });
}

int pwrite(void* handle, const void* data, std::uint32_t count, std::uint64_t offset,
           std::uint32_t flags) {
    const std::span<const char> span(static_cast<const char*>(data), count);
    const bool durable = (flags & NBDKIT_FLAG_FUA) != 0;
    return opening_of(handle).pass([&] { return served.file.write(span, offset, durable); });
}

int zero(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    if ((flags & NBDKIT_FLAG_FAST_ZERO) != 0) {
        nbdkit_set_error(EOPNOTSUPP);
        return -1;
    }
    const bool durable = (flags & NBDKIT_FLAG_FUA) != 0;
    return opening_of(handle).pass([&] { return served.file.zero(count, offset, durable); });
}

int flush(void* handle, std::uint32_t) {
    return opening_of(handle).pass([] { return served.file.flush(); });
}

nbdkit_plugin make_plugin() {
    nbdkit_plugin plugin{};
    plugin.name = "quorate-disk";
    plugin.longname = "Quorate member disk";
    plugin.description = "serves a member disk of shadow sets to other nodes";
    plugin.config = config;
    plugin.config_complete = config_complete;
    plugin.config_help =
        "name=<NAME> disk=<FD> control=<FD> life=<NUMBER> floor=<EPOCH>     from shadowd";
    plugin.after_fork = after_fork;
    plugin.open = open_disk;
    plugin.close = close_disk;
    plugin.get_size = get_size;
    plugin.export_description = export_description;
    plugin.block_size = block_size;
    plugin.can_write = can_write;
    plugin.can_flush = yes;
    plugin.can_zero = yes;
    plugin.can_fua = can_fua;
    plugin.can_fast_zero = yes;  // else nbdkit ends over a client that asks for it nevertheless
    plugin.can_multi_conn = yes;
    plugin.pread = pread;
    plugin.pwrite = pwrite;
    plugin.zero = zero;
    plugin.flush = flush;
    return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
