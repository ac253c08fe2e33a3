#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ring_client.hpp"

// nbdkit's plugin "quorate": a virtual unit that shadowd has mounted, for any NBD client. Each NBD
// connection has a ring of its own with shadowd.
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using quorate::shadowing::kMaxDataOctets;
using quorate::shadowing::RingClient;

std::string socket_path;

int answer(int error) {
    if (error == 0) {
        return 0;
    }
    nbdkit_set_error(error);
    nbdkit_error("shadowd: %s", std::strerror(error));
    return -1;
}

RingClient& unit_of(void* handle) { return *static_cast<RingClient*>(handle); }

int config(const char* key, const char* value) {
    if (std::strcmp(key, "socket") != 0) {
        nbdkit_error("unknown parameter %s", key);
        return -1;
    }
    socket_path = value;
    return 0;
}

int config_complete() {
    if (socket_path.empty()) {
        nbdkit_error("socket=PATH is needed: shadowd's socket of the unit");
        return -1;
    }
    return 0;
}

void* open_unit(int) {
    std::string error;
    auto unit = RingClient::connect(socket_path, error);
    if (!unit) {
        nbdkit_error("%s", error.c_str());
    }
    return unit.release();
}

void close_unit(void* handle) { delete &unit_of(handle); }

std::int64_t get_size(void* handle) { return static_cast<std::int64_t>(unit_of(handle).size()); }

int block_size(void* handle, std::uint32_t* minimum, std::uint32_t* preferred,
               std::uint32_t* maximum) {
    *minimum = unit_of(handle).block();
    *preferred = 64 * 1024;
    *maximum = kMaxDataOctets;
    return 0;
}

int yes(void*) { return 1; }
int can_fua(void*) { return NBDKIT_FUA_NATIVE; }

int pread(void* handle, void* into, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
    return answer(unit_of(handle).read(into, count, offset));
}

int pwrite(void* handle, const void* data, std::uint32_t count, std::uint64_t offset,
           std::uint32_t flags) {
    const bool fua = (flags & NBDKIT_FLAG_FUA) != 0;
    return answer(unit_of(handle).write(data, count, offset, fua));
}

// What is trimmed reads as zeros, on every member alike.
int zero(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    if ((flags & NBDKIT_FLAG_FAST_ZERO) != 0) {
        nbdkit_set_error(EOPNOTSUPP);  // some members may have to write the zeros
        return -1;
    }
    const bool fua = (flags & NBDKIT_FLAG_FUA) != 0;
    return answer(unit_of(handle).zero(count, offset, fua));
}

int extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t,
            nbdkit_extents* told) {
    std::vector<std::uint64_t> words;
    if (answer(unit_of(handle).extents(count, offset, words)) != 0) {
        return -1;
    }
    for (const auto word : words) {
        const auto type = (word & 1) != 0 ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;
        if (nbdkit_add_extent(told, offset, word >> 1, static_cast<std::uint32_t>(type)) != 0) {
            return -1;
        }
        offset += word >> 1;
    }
    return 0;
}

int flush(void* handle, std::uint32_t) { return answer(unit_of(handle).flush()); }

nbdkit_plugin make_plugin() {
    nbdkit_plugin plugin{};
    plugin.name = "quorate";
    plugin.longname = "Quorate virtual unit";
    plugin.description = "reads and writes a shadow set that shadowd has mounted";
    plugin.config = config;
    plugin.config_complete = config_complete;
    plugin.config_help = "socket=<PATH>     shadowd's socket of the unit";
    plugin.magic_config_key = "socket";
    plugin.open = open_unit;
    plugin.close = close_unit;
    plugin.get_size = get_size;
    plugin.block_size = block_size;
    plugin.can_write = yes;
    plugin.can_flush = yes;
    plugin.can_trim = yes;
    plugin.can_zero = yes;
    plugin.can_multi_conn = yes;
    plugin.can_fua = can_fua;
    plugin.can_fast_zero = yes;  // else nbdkit ends over a client that asks for it nevertheless
    plugin.pread = pread;
    plugin.pwrite = pwrite;
    plugin.zero = zero;
    plugin.trim = zero;
    plugin.can_extents = yes;
    plugin.extents = extents;
    plugin.flush = flush;
    return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
