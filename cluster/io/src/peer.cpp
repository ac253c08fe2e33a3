#include "cluster/io/peer.hpp"

#include <utility>

#include <fmt/core.h>
#include <boost/json/object.hpp>

#include "base/log.hpp"
#include "io/errc.hpp"
#include "peer_wire.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::size_t kKeyBytes = 48;
constexpr std::chrono::milliseconds kConnect{3000};
constexpr std::chrono::milliseconds kTransfer{10'000};  // of a request or an answer

awaitable<Result<std::string>> read_message(io::Stream& stream, MonoTime deadline) {
    std::string bytes(4, '\0');
    auto head = co_await stream.read_exactly(bytes, deadline);
    if (!head) {
        co_return tl::unexpected<Error>(std::move(head).error());
    }
    const auto size = decode_peer_length(bytes);
    if (!size) {
        co_return tl::unexpected<Error>(size.error());
    }
    bytes.assign(*size, '\0');
    auto rest = co_await stream.read_exactly(bytes, deadline);
    if (!rest) {
        co_return tl::unexpected<Error>(std::move(rest).error());
    }
    co_return bytes;
}

// `sent`: the request is, at least in part, with the peer.
awaitable<Result<io::ControlResponse>> ask_one(boost::asio::io_context& io, PeerKeys& keys,
                                               std::string address, const std::string& message,
                                               MonoTime answer_by, bool& sent) {
    const auto connect_by = std::min(answer_by, io::mono_now() + kConnect);
    auto stream =
        co_await connect_peer(io, keys, std::move(address), PeerPurpose::kRequest, connect_by);
    if (!stream) {
        co_return tl::unexpected<Error>(std::move(stream).error());
    }
    sent = true;
    auto written = co_await stream->write(message, answer_by);
    if (!written) {
        co_return tl::unexpected<Error>(std::move(written).error());
    }
    auto answer = co_await read_message(*stream, answer_by);
    if (!answer) {
        co_return tl::unexpected<Error>(std::move(answer).error());
    }
    co_return decode_peer_response(*answer);
}

}  // namespace

Result<PeerKeys> PeerKeys::make(const ClusterKey& key, std::string_view use) {
    const io::TlsContext::PresharedKey psk{"quorate " + key.fingerprint(),
                                           key.derive(use, kKeyBytes)};
    QUORATE_TRY(auto server, io::TlsContext::psk_server(psk));
    QUORATE_TRY(auto client, io::TlsContext::psk_client(psk));
    return PeerKeys(std::move(server), std::move(client));
}

awaitable<Result<io::Stream>> connect_peer(boost::asio::io_context& io, PeerKeys& keys,
                                           std::string address, PeerPurpose purpose,
                                           MonoTime deadline) {
    const auto parsed = io::Address::parse(address);
    if (!parsed) {
        co_return tl::unexpected<Error>(parsed.error());
    }
    auto stream = co_await io::Stream::connect(io, *parsed, deadline);
    if (!stream) {
        co_return tl::unexpected<Error>(std::move(stream).error());
    }
    auto started = co_await stream->start_tls(keys.client(), deadline);
    if (started) {
        const auto preface = encode_preface(purpose);
        started = co_await stream->write(preface, deadline);
    }
    if (!started) {
        co_return fail(started.error().code,
                       fmt::format("{}: {}", address, started.error().detail));
    }
    co_return std::move(*stream);
}

awaitable<Result<PeerPurpose>> accept_peer(io::Stream& stream, PeerKeys& keys, MonoTime deadline) {
    auto started = co_await stream.start_tls(keys.server(), deadline);
    if (!started) {
        co_return tl::unexpected<Error>(std::move(started).error());
    }
    std::string preface(kPrefaceBytes, '\0');
    auto read = co_await stream.read_exactly(preface, deadline);
    if (!read) {
        co_return tl::unexpected<Error>(std::move(read).error());
    }
    co_return decode_preface(preface);
}

awaitable<Result<io::ControlResponse>> ask_peer(boost::asio::io_context& io, PeerKeys& keys,
                                                std::vector<std::string> addresses,
                                                PeerRequest request,
                                                std::chrono::milliseconds limit) {
    const std::string message = encode_peer_message(boost::json::object{
        {"method", request.method}, {"target", request.target}, {"body", request.body}});
    const auto answer_by = io::mono_now() + limit;
    // What changes something is not asked for twice: the first time may have done it.
    const bool again = request.method == "GET";
    std::string problems;
    for (const auto& address : addresses) {
        bool sent = false;
        auto answer = co_await ask_one(io, keys, address, message, answer_by, sent);
        if (answer) {
            co_return answer;
        }
        problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ", address,
                                answer.error().to_string());
        if (sent && !again) {
            problems += "; it was asked, and may have done it";
            break;
        }
    }
    co_return fail(std::make_error_code(std::errc::host_unreachable), std::move(problems));
}

awaitable<void> answer_peer(io::Stream stream, const io::ControlRouter& router) {
    auto message = co_await read_message(stream, io::mono_now() + kTransfer);
    if (!message) {
        co_return;
    }
    auto request = decode_peer_request(*message);
    io::ControlResponse response;
    if (request) {
        response = co_await router.dispatch(std::move(*request));
    } else {
        response = io::ControlResponse::error(400, "bad_request", request.error().detail);
    }
    const std::string bytes = encode_peer_message(
        boost::json::object{{"status", response.status}, {"body", std::move(response.body)}});
    // The work between took what time it took.
    const auto deadline = io::mono_now() + kTransfer;
    auto written = co_await stream.write(bytes, deadline);
    if (written) {
        co_await stream.shutdown(deadline);
    }
}

}  // namespace quorate::cluster
