#pragma once

#include <mutex>
#include <string>
#include <thread>

#include "shadowing/served/gate.hpp"

namespace quorate::shadowing {

// shadowd's hand on a gate: lines on a stream socket, docs/protocols/shadow-disk.md. A thread of
// its own reads them. The process ends with the socket: nobody would say any more who is dropped.
class GateControl {
public:
    // Takes the socket over. `gate` outlives it.
    GateControl(Gate& gate, int socket);
    ~GateControl();
    GateControl(const GateControl&) = delete;
    GateControl& operator=(const GateControl&) = delete;

private:
    void listen();
    void answer(const std::string& line);

    Gate& gate_;
    int socket_;
    std::mutex write_mutex_;
    std::thread reader_;
};

}  // namespace quorate::shadowing
