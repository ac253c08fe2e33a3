#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/votequorum.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "cluster/io/corosync.hpp"
#include "corosync_error.hpp"

namespace quorate::cluster {
namespace {

// A handle of one of Corosync's libraries, for one call.
class Votequorum {
public:
    Votequorum() : opened_(votequorum_initialize(&handle_, &callbacks_)) {}
    ~Votequorum() {
        if (opened_ == CS_OK) {
            votequorum_finalize(handle_);
        }
    }
    Votequorum(const Votequorum&) = delete;
    Votequorum& operator=(const Votequorum&) = delete;

    cs_error_t opened() const { return opened_; }
    votequorum_handle_t get() const { return handle_; }

private:
    votequorum_handle_t handle_ = 0;
    votequorum_callbacks_t callbacks_{};
    cs_error_t opened_;
};

class Cfg {
public:
    Cfg() : opened_(corosync_cfg_initialize(&handle_, &callbacks_)) {}
    ~Cfg() {
        if (opened_ == CS_OK) {
            corosync_cfg_finalize(handle_);
        }
    }
    Cfg(const Cfg&) = delete;
    Cfg& operator=(const Cfg&) = delete;

    cs_error_t opened() const { return opened_; }
    corosync_cfg_handle_t get() const { return handle_; }

private:
    corosync_cfg_handle_t handle_ = 0;
    corosync_cfg_callbacks_t callbacks_{};
    cs_error_t opened_;
};

class Cmap {
public:
    Cmap() : opened_(cmap_initialize(&handle_)) {}
    ~Cmap() {
        if (opened_ == CS_OK) {
            cmap_finalize(handle_);
        }
    }
    Cmap(const Cmap&) = delete;
    Cmap& operator=(const Cmap&) = delete;

    cs_error_t opened() const { return opened_; }
    cmap_handle_t get() const { return handle_; }

private:
    cmap_handle_t handle_ = 0;
    cs_error_t opened_;
};

}  // namespace

Result<VoteInfo> query_votes(std::uint32_t node) {
    const Votequorum votequorum;
    auto error = votequorum.opened();
    votequorum_info info{};
    if (error == CS_OK) {
        error = votequorum_getinfo(votequorum.get(), node, &info);
    }
    if (error != CS_OK) {
        return corosync_error(fmt::format("cannot read the votes of node {}", node), error);
    }
    VoteInfo votes;
    votes.node = info.node_id;
    votes.votes = info.node_votes;
    votes.expected_votes = info.highest_expected;
    votes.total_votes = info.total_votes;
    votes.quorum = info.quorum;
    votes.device_votes = info.qdevice_votes;
    votes.quorate = (info.flags & VOTEQUORUM_INFO_QUORATE) != 0;
    if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0) {
        votes.device.assign(info.qdevice_name,
                            ::strnlen(info.qdevice_name, sizeof(info.qdevice_name)));
        votes.device_alive = (info.flags & VOTEQUORUM_INFO_QDEVICE_ALIVE) != 0;
        votes.device_casts = (info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
    }
    return votes;
}

Result<std::string> query_device_model() {
    const Cmap cmap;
    auto error = cmap.opened();
    char* text = nullptr;
    if (error == CS_OK) {
        error = cmap_get_string(cmap.get(), "quorum.device.model", &text);
    }
    if (error == CS_ERR_NOT_EXIST) {
        return std::string();
    }
    if (error != CS_OK) {
        return corosync_error("cannot read quorum.device.model", error);
    }
    std::string model(text);
    std::free(text);
    return model;
}

Result<std::vector<LinkInfo>> query_links(std::uint32_t node) {
    const Cfg cfg;
    auto error = cfg.opened();
    corosync_cfg_node_status_v1 status{};
    if (error == CS_OK) {
        error = corosync_cfg_node_status_get(cfg.get(), node, CFG_NODE_STATUS_V1, &status);
    }
    if (error != CS_OK) {
        return corosync_error(fmt::format("cannot read the links to node {}", node), error);
    }
    std::vector<LinkInfo> links;
    for (std::uint32_t number = 0; number < CFG_MAX_LINKS; ++number) {
        const auto& link = status.link_status[number];
        if (link.enabled != 0) {
            links.push_back({number, true, link.connected != 0, link.src_ipaddr, link.dst_ipaddr});
        }
    }
    return links;
}

Result<std::chrono::milliseconds> query_detection_time() {
    const Cmap cmap;
    std::uint32_t total = 0;
    for (const char* key : {"runtime.config.totem.token", "runtime.config.totem.consensus"}) {
        std::uint32_t value = 0;
        auto error = cmap.opened();
        if (error == CS_OK) {
            error = cmap_get_uint32(cmap.get(), key, &value);
        }
        if (error != CS_OK) {
            return corosync_error(fmt::format("cannot read {}", key), error);
        }
        total += value;
    }
    return std::chrono::milliseconds(total);
}

Status set_expected_votes(std::uint32_t votes) {
    const Votequorum votequorum;
    auto error = votequorum.opened();
    if (error == CS_OK) {
        error = votequorum_setexpected(votequorum.get(), votes);
    }
    if (error == CS_ERR_INVALID_PARAM) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    fmt::format("{} expected votes would leave this cluster without quorum, or are "
                                "fewer than the votes present",
                                votes));
    }
    return error == CS_OK ? Status() : corosync_error("cannot set expected votes", error);
}

Status reload_corosync_configuration() {
    const Cfg cfg;
    auto error = cfg.opened();
    if (error == CS_OK) {
        error = corosync_cfg_reload_config(cfg.get());
    }
    return error == CS_OK ? Status()
                          : corosync_error("corosync refused the changed configuration", error);
}

}  // namespace quorate::cluster
