#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "io/control_router.hpp"
#include "io/event.hpp"
#include "parts.hpp"

namespace quorate::quorum {

// What the control API offers shadowing: read what all nodes' pages know of shadow sets, and say
// more (docs/protocols/control.md, "Witnesses"). A node that does not reach the disk itself has a
// member of its ring do it.
//
// Writing compares and advances: all pages are read, the word goes onto this node's page, all pages
// are read again. Thread rule: io thread.
class WitnessDesk {
public:
    explicit WitnessDesk(Parts& parts) : parts_(parts), free_(parts.io) { free_.set(); }

    boost::asio::awaitable<io::ControlResponse> read(io::ControlRequest request);
    boost::asio::awaitable<io::ControlResponse> write(io::ControlRequest request);
    // For another node: only if this one reaches the disk.
    boost::asio::awaitable<io::ControlResponse> read_here(io::ControlRequest request);
    boost::asio::awaitable<io::ControlResponse> write_here(io::ControlRequest request);

private:
    boost::asio::awaitable<io::ControlResponse> read_disk();
    // One after the other; `wanted` outlives it.
    boost::asio::awaitable<io::ControlResponse> write_disk(const Witness& wanted);
    boost::asio::awaitable<io::ControlResponse> advance(const Witness& wanted);
    // Nothing: nobody could be asked, or nobody who was reaches the disk.
    boost::asio::awaitable<std::optional<io::ControlResponse>> ask_mates(std::string method,
                                                                         boost::json::object body);
    bool reaches_disk() const;

    Parts& parts_;
    io::Event free_;
};

}  // namespace quorate::quorum
