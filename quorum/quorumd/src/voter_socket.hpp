#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include "base/log.hpp"
#include "io/event.hpp"
#include "io/listener.hpp"
#include "io/scope.hpp"
#include "io/stream.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {

// What clusterd needs of the quorum disk, over a Unix socket: until when this node's ring has the
// votes, its epoch floor written on the disk, everybody's floors read anew.
// docs/protocols/voter.md. Thread rule: io thread. Limits: 4 clients, lines of 64 KiB; one that
// does not read for 3 s is dropped.
class VoterSocket {
public:
    using Feed = std::function<void(const VoterInput&)>;
    VoterSocket(boost::asio::io_context& io, io::Scope& scope, Incarnation incarnation, Feed feed);
    ~VoterSocket();

    // `group`: whose members may connect besides root. Errors: errno's values.
    Status open(const std::string& path, const std::string& group);
    // Publish, RiderWritten, ReadDone; others are nothing to it.
    void tell(const VoterOutput& output);
    std::size_t clients() const { return clients_.size(); }

private:
    struct Client;
    using ClientPtr = std::shared_ptr<Client>;

    boost::asio::awaitable<void> serve(ClientPtr client);
    boost::asio::awaitable<void> write(ClientPtr client);
    void take(const ClientPtr& client, std::string_view line);
    void send(Client& client, const boost::json::object& message);
    void tell_one(const Publish& publish);
    void tell_one(const RiderWritten& written);
    void tell_one(const ReadDone& done);
    template <class Other>
    void tell_one(const Other&) {}
    boost::json::object published() const;

    boost::asio::io_context& io_;
    io::Scope& scope_;
    Feed feed_;
    std::optional<io::Listener> listener_;
    std::list<ClientPtr> clients_;  // shared with its coroutines
    struct Asked {
        std::weak_ptr<Client> client;
        std::uint64_t number = 0;  // the client's
    };
    std::map<std::uint64_t, Asked> asked_;  // by the voter's number
    std::uint64_t last_number_ = 0;
    Publish last_;
    std::uint64_t hold_;  // another whenever the votes were not this node's all the time
    Logger log_;
};

}  // namespace quorate::quorum
