#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/random.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/served/export_name.hpp"

// A member disk that another node serves (disk_server.hpp): NBD through libnbd, under TLS.
// docs/protocols/shadow-disk.md.
namespace quorate::shadowing {

struct ServedDisk {
    std::string address;  // of the server, io::Address
    std::string disk;     // as its server names it
    Id128 set;            // that it must be of; zero: any, which is how its label is looked at
    ServedOpener opener;
    // The key of both ends (psk_file.hpp). Empty: no TLS, which is for a Unix
    // socket.
    std::string psk_file;
    // Of the opener's lease, asked for with each connection.
    std::function<std::uint64_t()> epoch;
    // Asked while a fence waits: answered with true when that server has ended for good, and with
    // it serves the disk to nobody. Whoever opens the disk then waits for what is under way there.
    std::function<void(std::function<void(bool ended)> answer)> has_ended = {};
    std::chrono::milliseconds retry_after{200};  // a server that cannot be reached is tried again
    std::chrono::milliseconds answer_within{10'000};  // connecting, one attempt
};

// Connects, once. `done` runs on the io thread, never before the call returned. Errors:
// errc::refused, the server refuses this opener or epoch, or the disk is another one;
// std::errc::not_supported, libnbd is not installed; errno's values.
//
// What the member does when the connection breaks: it connects again until it is destroyed, and
// asks again for what was not answered; who asked hears nothing of it and sets the limit to that.
// The server lets the new connection do anything only when nothing of the old one is under way any
// more. So an operation that ended is over, and fence() ends when the server has answered for
// everything, has taken a new connection, or has ended for good.
// Outcome::kRefused: the server has dropped this opener or wants a newer epoch. A server whose
// cache has another life than at first: everything fails (kFailed).
void open_served_member(boost::asio::io_context& io, ServedDisk disk, Opened done);

}  // namespace quorate::shadowing
