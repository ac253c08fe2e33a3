#include "ring_client.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <string_view>

#include "base/bytes.hpp"

namespace quorate::shadowing {
namespace {

// Who waits looks this often whether shadowd is still there.
constexpr timespec kLook{0, 200'000'000};

int errno_of(std::uint32_t status) {
    constexpr std::uint32_t kOutOfRange = 4;
    return status == kOutOfRange ? EINVAL : EIO;
}

template <class Call>
int in_parts(std::uint32_t octets, std::uint32_t most, Call call) {
    int error = 0;
    for (std::uint32_t from = 0; from < octets && error == 0;) {
        const auto part = std::min(octets - from, most);
        error = call(from, part);
        from += part;
    }
    return error;
}

}  // namespace

std::unique_ptr<RingClient> RingClient::connect(const std::string& path, std::string& error) {
    std::unique_ptr<RingClient> client(new RingClient);
    if (client->open(path) && client->receive_hello()) {
        return client;
    }
    error = path + ": " +
            (errno == EPROTO ? "shadowd is of another version"
                             : std::string(std::strerror(errno)) + ": does shadowd run?");
    return nullptr;
}

RingClient::~RingClient() {
    if (ring_ != nullptr) {
        ::munmap(ring_, sizeof(RingMemory));
    }
    for (const int file : {socket_, bell_}) {
        if (file >= 0) {
            ::close(file);
        }
    }
}

bool RingClient::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return socket_ >= 0 &&
           ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

bool RingClient::receive_hello() {
    char text[kRingHello];
    iovec piece{text, sizeof(text)};
    int files[2] = {-1, -1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(files))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got = -1;
    do {
        got = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    } while (got < 0 && errno == EINTR);
    const auto* head = got < 0 ? nullptr : CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(files))) {
        std::memcpy(files, CMSG_DATA(head), sizeof(files));
    }
    bell_ = files[1];
    ByteReader in(std::string_view(text, got < 0 ? 0 : static_cast<std::size_t>(got)));
    const bool ours = in.u32() == kRingMagic && in.u32() == kRingVersion;
    block_ = in.u32();
    const bool slots = in.u32() == kRingSlots;
    size_ = in.u64();
    const bool sound = ours && slots && in.u32() == kRingPart && files[0] >= 0;
    const bool mapped = sound && map(files[0]);
    if (files[0] >= 0) {
        ::close(files[0]);
    }
    if (got > 0 && !sound) {
        errno = EPROTO;
    } else if (got == 0) {
        errno = ECONNRESET;
    }
    return mapped;
}

