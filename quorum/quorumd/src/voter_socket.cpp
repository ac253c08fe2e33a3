#include "voter_socket.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/base64.hpp"
#include "io/time.hpp"

namespace quorate::quorum {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::size_t kClientsMax = 4;
constexpr std::size_t kLineMax = 64 << 10;
constexpr milliseconds kPatience{3000};
constexpr std::uint64_t kLives = ~std::uint64_t{0xfffff};

std::string text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

std::uint64_t number_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

}  // namespace

struct VoterSocket::Client {
    Client(boost::asio::io_context& io, io::Stream stream_in)
        : stream(std::move(stream_in)), wake(io) {}
    io::Stream stream;
    io::Event wake;
    std::string waiting;  // to be written
    bool writing = false;
};

VoterSocket::VoterSocket(boost::asio::io_context& io, io::Scope& scope, Incarnation incarnation,
                         Feed feed)
    : io_(io), scope_(scope), feed_(std::move(feed)), hold_(incarnation.value() & kLives) {}

VoterSocket::~VoterSocket() = default;

Status VoterSocket::open(const std::string& path, const std::string& group) {
    QUORATE_TRY(auto listener, io::Listener::open(io_, "unix:" + path));
    if (!group.empty()) {
        const auto* entry = ::getgrnam(group.c_str());
        if (entry == nullptr || ::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) {
            return fail_errno(entry == nullptr ? ENOENT : errno, "group " + group);
        }
    }
    ::chmod(path.c_str(), 0660);
    listener_.emplace(std::move(listener));
    scope_.spawn(listener_->run([this](io::Stream stream) {
        if (clients_.size() >= kClientsMax) {
            return;
        }
        const auto client = std::make_shared<Client>(io_, std::move(stream));
        clients_.push_back(client);
        log_.info("client_connected", "clients", clients_.size());
        send(*client, published());
        scope_.spawn(serve(client));
    }));
    return {};
}

// ---- lines

awaitable<void> VoterSocket::serve(ClientPtr client) {
    std::array<char, 4096> piece{};
    std::string line;
    for (;;) {
        auto ready = co_await client->stream.wait_readable();
        if (!ready) {
            break;
        }
        auto got = co_await client->stream.read_some(piece);
        if (!got || *got == 0 || line.size() > kLineMax) {
            break;
        }
        line.append(piece.data(), *got);
        for (auto end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
            take(client, std::string_view(line).substr(0, end));
            line.erase(0, end + 1);
        }
    }
    client->stream.close();
    clients_.remove(client);
    log_.info("client_gone", "clients", clients_.size());
}

void VoterSocket::send(Client& client, const json::object& message) {
    client.waiting += json::serialize(message);
    client.waiting += '\n';
    if (std::exchange(client.writing, true)) {
        return;
    }
    for (const auto& one : clients_) {
        if (one.get() == &client) {
            scope_.spawn(write(one));
        }
    }
}

awaitable<void> VoterSocket::write(ClientPtr client) {
    while (!client->waiting.empty()) {
        const auto bytes = std::exchange(client->waiting, {});
        auto written = co_await client->stream.write(bytes, io::after(kPatience));
        if (!written) {
            client->stream.close();
            break;
        }
    }
    client->writing = false;
}

void VoterSocket::take(const ClientPtr& client, std::string_view line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    if (error || !value.is_object()) {
        log_.warn("client_not_understood");
        client->stream.close();
        return;
    }
    const auto& message = value.get_object();
    const auto type = text_of(message, "type");
    const auto number = ++last_number_;
    asked_[number] = {client, number_of(message, "number")};
    if (type == "read") {
        feed_(ReadAnew{number});
        return;
    }
    auto rider = base64_decode(text_of(message, "rider"));
    if (type == "rider" && rider && rider->size() <= kMaxRider) {
        feed_(RiderChanged{number, std::move(*rider)});
        return;
    }
    asked_.erase(number);
    log_.warn("client_not_understood", "type", type);
    client->stream.close();
}

// ---- what the voter says

json::object VoterSocket::published() const {
    return {{"type", "publish"},
            {"ring", json::array{last_.ring.node.value(), last_.ring.sequence}},
            {"votes", last_.votes},
            {"until_us", last_.until.time_since_epoch().count()},
            {"hold", hold_}};
}

void VoterSocket::tell_one(const Publish& publish) {
    const bool goes_on =
        last_.votes > 0 && last_.ring == publish.ring && io::exact_boot_now() < last_.until;
    hold_ += publish.votes > 0 && !goes_on ? 1 : 0;
    last_ = publish;
    for (const auto& client : clients_) {
        send(*client, published());
    }
}

void VoterSocket::tell_one(const RiderWritten& written) {
    const auto it = asked_.find(written.number);
    if (it == asked_.end()) {
        return;
    }
    if (const auto client = it->second.client.lock()) {
        send(*client, {{"type", "rider_written"},
                       {"number", it->second.number},
                       {"held", written.held},
                       {"hold", hold_}});
    }
    asked_.erase(it);
}

void VoterSocket::tell_one(const ReadDone& done) {
    const auto it = asked_.find(done.number);
    if (it == asked_.end()) {
        return;
    }
    json::array riders;
    for (const auto& rider : done.riders) {
        riders.push_back(json::string(base64_encode(rider)));
    }
    if (const auto client = it->second.client.lock()) {
        send(*client,
             {{"type", "read"}, {"number", it->second.number}, {"riders", std::move(riders)}});
    }
    asked_.erase(it);
}

void VoterSocket::tell(const VoterOutput& output) {
    std::visit([this](const auto& one) { tell_one(one); }, output);
}

}  // namespace quorate::quorum
