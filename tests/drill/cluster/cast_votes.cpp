// cast_votes NAME: a quorum device of Corosync's that always casts its votes and publishes nothing,
// until it is ended. Source: votequorum_qdevice_register(3).
#include <corosync/votequorum.h>
#include <poll.h>

#include <cstdint>

namespace {

constexpr int kPollMs = 300;

votequorum_ring_id_t ring;

void on_nodes(votequorum_handle_t, std::uint64_t, votequorum_ring_id_t now, std::uint32_t,
              std::uint32_t*) {
    ring = now;
}

}  // namespace

int main(int argc, char** argv) {
    votequorum_handle_t handle = 0;
    votequorum_callbacks_t callbacks{};
    callbacks.votequorum_nodelist_notify_fn = on_nodes;
    if (argc != 2 || votequorum_initialize(&handle, &callbacks) != CS_OK ||
        votequorum_qdevice_register(handle, argv[1]) != CS_OK ||
        votequorum_trackstart(handle, 0, CS_TRACK_CHANGES) != CS_OK) {
        return 1;
    }
    int descriptor = -1;
    votequorum_fd_get(handle, &descriptor);
    for (;;) {
        pollfd wanted{descriptor, POLLIN, 0};
        ::poll(&wanted, 1, kPollMs);
        if (votequorum_dispatch(handle, CS_DISPATCH_ALL) != CS_OK) {
            return 0;
        }
        // Of a ring that is over already: the next one follows.
        votequorum_qdevice_poll(handle, argv[1], 1, ring);
    }
}
