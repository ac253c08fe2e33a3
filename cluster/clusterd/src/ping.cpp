#include "ping.hpp"

#include <deque>
#include <utility>

#include <fmt/core.h>

#include "base/bytes.hpp"
#include "cluster/errc.hpp"
#include "io/errc.hpp"
#include "io/event.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

// 1 and 2 had no sequence.
constexpr std::uint8_t kAsk = 3;
constexpr std::uint8_t kAnswer = 4;
constexpr std::size_t kHead = 25;  // kind, sequence, run, number
constexpr std::chrono::milliseconds kPingTime{10'000};

std::string message(std::uint8_t kind, std::uint64_t sequence, std::uint64_t run,
                    std::uint64_t number, std::string_view filling) {
    std::string bytes;
    bytes.reserve(kHead + filling.size());
    ByteWriter out(bytes);
    out.u8(kind);
    out.u64(sequence);
    out.u64(run);
    out.u64(number);
    out.raw(filling);
    return bytes;
}

}  // namespace

// So many messages, numbered from 0; the answer to one sends the next.
struct Ping::Run {
    Run(boost::asio::io_context& io, MemberId to_in, const PingOptions& options_in)
        : to(to_in), options(options_in), filling(options.bytes, 'q'), over(io) {}

    MemberId to;
    PingOptions options;
    std::string filling;
    std::deque<BootTime> under_way;  // when they were sent; the oldest is number times.size()
    std::vector<std::chrono::microseconds> times;
    Status ended;
    io::Event over;

    std::size_t sent() const { return times.size() + under_way.size(); }
    void end(Status how) {
        ended = std::move(how);
        over.set();
    }
};

Ping::Ping(boost::asio::io_context& io, Messages& messages, std::function<Epoch()> epoch_now)
    : io_(io), messages_(messages), epoch_(std::move(epoch_now)) {
    Consumer consumer;
    consumer.message = [this](MemberId from, Epoch epoch, std::string_view payload) {
        on_message(from, epoch, payload);
    };
    consumer.event = [this](const Event& event) {
        if (const auto* committed = std::get_if<ViewCommitted>(&event)) {
            on_view(committed->view);
        }
    };
    messages_.add(kPingChannel, std::move(consumer));
}

Status Ping::send_numbered(MemberId to, std::uint8_t kind, std::uint64_t id, std::uint64_t number,
                           std::string_view filling) {
    auto& sequence = peers_[to].sent;
    if (const auto epoch = epoch_(); sequence.epoch != epoch) {
        sequence = {epoch, 0};
    }
    auto sent = messages_.send(to, kPingChannel, message(kind, sequence.next, id, number, filling));
    sequence.next += sent ? 1 : 0;
    return sent;
}

void Ping::check_sequence(MemberId from, Epoch epoch, std::uint64_t sequence) {
    auto& received = peers_[from].received;
    if (epoch > received.epoch) {
        received = {epoch, 0};
    }
    if (epoch != received.epoch || sequence != received.next) {
        ++out_of_sequence_;
        log_.error("ping_out_of_sequence", "node", from.node.value(), "epoch", epoch.value(),
                   "came", sequence, "due", received.next, "due_in", received.epoch.value());
    }
    received.next = sequence + 1;
}

void Ping::send(std::uint64_t id, Run& run, std::uint64_t number) {
    auto sent = send_numbered(run.to, kAsk, id, number, run.filling);
    if (!sent) {
        run.end(std::move(sent));
    }
}

void Ping::send_on(std::uint64_t id, Run& run) {
    while (run.ended && run.sent() < run.options.count &&
           run.under_way.size() < run.options.at_once) {
        const auto number = run.sent();
        run.under_way.push_back(io::exact_boot_now());
        send(id, run, number);
    }
}

void Ping::on_message(MemberId from, Epoch epoch, std::string_view payload) {
    ByteReader in(payload);
    const auto kind = in.u8();
    const auto sequence = in.u64();
    const auto id = in.u64();
    const auto number = in.u64();
    if (in.failed() || (kind != kAsk && kind != kAnswer)) {
        return;
    }
    // What goes to itself takes no circuit.
    if (from != messages_.self()) {
        check_sequence(from, epoch, sequence);
    }
    const auto filling = payload.substr(kHead);
    if (kind == kAsk) {
        // Who asks more than it reads gets no more answers.
        auto answered = send_numbered(from, kAnswer, id, number, filling);
        static_cast<void>(answered);
    } else if (const auto found = runs_.find(id);
               found != runs_.end() && found->second->to == from) {
        on_answer(id, *found->second, number, filling);
    }
}

void Ping::on_answer(std::uint64_t id, Run& run, std::uint64_t number, std::string_view filling) {
    if (!run.ended || run.under_way.empty()) {
        return;
    }
    if (number != run.times.size() || filling != run.filling) {
        run.end(fail(errc::damaged, fmt::format("answer {} came where {} was due: messages were "
                                                "lost, repeated, damaged or out of order",
                                                number, run.times.size())));
        return;
    }
    run.times.push_back(io::exact_boot_now() - run.under_way.front());
    run.under_way.pop_front();
    if (run.times.size() == run.options.count) {
        run.end({});
    } else {
        send_on(id, run);
    }
}

// What was under way is void.
void Ping::on_view(const View& view) {
    // Of a later view too something may have been sent already.
    std::erase_if(peers_, [&](const auto& peer) {
        return view.find(peer.first) == nullptr && peer.second.sent.epoch <= view.epoch;
    });
    for (auto& [id, run] : runs_) {
        if (view.find(run->to) == nullptr) {
            run->end(fail(errc::refused, "it left the cluster meanwhile"));
            continue;
        }
        for (auto number = run->times.size(); run->ended && number < run->sent(); ++number) {
            send(id, *run, number);
        }
    }
}

void Ping::stop() {
    for (auto& [id, run] : runs_) {
        run->end(fail(errc::refused, "clusterd stops"));
    }
}

awaitable<Result<std::vector<std::chrono::microseconds>>> Ping::ping(MemberId to,
                                                                     PingOptions options) {
    Run run(io_, to, options);
    const auto id = ++last_;
    runs_.emplace(id, &run);
    send_on(id, run);
    Status over;
    std::size_t answered = 0;
    do {
        answered = run.times.size();
        over = co_await run.over.wait(io::after(kPingTime));
    } while (!over && over.error().code == io::Errc::kTimedOut && run.times.size() > answered);
    runs_.erase(id);
    if (!over) {
        co_return tl::unexpected<Error>(std::move(over).error());
    }
    if (!run.ended) {
        co_return tl::unexpected<Error>(std::move(run.ended).error());
    }
    co_return std::move(run.times);
}

}  // namespace quorate::cluster
