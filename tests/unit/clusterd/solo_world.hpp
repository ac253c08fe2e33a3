#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>

#include "cluster/lease_writer.hpp"
#include "control_routes.hpp"
#include "messages.hpp"

namespace quorate::cluster {

// clusterd's control API on a real machine that is a cluster of one, without sockets: what a
// request is answered, for a caller on this machine or for a peer. Commands are off and there is no
// Corosync to ask, so nothing outside of its folder is touched.
class SoloWorld {
public:
    // `before`: what an earlier life left behind.
    explicit SoloWorld(LevelRange levels = {1, 1}, std::optional<Floor> before = std::nullopt);
    ~SoloWorld();
    SoloWorld(const SoloWorld&) = delete;
    SoloWorld& operator=(const SoloWorld&) = delete;

    io::ControlResponse ask(std::string method, std::string target, std::string body = "",
                            std::uint32_t uid = 0);
    io::ControlResponse ask_as_peer(io::RawRequest request);
    // The first piece of an answer that is a stream.
    std::string next_piece(const io::ControlResponse& response);

    // Runs the world until the coroutine has ended, 30 s at most.
    template <class Value>
    Value wait(boost::asio::awaitable<Value> task) {
        std::optional<Value> result;
        boost::asio::co_spawn(io, std::move(task),
                              [&](const std::exception_ptr& error, Value value) {
                                  if (error) {
                                      std::rethrow_exception(error);
                                  }
                                  result = std::move(value);
                                  io.stop();
                              });
        io.restart();
        io.run_for(std::chrono::seconds(30));
        return std::move(result.value());
    }

    // What follows is the daemon's, in the order of its making.
    boost::asio::io_context io{1};
    std::string folder;
    Config config;
    io::Scope scope{io};
    io::ThreadPool disk{io, {"disk", 1, 1000}};
    EventLog events{io};
    io::ControlRouter peers;
    Nodes nodes;
    Chronicle chronicle;
    MachineShell machine;
    FloorKeeper floor;
    std::shared_ptr<Fencers> fencers;  // its streams hold weak references
    LeaseWriter lease;
    Messages messages;
    Ping ping;
    Interconnect interconnect;
    ConfFile conf;
    ConfChange change;
    Survey survey;
    io::Metrics metrics;
    io::ControlServer local;
    std::unique_ptr<ControlContext> context;

private:
    boost::asio::awaitable<bool> until_in_a_view();
    boost::asio::awaitable<bool> end();
};

}  // namespace quorate::cluster
