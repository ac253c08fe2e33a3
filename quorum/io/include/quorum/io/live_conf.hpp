#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "quorum/io/device_settings.hpp"

// Corosync's configuration as it is in force (cmap), which may differ from what the file says.
namespace quorate::quorum {

struct ConfNode {
    std::uint32_t id = 0;
    std::string name;
    std::uint32_t votes = 1;
    std::vector<std::string> addresses;  // by ring
    bool operator==(const ConfNode&) const = default;
};

struct LiveConf {
    std::string cluster;
    std::uint32_t local = 0;  // this node's id
    std::vector<ConfNode> nodes;
    DeviceKeys device;                 // empty: there is no quorum device
    std::vector<std::string> against;  // options that Corosync does not take beside a device
    bool two_node = false;
    bool operator==(const LiveConf&) const = default;

    const ConfNode* find(std::uint32_t id) const;
    const ConfNode* find(std::string_view name) const;
};

// These wait for Corosync: on a worker thread. Errors: `detail` says what to do.
Result<LiveConf> read_live_conf();
// Makes quorum.device what `keys` say, nothing else in it, and takes two_node back, which does not
// go with a device. votequorum follows at once. Empty: no device.
Status write_live_device(const DeviceKeys& keys);

// Calls `changed` when nodes or quorum options change. Thread rule: open() anywhere, then start()
// and the rest on the io thread.
class ConfWatch {
public:
    static Result<std::unique_ptr<ConfWatch>> open(boost::asio::io_context& io);
    ~ConfWatch();
    // `lost`: Corosync ended; the last call.
    void start(std::function<void()> changed, std::function<void()> lost);

private:
    class Impl;
    explicit ConfWatch(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::quorum
