#include "nodes.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>

#include "cluster/errc.hpp"
#include "io/address.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::uint32_t kRoot = 0;

}  // namespace

void Nodes::learn(const View& view) {
    for (const auto& member : view.members) {
        said_[member.name] = member.addresses;
    }
}

const CorosyncConf::Node* Nodes::find(std::string_view name) const {
    const auto found = std::ranges::find(configured_, name, &CorosyncConf::Node::name);
    return found == configured_.end() ? nullptr : &*found;
}

std::vector<std::string> Nodes::addresses_of(std::string_view name) const {
    if (const auto said = said_.find(name); said != said_.end()) {
        return said->second;
    }
    std::vector<std::string> addresses;
    if (const auto* node = find(name)) {
        for (const auto& host : node->addresses) {
            const bool v6 = host.find(':') != std::string::npos;
            addresses.push_back((v6 ? "[" + host + "]" : host) + ":" + self_.port);
        }
    }
    return addresses;
}

bool Nodes::has_address(std::string_view host) const {
    for (const auto& node : configured_) {
        if (std::ranges::find(node.addresses, host) != node.addresses.end()) {
            return true;
        }
    }
    return std::ranges::any_of(said_, [&](const auto& said) {
        return std::ranges::any_of(said.second, [&](const std::string& text) {
            const auto address = io::Address::parse(text);
            return address && address->host == host;
        });
    });
}

awaitable<Result<io::ControlResponse>> Nodes::ask(std::string name, PeerRequest request,
                                                  std::chrono::milliseconds limit) {
    if (is_self(name)) {
        io::RawRequest raw{request.method, request.target, "", kRoot};
        if (!request.body.is_null()) {
            raw.body = boost::json::serialize(request.body);
        }
        auto answer = co_await router_.dispatch(std::move(raw));
        co_return answer;
    }
    auto addresses = addresses_of(name);
    if (addresses.empty() || keys_ == nullptr) {
        co_return fail(errc::refused, "no node " + name);
    }
    auto answer = co_await ask_peer(io_, *keys_, std::move(addresses), std::move(request), limit);
    co_return answer;
}

}  // namespace quorate::cluster
