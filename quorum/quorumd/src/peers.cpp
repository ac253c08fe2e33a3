#include "peers.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "base/bytes.hpp"
#include "io/errc.hpp"
#include "io/time.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::size_t kQueueMax = 64;
constexpr std::size_t kFrameMax = 4096;
constexpr std::size_t kStrangersMax = 64;
constexpr milliseconds kConnect{2000};
constexpr milliseconds kProofTime{5000};
constexpr milliseconds kPause{1000};
// Said and not acknowledged for so long: a cut link does not tell by itself.
constexpr milliseconds kPatience{3000};

std::string framed(std::string_view bytes) {
    std::string out;
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(bytes.size()));
    writer.raw(bytes);
    return out;
}

std::string hello(std::uint32_t node) {
    std::string out;
    ByteWriter writer(out);
    writer.u32(node);
    return framed(out);
}

// With brackets where the port would be taken for a part of it.
std::string with_port(const std::string& address, std::uint16_t port) {
    return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                  : fmt::format("[{}]:{}", address, port);
}

Result<std::vector<std::string>> numeric(const std::vector<std::string>& names) {
    std::vector<std::string> found;
    for (const auto& name : names) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) {
            continue;
        }
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(list->ai_addr, list->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) == 0) {
            found.emplace_back(text.data());
        }
        ::freeaddrinfo(list);
    }
    return found;
}

awaitable<Result<std::string>> read_frame(io::Stream& stream, io::Deadline deadline) {
    std::string head(4, '\0');
    auto read = co_await stream.read_exactly(head, deadline);
    if (!read) {
        co_return tl::unexpected<Error>(std::move(read).error());
    }
    const std::size_t size = ByteReader(head).u32();
    if (size > kFrameMax) {
        co_return fail(io::Errc::kLimit, "a message too large");
    }
    std::string bytes(size, '\0');
    auto rest = co_await stream.read_exactly(bytes, deadline);
    if (!rest) {
        co_return tl::unexpected<Error>(std::move(rest).error());
    }
    co_return bytes;
}

}  // namespace

// What goes to one node. Shared by the map and the coroutines that work for it.
struct Peers::Link {
    Link(boost::asio::io_context& io, ConfNode node_in) : node(std::move(node_in)), wake(io) {}

    ConfNode node;
    io::Event wake;
    std::deque<std::string> queue;
    std::unique_ptr<io::Stream> stream;
    std::uint64_t said = 0;
    std::uint64_t acknowledged = 0;
    MonoTime progress;  // when something was acknowledged, or nothing was to be
    bool hearing = false;
    std::string problem = "not reached yet";
};

Peers::Peers(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& resolvers,
             cluster::PeerKeys keys, Options options, const io::ControlRouter& requests,
             Heard heard)
    : io_(io),
      scope_(scope),
      resolvers_(resolvers),
      keys_(std::move(keys)),
      options_(options),
      requests_(requests),
      heard_(std::move(heard)) {}

Peers::~Peers() = default;

Status Peers::listen() {
    for (const char* any : {"0.0.0.0", "::"}) {
        auto listener = io::Listener::open(io_, with_port(any, options_.port));
        if (!listener && std::string_view(any) == "::") {
            break;  // a machine without IPv6
        }
        if (!listener) {
            return tl::unexpected<Error>(std::move(listener).error());
        }
        listeners_.push_back(std::move(*listener));
    }
    for (auto& listener : listeners_) {
        scope_.spawn(listener.run([this](io::Stream stream) {
            if (strangers_ < kStrangersMax) {
                scope_.spawn(serve(std::move(stream)));
            }
        }));
    }
    return {};
}

void Peers::stop() {
    stopping_ = true;
    for (auto& listener : listeners_) {
        listener.close();
    }
    for (auto& [id, link] : links_) {
        link->wake.set();
    }
}

void Peers::use(const std::vector<ConfNode>& nodes) {
    std::map<NodeId, LinkPtr> kept;
    std::vector<LinkPtr> fresh;
    for (const auto& node : nodes) {
        const auto it = links_.find(NodeId(node.id));
        if (node.id == options_.self) {
            continue;
        }
        if (it != links_.end() && it->second->node == node) {
            kept[NodeId(node.id)] = it->second;
            continue;
        }
        const auto link = std::make_shared<Link>(io_, node);
        kept[NodeId(node.id)] = link;
        fresh.push_back(link);
    }
    std::swap(links_, kept);
    for (auto& [id, link] : kept) {
        link->wake.set();
    }
    // They begin at once, and look whether they are among the links.
    for (const auto& link : fresh) {
        scope_.spawn(keep(link));
    }
}

bool Peers::used(const LinkPtr& link) const {
    const auto it = links_.find(NodeId(link->node.id));
    return !stopping_ && it != links_.end() && it->second == link;
}

void Peers::say(NodeId to, std::string bytes) {
    const auto it = links_.find(to);
    if (it == links_.end() || !it->second->stream) {
        return;
    }
    auto& link = *it->second;
    if (link.queue.size() == kQueueMax) {
        link.queue.pop_front();
    }
    link.queue.push_back(std::move(bytes));
    link.wake.set();
}

