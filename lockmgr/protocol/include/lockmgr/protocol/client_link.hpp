#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"
#include "lockmgr/protocol/wire.hpp"

namespace quorate::lockmgr {

// The client's side of a connection to the lock manager, without the socket: numbers for locks and
// requests, frames out, answers in. What the C++ library and libdlm's face are made of.
//
//     link.hello(priority); write link.out();
//     link.enqueue(...);                        any number of requests, then one write
//     link.receive(bytes); while (link.next()) ...
//
// Thread rule: one caller at a time.
class ClientLink {
public:
    void hello(std::uint32_t priority);
    // The number of the new lock, and of the request that makes it. `enqueue`'s own are ignored.
    struct Begun {
        wire::LockNumber lock = 0;
        wire::RequestNumber request = 0;
    };
    Begun enqueue(wire::Enqueue enqueue);
    // Numbers the request and queues it.
    template <class Request>
    wire::RequestNumber ask(Request request) {
        request.request = ++last_request_;
        wire::append(out_, request);
        if constexpr (std::is_same_v<Request, wire::DequeueAll>) {
            sweeps_[request.request] = request.lock;
        }
        return request.request;
    }
    // What is to be written; whoever writes takes it.
    std::string& out() { return out_; }

    void receive(std::string_view bytes);
    // The next answer; nothing when more octets are needed. Errors: errc::damaged, too_large:
    // give up the connection. Numbers of locks that ended are free when it returns.
    Result<std::optional<wire::Answer>> next();

private:
    struct Slot {
        wire::RequestNumber born = 0;  // 0: free
        wire::LockNumber parent = 0;
    };
    void settle(const wire::Completion& completion);
    void sweep(wire::LockNumber top, wire::RequestNumber request);
    void release(wire::LockNumber number);

    std::string out_;
    std::string in_;
    std::size_t taken_ = 0;
    std::vector<Slot> slots_ = std::vector<Slot>(1);
    std::vector<wire::LockNumber> free_;
    wire::RequestNumber last_request_ = 0;
    std::map<wire::RequestNumber, wire::LockNumber> sweeps_;  // DequeueAll under way
};

}  // namespace quorate::lockmgr
