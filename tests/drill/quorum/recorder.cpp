// quorum_recorder: ten times a second what services of this node are told of quorum, a line each:
//     microseconds (CLOCK_BOOTTIME) before and after the questions, quorate, ring, members (these
//     three of libquorum: of a new ring it speaks when all services are to see it), device casts,
//     total votes, ring that votequorum is in already
// until Corosync ends. A node that is frozen says nothing meanwhile, and what it says afterwards
// shows how long the questions took.
#include <corosync/quorum.h>
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
std::string coming_ring = "0.0";

std::string text_of(std::uint32_t node, std::uint64_t sequence) {
    return std::to_string(node) + "." + std::to_string(sequence);
}

void on_quorum(quorum_handle_t, std::uint32_t, quorum_ring_id id, std::uint32_t size,
               const std::uint32_t* nodes) {
    ring = text_of(id.nodeid, id.seq);
    members = size == 0 ? "-" : "";
    for (std::uint32_t n = 0; n < size; ++n) {
        members += (n == 0 ? "" : ",") + std::to_string(nodes[n]);
    }
}

void on_nodes(votequorum_handle_t, std::uint64_t, votequorum_ring_id_t id, std::uint32_t,
              std::uint32_t*) {
    coming_ring = text_of(id.nodeid, id.seq);
}

std::int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

int main() {
    quorum_model_v1_data_t model{};
    model.model = QUORUM_MODEL_V1;
    model.quorum_notify_fn = on_quorum;
    std::uint32_t type = 0;
    quorum_handle_t services = 0;
    votequorum_handle_t votes = 0;
    votequorum_callbacks_t callbacks{};
    callbacks.votequorum_nodelist_notify_fn = on_nodes;
    if (quorum_model_initialize(&services, QUORUM_MODEL_V1,
                                reinterpret_cast<quorum_model_data_t*>(&model), &type,
                                nullptr) != CS_OK ||
        quorum_trackstart(services, CS_TRACK_CURRENT | CS_TRACK_CHANGES) != CS_OK ||
        votequorum_initialize(&votes, &callbacks) != CS_OK ||
        votequorum_trackstart(votes, 0, CS_TRACK_CHANGES) != CS_OK) {
        return 1;
    }
    for (;;) {
        const auto before = now();
        votequorum_info info{};
        int quorate = 0;
        if (votequorum_dispatch(votes, CS_DISPATCH_ALL) != CS_OK ||
            votequorum_getinfo(votes, 0, &info) != CS_OK ||
            quorum_getquorate(services, &quorate) != CS_OK ||
            quorum_dispatch(services, CS_DISPATCH_ALL) != CS_OK) {
            return 0;
        }
        const bool casts = (info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
        std::printf("%" PRId64 " %" PRId64 " %d %s %s %d %u %s\n", before, now(), quorate,
                    ring.c_str(), members.c_str(), casts, info.total_votes, coming_ring.c_str());
        std::fflush(stdout);
        ::poll(nullptr, 0, kPauseMs);
    }
}