bool RingClient::map(int memory) {
    struct stat info {};
    if (::fstat(memory, &info) != 0 || info.st_size != sizeof(RingMemory)) {
        errno = EPROTO;
        return false;
    }
    void* at = ::mmap(nullptr, sizeof(RingMemory), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (at == MAP_FAILED) {
        return false;
    }
    ring_ = static_cast<RingMemory*>(at);
    free_.resize(kRingSlots);
    std::iota(free_.begin(), free_.end(), 0u);
    return true;
}

std::uint32_t RingClient::take_slot() {
    std::unique_lock lock(slots_);
    slot_free_.wait(lock, [this] { return !free_.empty(); });
    const auto slot = free_.back();
    free_.pop_back();
    return slot;
}

void RingClient::give_back(std::uint32_t slot) {
    const std::lock_guard guard(slots_);
    free_.push_back(slot);
    slot_free_.notify_one();
}

void RingClient::ask(std::uint32_t slot, const RingRequest& request) {
    auto& one = ring_->slots[slot];
    one.what.store(what_of(request), std::memory_order_relaxed);
    one.offset.store(request.offset, std::memory_order_relaxed);
    one.state.store(static_cast<std::uint32_t>(SlotState::kAsked), std::memory_order_relaxed);
    {
        const std::lock_guard guard(asking_);
        ring_->asked[tail_ % kRingSlots].store(slot, std::memory_order_relaxed);
        ring_->tail.store(++tail_);
    }
    if (ring_->asleep.load() == 1 && ring_->asleep.exchange(0) == 1) {
        const std::uint64_t ring = 1;
        static_cast<void>(::write(bell_, &ring, sizeof(ring)));
    }
}

int RingClient::wait(std::uint32_t slot, std::uint32_t& octets) {
    auto& one = ring_->slots[slot];
    constexpr auto kAnswered = static_cast<std::uint32_t>(SlotState::kAnswered);
    constexpr auto kAwaited = static_cast<std::uint32_t>(SlotState::kAwaited);
    auto state = static_cast<std::uint32_t>(SlotState::kAsked);
    if (one.state.compare_exchange_strong(state, kAwaited)) {
        state = kAwaited;
    }
    while (state != kAnswered) {
        const auto slept =
            ::syscall(SYS_futex, &one.state, FUTEX_WAIT, kAwaited, &kLook, nullptr, 0);
        if (slept != 0 && errno == ETIMEDOUT && !is_alive()) {
            gone_ = true;
            return ESHUTDOWN;
        }
        state = one.state.load();
    }
    const auto answer = one.answer.load(std::memory_order_relaxed);
    octets = static_cast<std::uint32_t>(answer >> 32);
    const auto status = static_cast<std::uint32_t>(answer);
    return status == 0 ? 0 : errno_of(status);
}

bool RingClient::is_alive() const {
    char nothing = 0;
    return ::recv(socket_, &nothing, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

int RingClient::call(const RingRequest& request, const void* data, void* into) {
    if (gone_) {
        return ESHUTDOWN;
    }
    const auto slot = take_slot();
    if (data != nullptr) {
        std::memcpy(ring_->data[slot], data, request.octets);
    }
    ask(slot, request);
    std::uint32_t octets = 0;
    int error = wait(slot, octets);
    if (error == 0 && into != nullptr) {
        error = octets == request.octets ? 0 : EIO;
        if (error == 0) {
            std::memcpy(into, ring_->data[slot], octets);
        }
    }
    give_back(slot);
    return error;
}

int RingClient::read(void* into, std::uint32_t octets, std::uint64_t offset) {
    return in_parts(octets, kRingPart, [&](std::uint32_t from, std::uint32_t part) {
        return call({DataKind::kRead, false, offset + from, part}, nullptr,
                    static_cast<char*>(into) + from);
    });
}

int RingClient::write(const void* data, std::uint32_t octets, std::uint64_t offset, bool fua) {
    return in_parts(octets, kRingPart, [&](std::uint32_t from, std::uint32_t part) {
        return call({DataKind::kWrite, fua, offset + from, part},
                    static_cast<const char*>(data) + from, nullptr);
    });
}

int RingClient::zero(std::uint32_t octets, std::uint64_t offset, bool fua) {
    return in_parts(octets, kMaxDataOctets, [&](std::uint32_t from, std::uint32_t part) {
        return call({DataKind::kZero, fua, offset + from, part}, nullptr, nullptr);
    });
}

int RingClient::flush() { return call({}, nullptr, nullptr); }

int RingClient::extents(std::uint32_t octets, std::uint64_t offset,
                        std::vector<std::uint64_t>& told) {
    if (gone_) {
        return ESHUTDOWN;
    }
    const auto slot = take_slot();
    ask(slot, {DataKind::kExtents, false, offset, octets});
    std::uint32_t answered = 0;
    int error = wait(slot, answered);
    if (error == 0 && answered > kMaxDataExtents * sizeof(std::uint64_t)) {
        error = EPROTO;
    }
    if (error == 0) {
        ByteReader in(std::string_view(ring_->data[slot], answered));
        for (auto left = answered / sizeof(std::uint64_t); left > 0; --left) {
            told.push_back(in.u64());
        }
    }
    give_back(slot);
    return error;
}

}  // namespace quorate::shadowing
