#include "disk_votes.hpp"

#include <array>
#include <utility>

#include <fmt/core.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include "base/base64.hpp"
#include "io/address.hpp"
#include "io/task.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kAgain{500};
constexpr milliseconds kConnect{2000};
constexpr milliseconds kPatience{3000};
constexpr milliseconds kFloorTime{10'000};
constexpr std::size_t kLineMax = 512 << 10;

std::uint64_t number_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

RingId ring_of(const json::object& message) {
    const auto* value = message.if_contains("ring");
    if (value == nullptr || !value->is_array() || value->get_array().size() != 2) {
        return {};
    }
    const auto& pair = value->get_array();
    return {NodeId(pair[0].to_number<std::uint32_t>()), pair[1].to_number<std::uint64_t>()};
}

}  // namespace

DiskVotes::DiskVotes(boost::asio::io_context& io, std::string socket_path, Feed feed)
    : io_(io), path_(std::move(socket_path)), feed_(std::move(feed)), wake_(io), answered_(io) {}

DiskVotes::~DiskVotes() = default;

void DiskVotes::stop() {
    stopping_ = true;
    wake_.set();
    answered_.set();
    if (stream_) {
        stream_->close();
    }
}

awaitable<void> DiskVotes::run() {
    while (!stopping_) {
        io::Address address;
        address.kind = io::Address::Kind::kUnix;
        address.host = path_;
        auto stream = co_await io::Stream::connect(io_, address, io::after(kConnect));
        if (stream) {
            stream_ = std::make_unique<io::Stream>(std::move(*stream));
            log_.info("quorumd_found");
            if (wanted_read_ != disk_.read) {
                read({wanted_read_});
            }
            co_await serve();
            log_.warn("quorumd_lost", "hint", "the quorum disk's votes do not count meanwhile");
            while (writing_) {
                auto slept = co_await io::sleep_until(io::mono_now() + milliseconds(10));
                static_cast<void>(slept);
            }
            stream_.reset();
            waiting_.clear();
            disk_.votes = 0;
            answered_.set();
            tell();
        }
        auto woken = co_await wake_.wait(io::after(kAgain));
        static_cast<void>(woken);
    }
}

awaitable<void> DiskVotes::serve() {
    std::array<char, 4096> piece{};
    std::string line;
    for (;;) {
        auto ready = co_await stream_->wait_readable();
        if (!ready) {
            co_return;
        }
        auto got = co_await stream_->read_some(piece);
        if (!got || *got == 0 || line.size() > kLineMax) {
            co_return;
        }
        line.append(piece.data(), *got);
        for (auto end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
            if (!take(std::string_view(line).substr(0, end))) {
                log_.error("quorumd_not_understood");
                co_return;
            }
            line.erase(0, end + 1);
        }
    }
}

bool DiskVotes::take(std::string_view line) {
    boost::system::error_code error;
    const auto value = json::parse(line, error);
    if (error || !value.is_object()) {
        return false;
    }
    const auto& message = value.get_object();
    const auto* type = message.if_contains("type");
    const auto kind =
        type != nullptr && type->is_string() ? json::value_to<std::string>(*type) : "";
    if (kind == "publish") {
        disk_.ring = ring_of(message);
        disk_.votes = static_cast<std::uint32_t>(number_of(message, "votes"));
        disk_.hold = number_of(message, "hold");
        const BootTime until(
            microseconds(static_cast<std::int64_t>(number_of(message, "until_us"))));
        disk_.deadline = std::chrono::floor<milliseconds>(until);
        tell();
        return true;
    }
    if (kind == "rider_written") {
        if (number_of(message, "number") == floor_number_) {
            const auto* held = message.if_contains("held");
            floor_held_ = held != nullptr && held->is_bool() && held->get_bool();
            floor_answered_ = true;
            answered_.set();
        }
        return true;
    }
    const auto* riders = message.if_contains("riders");
    if (kind != "read" || riders == nullptr || !riders->is_array()) {
        return false;
    }
    Floor all;
    for (const auto& rider : riders->get_array()) {
        const auto bytes =
            rider.is_string() ? base64_decode(json::value_to<std::string>(rider)) : std::nullopt;
        const auto floor = decode_floor(bytes.value_or(""));
        if (!floor) {
            // What it says is unknown, so nothing may be concluded from the rest.
            log_.error("floor_on_disk_damaged", "why", floor.error().to_string());
            return true;
        }
        all = merge(all, *floor);
    }
    disk_.read = number_of(message, "number");
    disk_.floor = std::move(all);
    tell();
    return true;
}

void DiskVotes::tell() { feed_(disk_); }

// ---- orders

void DiskVotes::send(std::string line) {
    if (!stream_) {
        return;
    }
    waiting_ += line + '\n';
    if (!std::exchange(writing_, true)) {
        io::spawn(io_, write());
    }
}

awaitable<void> DiskVotes::write() {
    while (!waiting_.empty() && stream_) {
        const auto bytes = std::exchange(waiting_, {});
        auto written = co_await stream_->write(bytes, io::after(kPatience));
        if (!written) {
            stream_->close();
            break;
        }
    }
    writing_ = false;
}

void DiskVotes::read(ReadDisk request) {
    wanted_read_ = request.number;
    send(fmt::format(R"({{"type":"read","number":{}}})", request.number));
}

awaitable<bool> DiskVotes::write_floor(Floor floor) {
    if (!stream_) {
        co_return false;
    }
    ++floor_number_;
    floor_answered_ = floor_held_ = false;
    answered_.reset();
    send(fmt::format(R"({{"type":"rider","number":{},"rider":"{}"}})", floor_number_,
                     base64_encode(encode(floor))));
    auto answered = co_await answered_.wait(io::after(kFloorTime));
    co_return answered&& floor_answered_&& floor_held_;
}

}  // namespace quorate::cluster
