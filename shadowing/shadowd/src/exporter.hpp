#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace quorate::shadowing {

// The nbdkit processes that offer a unit: on a Unix socket, and to a network where export_file.hpp
// says so. They end with this one.
class Exporter {
public:
    Exporter(std::string unit, std::string data_socket, std::string nbd_socket);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    // Errors: errno's values: nbdkit is not installed. What is wrong with the export to a network
    // is logged, and does not keep local clients away.
    Status start();
    // Starts anew what has ended.
    void look();

private:
    struct Offer {
        std::vector<std::string> words;  // options of nbdkit: where it listens
        pid_t process = -1;
    };
    Status start(Offer& offer) const;
    void offer_to_network();

    std::string unit_;
    std::string data_socket_;
    std::string nbd_socket_;
    std::vector<Offer> offers_;
    Logger log_;
};

}  // namespace quorate::shadowing
