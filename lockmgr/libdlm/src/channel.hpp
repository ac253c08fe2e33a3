#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::lockmgr::libdlm {

// The descriptors of one lockspace: the socket to clusterd, a signal that something waits to be
// dispatched, and the one descriptor that a program may poll for both. Errors: errno's values.
class Channel {
public:
    static Result<Channel> open(const std::string& path);
    Channel(Channel&& other) noexcept;
    Channel& operator=(Channel&&) = delete;
    ~Channel();

    // For poll(2): readable when there is something to dispatch.
    int poll_descriptor() const { return poll_; }

    // What of `bytes` goes out at once.
    Result<std::size_t> send(std::string_view bytes);
    // Whether poll_descriptor() becomes readable when more could be sent.
    void want_to_send(bool wanted);
    // Until there is something to receive or, if wanted, to send; or nudge(). False: not yet.
    bool wait(bool block);
    // What is there; nothing when there is not. An error at the end of the stream.
    Result<std::string_view> receive();

    // Nothing more will be said. Waits until the other end has heard that, but not for ever.
    void finish();

    // Ends another thread's wait().
    void nudge();
    // Makes poll_descriptor() readable, or not.
    void signal(bool pending);

private:
    Channel() = default;

    int socket_ = -1;
    int nudge_ = -1;
    int signal_ = -1;
    int poll_ = -1;
    bool wants_to_send_ = false;
    std::string buffer_ = std::string(32 * 1024, '\0');
};

}  // namespace quorate::lockmgr::libdlm
