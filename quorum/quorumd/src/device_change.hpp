#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "io/control_router.hpp"
#include "parts.hpp"

namespace quorate::quorum {

// The section quorum.device on all nodes or on none: looked at everywhere first, then changed in
// corosync.conf and in the running Corosync of each. Nodes that have it already get the old one
// back when another refuses. Thread rule: io thread; one change at a time.
//
// Errors: errc::refused; `detail` names the node and what to do.
class DeviceChange {
public:
    explicit DeviceChange(Parts& parts) : parts_(parts) {}

    // Of all nodes. No keys: no device.
    boost::asio::awaitable<Status> change_all(DeviceKeys keys);
    // Of this node: whether it could have the keys; then that it has them.
    boost::asio::awaitable<Status> check_here(DeviceKeys keys);
    boost::asio::awaitable<Status> change_here(DeviceKeys keys);

private:
    boost::asio::awaitable<Status> on(ConfNode node, bool only_check, DeviceKeys keys);
    boost::asio::awaitable<Status> give_back(std::vector<ConfNode> done, DeviceKeys old,
                                             std::string why);
    boost::asio::awaitable<Status> look_at_disks(DeviceSettings settings);
    bool in_use(const DeviceDisk& disk) const;

    Parts& parts_;
    bool busy_ = false;
};

boost::json::object to_json(const DeviceKeys& keys);
// Errors: std::errc::invalid_argument.
Result<DeviceKeys> keys_from(const boost::json::object& object);

}  // namespace quorate::quorum
