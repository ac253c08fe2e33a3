#pragma once

#include <sys/types.h>

#include <string>

#include "base/log.hpp"
#include "base/result.hpp"

namespace quorate::shadowing {

// An nbdkit process that offers a unit on a Unix socket. It ends with this one.
class Exporter {
public:
    Exporter(std::string unit, std::string data_socket, std::string nbd_socket);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    // Errors: errno's values: nbdkit is not installed.
    Status start();
    // Starts it anew if it has ended.
    void look();
    pid_t process() const { return process_; }

private:
    std::string data_socket_;
    std::string nbd_socket_;
    pid_t process_ = -1;
    Logger log_;
};

}  // namespace quorate::shadowing
