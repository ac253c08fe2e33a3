#include "ping.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "cluster/errc.hpp"
#include "io/errc.hpp"
#include "io/event.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::uint8_t kAsk = 1;
constexpr std::uint8_t kAnswer = 2;
constexpr std::size_t kHead = 9;  // kind, number
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

// A run of messages: the answer to one sends the next.
struct Ping::Run {
    Run(boost::asio::io_context& io, MemberId to_in, std::size_t count_in, std::size_t bytes)
        : to(to_in), count(count_in), filling(bytes, 'q'), over(io) {}

    MemberId to;
    std::size_t count;
    std::string filling;
    BootTime begun;
    std::vector<std::chrono::microseconds> times;
    Status ended;
    io::Event over;
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

void Ping::ask(std::uint64_t number, Run& run) {
    run.begun = io::exact_boot_now();
    send(number, run);
}

void Ping::send(std::uint64_t number, Run& run) {
    run.ended = messages_.send(run.to, kPingChannel, message(kAsk, number, run.filling));
    if (!run.ended) {
        run.over.set();
    }
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
            messages_.send(from, kPingChannel, message(kAnswer, number, payload.substr(kHead)));
        static_cast<void>(answered);
    } else if (const auto found = runs_.find(number);
               found != runs_.end() && found->second->to == from) {
        on_answer(found, payload.substr(kHead));
    }
}

void Ping::on_answer(Runs::iterator found, std::string_view filling) {
    auto& run = *found->second;
    run.times.push_back(io::exact_boot_now() - run.begun);
    if (filling != run.filling) {
        run.ended = fail(errc::damaged, "the answer is not what was sent");
        run.over.set();
    } else if (run.times.size() == run.count) {
        run.over.set();
    } else {
        auto next = runs_.extract(found);
        next.key() = ++last_;
        runs_.insert(std::move(next));
        ask(last_, run);
    }
}

void Ping::on_view(const View& view) {
    for (auto& [number, run] : runs_) {
        if (view.find(run->to) == nullptr) {
            run->ended = fail(errc::refused, "it left the cluster meanwhile");
            run->over.set();
        } else {
            send(number, *run);
        }
    }
}

awaitable<Result<std::vector<std::chrono::microseconds>>> Ping::ping(MemberId to, std::size_t count,
                                                                     std::size_t bytes) {
    Run run(io_, to, count, bytes);
    runs_.emplace(++last_, &run);
    ask(last_, run);
    Status over;
    std::size_t answered = 0;
    do {
        answered = run.times.size();
        over = co_await run.over.wait(io::after(kPingTime));
    } while (!over && over.error().code == io::Errc::kTimedOut && run.times.size() > answered);
    std::erase_if(runs_, [&run](const auto& one) { return one.second == &run; });
    if (!over) {
        co_return tl::unexpected<Error>(std::move(over).error());
    }
    if (!run.ended) {
        co_return tl::unexpected<Error>(std::move(run.ended).error());
    }
    co_return std::move(run.times);
}

}  // namespace quorate::cluster
