#include "peer_keys.hpp"

#include <unistd.h>

#include <utility>

#include "base/log.hpp"
#include "cluster/key.hpp"

namespace quorate::quorum {
namespace {

constexpr const char* kClusterKey = "etc/quorate/cluster.key";
constexpr const char* kUse = "quorate quorum disk 1";

Result<cluster::ClusterKey> load_key(const Config& config) {
    if (!config.key_file.empty()) {
        return cluster::ClusterKey::load(config.key_file);
    }
    if (::access(kClusterKey, F_OK) == 0) {
        return cluster::ClusterKey::load(kClusterKey);
    }
    const auto folder = config.corosync_conf.substr(0, config.corosync_conf.rfind('/') + 1);
    return cluster::ClusterKey::of_authkey(folder + "authkey");
}

}  // namespace

void open_peers(Parts& parts) {
    auto key = load_key(parts.config);
    auto keys = key ? cluster::PeerKeys::make(*key, kUse)
                    : Result<cluster::PeerKeys>(tl::unexpected<Error>(key.error()));
    if (keys) {
        parts.keys = std::make_unique<cluster::PeerKeys>(std::move(*keys));
        return;
    }
    parts.no_peers = keys.error().to_string();
    Logger().warn("no_peers", "why", parts.no_peers, "hint",
                  "a disk that shows each node another page is not noticed");
}

void start_peers(Parts& parts) {
    if (!parts.keys || parts.peers) {
        return;
    }
    Peers::Options options;
    options.self = parts.conf->local;
    options.port = parts.config.port;
    parts.peers =
        std::make_unique<Peers>(parts.io, parts.scope, parts.questions, std::move(*parts.keys),
                                options, parts.requests, [&parts](NodeId from, std::string bytes) {
                                    if (parts.voter) {
                                        parts.voter->feed(PeerSaid{from, std::move(bytes)});
                                    }
                                });
    if (auto listening = parts.peers->listen(); !listening) {
        parts.no_peers = listening.error().to_string();
        Logger().error("no_peers", "why", parts.no_peers);
    }
}

}  // namespace quorate::quorum
