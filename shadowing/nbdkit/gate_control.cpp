#include "gate_control.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "shadowing/served/gate_line.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::size_t kLongestLine = 512;

}  // namespace

GateControl::GateControl(Gate& gate, int socket)
    : gate_(gate), socket_(socket), reader_([this] { listen(); }) {}

GateControl::~GateControl() {
    ::shutdown(socket_, SHUT_RDWR);
    reader_.detach();  // it may be the one that ends the process
}

void GateControl::listen() {
    std::string text;
    char piece[4096];
    for (;;) {
        const auto got = ::recv(socket_, piece, sizeof(piece), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || text.size() > kLongestLine) {
            std::_Exit(EXIT_SUCCESS);
        }
        text.append(piece, static_cast<std::size_t>(got));
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            answer(text.substr(0, end));
            text.erase(0, end + 1);
        }
    }
}

void GateControl::answer(const std::string& line) {
    const auto send = [this](const std::string& words) {
        const std::lock_guard guard(write_mutex_);
        const auto whole = words + '\n';
        static_cast<void>(::send(socket_, whole.data(), whole.size(), MSG_NOSIGNAL));
    };
    const auto order = decode_gate_line(line);
    if (!order) {
        send("unknown");
        return;
    }
    switch (order->kind) {
        case GateOrder::Kind::kDrop:
            gate_.drop(order->opener, order->floor,
                       [send, tag = order->tag] { send(fmt::format("dropped {}", tag)); });
            return;
        case GateOrder::Kind::kFloor:
            gate_.raise_floor(order->floor);
            send(fmt::format("floor {}", order->tag));
            return;
        case GateOrder::Kind::kList:
            for (const auto& pass : gate_.passes()) {
                send(fmt::format("connection {} {} {} {}", encode(pass.name), pass.refused ? 1 : 0,
                                 pass.under_way, pass.requests));
            }
            send(fmt::format("listed {}", order->tag));
            return;
    }
}

}  // namespace quorate::shadowing
