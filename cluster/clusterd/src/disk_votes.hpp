#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "cluster/membership.hpp"
#include "io/event.hpp"
#include "io/scope.hpp"
#include "io/stream.hpp"

namespace quorate::cluster {

// The quorum disk as quorumd publishes it on this node (docs/protocols/voter.md): its lease becomes
// the machine's QuorumDisk, floors go to the disk and come from it. While quorumd is away this node
// has no votes of the disk's.
//
// Thread rule: io thread; feeds, never from within a call.
class DiskVotes {
public:
    using Feed = std::function<void(const QuorumDisk&)>;
    DiskVotes(boost::asio::io_context& io, std::string socket_path, Feed feed);
    ~DiskVotes();

    // Until stop(): connects, and again when quorumd was away.
    boost::asio::awaitable<void> run();
    void stop();

    void read(ReadDisk request);
    // Tells whether the disk has the floor and this node had the votes still. After 10 s: it has
    // not.
    boost::asio::awaitable<bool> write_floor(Floor floor);

    // quorumd answers: what it casts in Corosync is published here.
    bool connected() const { return stream_ != nullptr; }

private:
    boost::asio::awaitable<void> serve();
    bool take(std::string_view line);
    void send(std::string line);
    boost::asio::awaitable<void> write();
    void tell();

    boost::asio::io_context& io_;
    std::string path_;
    Feed feed_;
    io::Event wake_;
    std::unique_ptr<io::Stream> stream_;
    std::string waiting_;  // to be written
    bool writing_ = false;
    QuorumDisk disk_;
    std::uint64_t wanted_read_ = 0;
    io::Event answered_;  // a floor was
    std::uint64_t floor_number_ = 0;
    bool floor_answered_ = false;
    bool floor_held_ = false;
    bool stopping_ = false;
    Logger log_;
};

}  // namespace quorate::cluster
