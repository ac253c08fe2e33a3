#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "base/result.hpp"
#include "shadowing/io/nbdkit_process.hpp"

namespace quorate::shadowing {

// The nbdkit processes that offer a unit: on a Unix socket, and to a network where export_file.hpp
// says so. They end with this one.
class Exporter {
public:
    Exporter(boost::asio::io_context& io, std::string unit, std::string data_socket,
             std::string nbd_socket);
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
        std::unique_ptr<NbdkitProcess> process;
        std::shared_ptr<bool> ended;  // shared with the process, which says so
    };
    Status start(Offer& offer) const;
    void offer_to_network();

    boost::asio::io_context& io_;
    std::string unit_;
    std::string data_socket_;
    std::string nbd_socket_;
    std::vector<Offer> offers_;
    Logger log_;
};

}  // namespace quorate::shadowing