std::string Peers::problem(NodeId node) const {
    const auto it = links_.find(node);
    return it == links_.end() ? std::string() : it->second->problem;
}

awaitable<std::vector<std::string>> Peers::resolve(std::vector<std::string> names) {
    auto found = co_await resolvers_.run([&] { return numeric(names); });
    co_return found.value_or(std::vector<std::string>());
}

awaitable<Result<io::ControlResponse>> Peers::ask(ConfNode node, cluster::PeerRequest request,
                                                  milliseconds limit) {
    auto addresses = co_await resolve(node.addresses);
    for (auto& address : addresses) {
        address = with_port(address, options_.port);
    }
    auto answer =
        co_await cluster::ask_peer(io_, keys_, std::move(addresses), std::move(request), limit);
    co_return answer;
}

// ---- speaking

awaitable<void> Peers::keep(LinkPtr link) {
    while (used(link)) {
        const auto addresses = co_await resolve(link->node.addresses);
        Status said = fail(std::make_error_code(std::errc::host_unreachable), "no address");
        for (const auto& address : addresses) {
            said = co_await speak(link, with_port(address, options_.port));
        }
        const auto problem = said ? std::string("closed") : said.error().to_string();
        if (problem != link->problem) {
            log_.debug("peer_lost", "node", link->node.name, "why", problem);
        }
        link->problem = problem;
        auto slept = co_await io::sleep_until(io::mono_now() + kPause);
        static_cast<void>(slept);
    }
}

// As long as it lasts.
awaitable<Status> Peers::speak(LinkPtr link, std::string address) {
    const auto connect_by = io::mono_now() + kConnect;
    auto stream = co_await cluster::connect_peer(io_, keys_, std::move(address),
                                                 cluster::PeerPurpose::kCircuit, connect_by);
    if (!stream) {
        co_return tl::unexpected<Error>(std::move(stream).error());
    }
    const auto first = hello(options_.self);
    auto written = co_await stream->write(first, connect_by);
    if (!written) {
        co_return written;
    }
    link->stream = std::make_unique<io::Stream>(std::move(*stream));
    link->queue.clear();
    link->said = link->acknowledged = 0;
    link->progress = io::mono_now();
    link->problem.clear();
    link->hearing = scope_.spawn(hear_acknowledgements(link));
    while (used(link) && link->hearing && written) {
        if (link->said == link->acknowledged) {
            link->progress = io::mono_now();
        } else if (io::mono_now() - link->progress > kPatience) {
            written = fail(io::Errc::kTimedOut, "nothing is acknowledged");
            break;
        }
        if (link->queue.empty()) {
            auto woken = co_await link->wake.wait(io::after(kPause));
            static_cast<void>(woken);
            link->wake.reset();
            continue;
        }
        const auto frame = framed(link->queue.front());
        link->queue.pop_front();
        ++link->said;
        written = co_await link->stream->write(frame, io::after(kPatience));
    }
    link->stream->close();
    while (link->hearing) {
        auto woken = co_await link->wake.wait(io::after(kPause));
        static_cast<void>(woken);
        link->wake.reset();
    }
    link->stream.reset();
    co_return written;
}

awaitable<void> Peers::hear_acknowledgements(LinkPtr link) {
    std::array<char, 64> octets{};
    for (;;) {
        auto ready = co_await link->stream->wait_readable();
        if (!ready) {
            break;
        }
        auto got = co_await link->stream->read_some(octets);
        if (!got || *got == 0) {
            break;
        }
        link->acknowledged += *got;
        link->progress = io::mono_now();
    }
    link->hearing = false;
    link->wake.set();
}

// ---- listening

awaitable<void> Peers::serve(io::Stream stream) {
    ++strangers_;
    auto purpose = co_await cluster::accept_peer(stream, keys_, io::mono_now() + kProofTime);
    --strangers_;
    if (!purpose) {
        log_.warn("peer_refused", "peer", stream.peer().to_string(), "why",
                  purpose.error().to_string());
        co_return;
    }
    if (*purpose == cluster::PeerPurpose::kRequest) {
        co_await cluster::answer_peer(std::move(stream), requests_);
        co_return;
    }
    co_await listen_to(stream);
}

// An octet for each message: who speaks finds out whether it is heard.
awaitable<void> Peers::listen_to(io::Stream& stream) {
    auto first = co_await read_frame(stream, io::after(kProofTime));
    if (!first) {
        co_return;
    }
    ByteReader in(*first);
    const NodeId from(in.u32());
    if (!in.complete() || from.value() == options_.self || !links_.contains(from)) {
        log_.warn("peer_refused", "peer", stream.peer().to_string(), "why",
                  fmt::format("it says that it is node {}", from.value()));
        co_return;
    }
    for (;;) {
        auto frame = co_await read_frame(stream, {});
        if (!frame || stopping_) {
            co_return;
        }
        heard_(from, std::move(*frame));
        auto acknowledged = co_await stream.write("+", io::after(kPatience));
        if (!acknowledged) {
            co_return;
        }
    }
}

}  // namespace quorate::quorum
