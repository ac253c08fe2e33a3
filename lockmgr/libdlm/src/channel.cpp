#include "channel.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace quorate::lockmgr::libdlm {
namespace {

void watch(int poll, int descriptor, int how, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    ::epoll_ctl(poll, how, descriptor, &event);
}

void set(int event) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(event, &one, sizeof(one)) == sizeof(one));
}

void clear(int event) {
    std::uint64_t count = 0;
    static_cast<void>(::read(event, &count, sizeof(count)) == sizeof(count));
}

}  // namespace

Result<Channel> Channel::open(const std::string& path) {
    Channel channel;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return fail_errno(ENAMETOOLONG, path);
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    channel.socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (channel.socket_ < 0 ||
        ::connect(channel.socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        return fail_errno(errno, path);
    }
    channel.nudge_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    channel.signal_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    channel.poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (channel.nudge_ < 0 || channel.signal_ < 0 || channel.poll_ < 0) {
        return fail_errno(errno, "descriptors");
    }
    watch(channel.poll_, channel.socket_, EPOLL_CTL_ADD, EPOLLIN);
    watch(channel.poll_, channel.signal_, EPOLL_CTL_ADD, EPOLLIN);
    return channel;
}

Channel::Channel(Channel&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      nudge_(std::exchange(other.nudge_, -1)),
      signal_(std::exchange(other.signal_, -1)),
      poll_(std::exchange(other.poll_, -1)),
      wants_to_send_(other.wants_to_send_),
      buffer_(std::move(other.buffer_)) {}

Channel::~Channel() {
    for (const int descriptor : {socket_, nudge_, signal_, poll_}) {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
}

Result<std::size_t> Channel::send(std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto sent =
            ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return fail_errno(errno, "send");
        }
    }
    return done;
}

void Channel::want_to_send(bool wanted) {
    if (std::exchange(wants_to_send_, wanted) != wanted) {
        watch(poll_, socket_, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
        nudge();
    }
}

bool Channel::wait(bool block) {
    const auto wanted = static_cast<short>(wants_to_send_ ? POLLIN | POLLOUT : POLLIN);
    std::array<pollfd, 2> descriptors{{{socket_, wanted, 0}, {nudge_, POLLIN, 0}}};
    ::poll(descriptors.data(), descriptors.size(), block ? -1 : 0);
    if (descriptors[1].revents != 0) {
        clear(nudge_);
    }
    return descriptors[0].revents != 0;
}

Result<std::string_view> Channel::receive() {
    const auto got = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got > 0) {
        return std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return std::string_view();
    }
    return fail_errno(got == 0 ? ENOTCONN : errno, "clusterd ended the connection");
}

void Channel::finish() {
    constexpr int kPatience = 2000;  // milliseconds
    pollfd descriptor{socket_, POLLIN, 0};
    ::shutdown(socket_, SHUT_WR);
    while (::poll(&descriptor, 1, kPatience) > 0) {
        const auto rest = receive();
        if (!rest) {
            return;
        }
    }
}

void Channel::nudge() { set(nudge_); }

void Channel::signal(bool pending) { pending ? set(signal_) : clear(signal_); }

}  // namespace quorate::lockmgr::libdlm
