#include "member_api.hpp"

#include <chrono>
#include <exception>
#include <optional>

#include <fmt/core.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "cluster/io/peer.hpp"
#include "cluster/key.hpp"

namespace quorate::ctl {
namespace {

// A change of corosync.conf asks every node in turn.
constexpr std::chrono::seconds kPeerPatience{60};

}  // namespace

MemberApi::MemberApi(std::vector<std::string> addresses, std::string key_file)
    : addresses_(std::move(addresses)), key_file_(std::move(key_file)) {
    fingerprint_ = value_or_fail(cluster::ClusterKey::load(key_file_)).fingerprint();
}

json::object MemberApi::call(const std::string& method, const std::string& target,
                             const json::value& body) const {
    const auto key = value_or_fail(cluster::ClusterKey::load(key_file_));
    auto keys = value_or_fail(cluster::PeerKeys::make(key));
    boost::asio::io_context io(1);
    std::optional<Result<io::ControlResponse>> answer;
    boost::asio::co_spawn(
        io, cluster::ask_peer(io, keys, addresses_, {method, target, body}, kPeerPatience),
        [&](std::exception_ptr, Result<io::ControlResponse> result) {
            answer = std::move(result);
        });
    io.run();
    if (!answer || !*answer) {
        throw Failure{
            kUnreachable,
            fmt::format("no member answers: {}\n  is its clusterd running, and does it have the "
                        "same cluster key? Here it is {} ({}); there: clusterctl key show",
                        answer ? answer->error().detail : "cancelled", fingerprint_, key_file_)};
    }
    return checked_answer((*answer)->status, (*answer)->body);
}

}  // namespace quorate::ctl
