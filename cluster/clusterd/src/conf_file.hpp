#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "cluster/corosync_conf.hpp"
#include "cluster/io/hand.hpp"
#include "io/thread_pool.hpp"

namespace quorate::cluster {

// This node's corosync.conf: read here, written by the privileged hand. Thread rule: io thread.
class ConfFile {
public:
    ConfFile(io::ThreadPool& workers, Hand* hand, std::string path)
        : workers_(workers), hand_(hand), path_(std::move(path)) {}

    struct Text {
        std::string text;
        CorosyncConf conf;
    };
    // Errors name file and line.
    boost::asio::awaitable<Result<Text>> read();
    // Replaces it if what stands there has the SHA-256 `replaces`. Errors: errc::refused when it
    // has not or the text is no configuration of this cluster; of the hand.
    boost::asio::awaitable<Status> replace(std::string text, std::string replaces);
    // Corosync's key, as the file has it; empty when this cluster has none.
    boost::asio::awaitable<Result<std::string>> read_authkey();

    const std::string& path() const { return path_; }

private:
    io::ThreadPool& workers_;
    Hand* hand_;  // null without Corosync
    std::string path_;
};

// In hexadecimal digits.
std::string sha256(std::string_view text);

}  // namespace quorate::cluster
