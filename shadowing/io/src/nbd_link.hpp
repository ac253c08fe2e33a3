#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.hpp"
#include "nbd_library.hpp"
#include "shadowing/io/served_member.hpp"

namespace quorate::shadowing {

// One NBD connection to the server of a disk. Callbacks run on the io thread, never before the call
// that leads to them returned; none after close(). Thread rule: io thread.
class NbdLink : public std::enable_shared_from_this<NbdLink> {
public:
    // Connected: the export's description. Once.
    using Connected = std::function<void(Result<ServedDescription>)>;
    // The connection is gone; of what was asked for nothing more is told.
    using Lost = std::function<void(const Error&)>;
    // 0, or the errno that the server told.
    using Done = std::function<void(int error)>;

    NbdLink(boost::asio::io_context& io, const NbdLibrary& library);
    ~NbdLink();
    NbdLink(const NbdLink&) = delete;
    NbdLink& operator=(const NbdLink&) = delete;

    void connect(const ServedDisk& disk, const ExportName& name, Connected connected, Lost lost);
    // Nothing is called any more, and no memory of a request is used.
    void close();
    std::uint64_t octets() const;

    void read(std::uint64_t offset, std::span<char> into, Done done);
    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done);
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done);
    void flush(Done done);

private:
    struct Request;
    struct Ended {
        Done done;
        int error;
    };
    Status begin(const ServedDisk& disk, const ExportName& name);
    void handshake(int socket);
    void listen();
    void wait(boost::asio::posix::descriptor_base::wait_type type, bool NbdLink::*flag,
              int (*notify)(nbd_handle*));
    void look();
    void hear_ended();
    void fail_with(Error error);
    Error last_error() const;
    nbd_completion_callback callback(Done done);
    void asked(std::int64_t cookie);

    boost::asio::io_context& io_;
    const NbdLibrary& lib_;
    nbd_handle* nbd_ = nullptr;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer limit_;
    std::string address_;
    Connected connected_;
    Lost lost_;
    bool reading_ = false;
    bool writing_ = false;
    bool closed_ = false;
    std::vector<Ended> ended_;
    bool hear_posted_ = false;
};

}  // namespace quorate::shadowing
