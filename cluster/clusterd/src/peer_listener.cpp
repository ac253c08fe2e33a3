#include "peer_listener.hpp"

#include <utility>

#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::size_t kRequestsMax = 64;
constexpr milliseconds kProofTime{5000};
// A scanner must not fill the log.
constexpr milliseconds kLinePause{1000};

class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::size_t& count_;
};

}  // namespace

PeerListener::PeerListener(std::vector<io::Listener> listeners, PeerKeys* keys,
                           const io::ControlRouter& router, const Nodes& nodes, Circuit circuit)
    : listeners_(std::move(listeners)),
      keys_(keys),
      router_(router),
      nodes_(nodes),
      circuit_(std::move(circuit)) {}

void PeerListener::start(io::Scope& scope) {
    scope_ = &scope;
    for (auto& listener : listeners_) {
        scope.spawn(listener.run([this](io::Stream stream) {
            auto host = stream.peer().host;
            const bool configured = nodes_.has_address(host);
            auto place = strangers_.enter(std::move(host), configured);
            if (!place) {
                refuse(stream, "too many connections that have not proven the cluster key");
                return;
            }
            scope_->spawn(serve(std::move(stream), std::move(place)));
        }));
    }
}

void PeerListener::stop() {
    for (auto& listener : listeners_) {
        listener.close();
    }
}

void PeerListener::refuse(const io::Stream& stream, const std::string& why) {
    ++refused_;
    ++unsaid_;
    if (io::mono_now() < next_line_) {
        return;
    }
    next_line_ = io::mono_now() + kLinePause;
    log_.warn("peer_refused", "peer", stream.peer().to_string(), "why", why, "count",
              std::exchange(unsaid_, 0));
}

awaitable<void> PeerListener::serve(io::Stream stream, Strangers::Place place) {
    Result<PeerPurpose> purpose = fail(std::error_code(), "");
    {
        const auto stranger = std::move(place);
        purpose = co_await accept_peer(stream, *keys_, io::mono_now() + kProofTime);
    }
    if (!purpose) {
        refuse(stream, purpose.error().to_string());
        co_return;
    }
    if (*purpose == PeerPurpose::kCircuit) {
        circuit_(std::move(stream));
        co_return;
    }
    if (requests_ >= kRequestsMax) {
        refuse(stream, "too many requests at once");
        co_return;
    }
    const Counted request(requests_);
    co_await answer_peer(std::move(stream), router_);
}

}  // namespace quorate::cluster
