// What a lock client may send, whole and in pieces, to a lock manager; and what a server may
// answer.

#include <utility>

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "lockmgr/protocol/client_link.hpp"
#include "lockmgr/protocol/server_session.hpp"

namespace {

using namespace quorate;
using namespace quorate::lockmgr;

constexpr MonoTime kNow{std::chrono::milliseconds(1000)};

class Server {
public:
    Server() : manager_(options()), session_({ClientId(1), 7, 1000, {}}, {100, 50}, {}) {
        cluster::View view;
        view.epoch = cluster::Epoch(1);
        view.members.push_back(
            {{NodeId(1), cluster::Incarnation(1)}, "n", "", {}, 1, 1, {}, false});
        view.quorate = true;
        step(cluster::ViewCommitted{view});
    }

    void receive(std::string_view bytes) {
        session_.receive(bytes);
        while (const auto input = session_.next(kNow)) {
            step(*input);
        }
        QUORATE_ASSERT(session_.locks() <= 100 && session_.pending() <= 100);
    }
    std::string& answers() { return session_.out(); }

    void end() {
        QUORATE_ASSERT(manager_.counts().locks == session_.locks());
        if (session_.opened()) {
            step(ClientGone{ClientId(1)});
        }
    }

private:
    static LockManagerOptions options() {
        LockManagerOptions options;
        options.self = {NodeId(1), cluster::Incarnation(1)};
        return options;
    }
    void step(const LockInput& input) {
        std::vector<LockOutput> out;
        manager_.step(kNow, input, out);
        for (const auto& output : out) {
            if (const auto* done = std::get_if<Completion>(&output)) {
                session_.tell(kNow, *done);
            } else if (const auto* waiting = std::get_if<Waiting>(&output)) {
                session_.tell(*waiting);
            } else if (const auto* blocking = std::get_if<BlockingEvent>(&output)) {
                session_.tell(*blocking);
            }
        }
    }

    LockManager manager_;
    ServerSession session_;
};

void read_answers(std::string_view bytes, bool sound) {
    ClientLink link;
    link.receive(bytes);
    for (;;) {
        const auto answer = link.next();
        QUORATE_ASSERT(answer || !sound);
        if (!answer || !*answer) {
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::as_text(data, size);
    Server whole;
    whole.receive(text);
    Server cut;
    auto random = fuzz::choices(text);
    fuzz::in_pieces(text, random, [&](std::string_view piece) { cut.receive(piece); });
    QUORATE_ASSERT(whole.answers() == cut.answers());
    read_answers(whole.answers(), /*sound=*/true);
    read_answers(text, /*sound=*/false);
    whole.end();
    cut.end();
    return 0;
}
