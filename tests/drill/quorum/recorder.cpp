// quorum_recorder: ten times a second what this node's votequorum says, a line each:
//     microseconds (CLOCK_BOOTTIME) before and after the question, quorate, device casts, total
//     votes, ring, members
// until Corosync ends. A node that is frozen says nothing meanwhile, and what it says afterwards
// shows how long the question took.
#include <corosync/votequorum.h>
#include <poll.h>
#include <time.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

constexpr int kPauseMs = 100;

std::string ring = "0.0";
std::string members = "-";

void on_nodes(votequorum_handle_t, std::uint64_t, votequorum_ring_id_t id, std::uint32_t size,
              std::uint32_t* nodes) {
    ring = std::to_string(id.nodeid) + "." + std::to_string(id.seq);
    members.clear();
    for (std::uint32_t n = 0; n < size; ++n) {
        members += (n == 0 ? "" : ",") + std::to_string(nodes[n]);
    }
}

std::int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

int main() {
    votequorum_handle_t handle = 0;
    votequorum_callbacks_t callbacks{};
    callbacks.votequorum_nodelist_notify_fn = on_nodes;
    if (votequorum_initialize(&handle, &callbacks) != CS_OK ||
        votequorum_trackstart(handle, 0, CS_TRACK_CHANGES) != CS_OK) {
        return 1;
    }
    for (;;) {
        const auto before = now();
        votequorum_info info{};
        if (votequorum_dispatch(handle, CS_DISPATCH_ALL) != CS_OK ||
            votequorum_getinfo(handle, 0, &info) != CS_OK) {
            return 0;
        }
        const bool quorate = (info.flags & VOTEQUORUM_INFO_QUORATE) != 0;
        const bool casts = (info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
        std::printf("%" PRId64 " %" PRId64 " %d %d %u %s %s\n", before, now(), quorate, casts,
                    info.total_votes, ring.c_str(), members.c_str());
        std::fflush(stdout);
        ::poll(nullptr, 0, kPauseMs);
    }
}
