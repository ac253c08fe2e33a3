#include "ping.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "cluster/errc.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::uint8_t kAsk = 1;
constexpr std::uint8_t kAnswer = 2;
constexpr std::chrono::milliseconds kPingTime{10'000};

std::string message(std::uint8_t kind, std::uint64_t number, std::string_view filling) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u8(kind);
    out.u64(number);
    out.raw(filling);
    return bytes;
}

}  // namespace

struct Ping::Waiting {
    Waiting(boost::asio::io_context& io, MemberId to_in) : to(to_in), over(io) {}

    MemberId to;
    std::string words;
    io::Event over;
    bool answered = false;
    BootTime when;
};

Ping::Ping(boost::asio::io_context& io, Messages& messages) : io_(io), messages_(messages) {
    Consumer consumer;
    consumer.message = [this](MemberId from, Epoch, std::string_view payload) {
        on_message(from, payload);
    };
    consumer.event = [this](const Event& event) {
        if (const auto* committed = std::get_if<ViewCommitted>(&event)) {
            on_view(committed->view);
        }
    };
    messages_.add(kPingChannel, std::move(consumer));
}

void Ping::on_message(MemberId from, std::string_view payload) {
    ByteReader in(payload);
    const auto kind = in.u8();
    const auto number = in.u64();
    if (in.failed()) {
        return;
    }
    if (kind == kAsk) {
        // Who asks more than it reads gets no more answers.
        auto answered =
            messages_.send(from, kPingChannel, message(kAnswer, number, payload.substr(9)));
        static_cast<void>(answered);
        return;
    }
    const auto found = waiting_.find(number);
    if (found != waiting_.end() && found->second->to == from) {
        auto& waiting = *found->second;
        waiting.when = io::exact_boot_now();
        waiting.answered = payload.substr(9) == std::string_view(waiting.words).substr(9);
        waiting.over.set();
    }
}

void Ping::on_view(const View& view) {
    for (auto& [number, waiting] : waiting_) {
        if (view.find(waiting->to) == nullptr ||
            !messages_.send(waiting->to, kPingChannel, waiting->words)) {
            waiting->over.set();
        }
    }
}

awaitable<Result<std::vector<std::chrono::microseconds>>> Ping::ping(MemberId to, std::size_t count,
                                                                     std::size_t bytes) {
    std::vector<std::chrono::microseconds> times;
    const std::string filling(bytes, 'q');
    while (times.size() < count) {
        const auto number = ++last_;
        Waiting waiting(io_, to);
        waiting.words = message(kAsk, number, filling);
        const auto begun = io::exact_boot_now();
        auto sent = messages_.send(to, kPingChannel, waiting.words);
        if (!sent) {
            co_return tl::unexpected<Error>(std::move(sent).error());
        }
        waiting_.emplace(number, &waiting);
        auto over = co_await waiting.over.wait(io::after(kPingTime));
        waiting_.erase(number);
        if (!over) {
            co_return tl::unexpected<Error>(std::move(over).error());
        }
        if (!waiting.answered) {
            co_return fail(errc::refused, "it left the cluster meanwhile");
        }
        times.push_back(waiting.when - begun);
    }
    co_return times;
}

}  // namespace quorate::cluster
