// quorum_recorder: what services of this node are told of quorum, until Corosync ends. Two kinds of
// lines; times are microseconds of CLOCK_BOOTTIME. Ten times a second what it says when asked:
//     before and after the questions, quorate, ring, members (these three of libquorum: of a new
//     ring it speaks when all services are to see it), device casts, total votes, ring that
//     votequorum is in already
// and what it tells by itself, at once, for Corosync answers no question while it synchronizes;
// "begin" comes before all of it:
//     "ring", when, ring, members       of votequorum: the new membership
//     "told", when, ring, members, quorate   of libquorum: all services see it
// A node that is frozen says nothing meanwhile, and what it says afterwards shows how long the
// questions took.
#include <corosync/quorum.h>
#include <corosync/votequorum.h>
#include <poll.h>
#include <time.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <thread>

namespace {

constexpr int kPauseMs = 100;

std::int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

std::string text_of(std::uint32_t node, std::uint64_t sequence) {
    return std::to_string(node) + "." + std::to_string(sequence);
}

std::string text_of(std::span<const std::uint32_t> nodes) {
    std::string text;
    for (const auto node : nodes) {
        text += (text.empty() ? "" : ",") + std::to_string(node);
    }
    return text.empty() ? "-" : text;
}

// One thread's connections to both, and what they told it last.
class Listener {
public:
    explicit Listener(bool prints) : prints_(prints) {}
    ~Listener() {
        votequorum_finalize(votes_);
        quorum_finalize(services_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    bool open() {
        quorum_model_v1_data_t model{};
        model.model = QUORUM_MODEL_V1;
        model.quorum_notify_fn = on_quorum;
        votequorum_callbacks_t callbacks{};
        callbacks.votequorum_nodelist_notify_fn = on_nodes;
        std::uint32_t type = 0;
        const bool opened = quorum_model_initialize(&services_, QUORUM_MODEL_V1,
                                                    reinterpret_cast<quorum_model_data_t*>(&model),
                                                    &type, this) == CS_OK &&
                            votequorum_initialize(&votes_, &callbacks) == CS_OK;
        return opened &&
               quorum_trackstart(services_, CS_TRACK_CURRENT | CS_TRACK_CHANGES) == CS_OK &&
               votequorum_trackstart(votes_, reinterpret_cast<std::uint64_t>(this),
                                     CS_TRACK_CHANGES) == CS_OK;
    }
    bool hear() {
        return votequorum_dispatch(votes_, CS_DISPATCH_ALL) == CS_OK &&
               quorum_dispatch(services_, CS_DISPATCH_ALL) == CS_OK;
    }
    bool ask() {
        const auto before = now();
        votequorum_info info{};
        int quorate = 0;
        if (!hear() || votequorum_getinfo(votes_, 0, &info) != CS_OK ||
            quorum_getquorate(services_, &quorate) != CS_OK ||
            quorum_dispatch(services_, CS_DISPATCH_ALL) != CS_OK) {
            return false;
        }
        const bool casts = (info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
        std::printf("%" PRId64 " %" PRId64 " %d %s %s %d %u %s\n", before, now(), quorate,
                    ring_.c_str(), members_.c_str(), casts, info.total_votes, coming_.c_str());
        std::fflush(stdout);
        return true;
    }
    // Until there is something to hear, or Corosync has ended.
    bool wait() {
        int votes = -1;
        int services = -1;
        if (votequorum_fd_get(votes_, &votes) != CS_OK ||
            quorum_fd_get(services_, &services) != CS_OK) {
            return false;
        }
        pollfd both[] = {{votes, POLLIN, 0}, {services, POLLIN, 0}};
        ::poll(both, 2, -1);
        return true;
    }

private:
    static void on_quorum(quorum_handle_t handle, std::uint32_t quorate, quorum_ring_id ring,
                          std::uint32_t size, const std::uint32_t* nodes) {
        const void* context = nullptr;
        quorum_context_get(handle, &context);
        auto& self = *static_cast<Listener*>(const_cast<void*>(context));
        self.ring_ = text_of(ring.nodeid, ring.seq);
        self.members_ = text_of({nodes, size});
        self.print("told", self.ring_, self.members_, quorate == 0 ? " 0" : " 1");
    }
    static void on_nodes(votequorum_handle_t, std::uint64_t context, votequorum_ring_id_t ring,
                         std::uint32_t size, std::uint32_t* nodes) {
        auto& self = *reinterpret_cast<Listener*>(context);
        self.coming_ = text_of(ring.nodeid, ring.seq);
        self.print("ring", self.coming_, text_of({nodes, size}), "");
    }
    void print(const char* kind, const std::string& ring, const std::string& members,
               const char* more) const {
        if (prints_) {
            std::printf("%s %" PRId64 " %s %s%s\n", kind, now(), ring.c_str(), members.c_str(),
                        more);
            std::fflush(stdout);
        }
    }

    bool prints_;
    quorum_handle_t services_ = 0;
    votequorum_handle_t votes_ = 0;
    std::string ring_ = "0.0";
    std::string members_ = "-";
    std::string coming_ = "0.0";
};

}  // namespace

int main() {
    Listener asks(/*prints=*/false);
    Listener hears(/*prints=*/true);
    if (!asks.open() || !hears.open()) {
        return 1;
    }
    std::printf("begin\n");
    std::thread hearing([&] {
        while (hears.hear() && hears.wait()) {
        }
    });
    while (asks.ask()) {
        ::poll(nullptr, 0, kPauseMs);
    }
    hearing.join();
}
