#include "lock_shell.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "base/bytes.hpp"
#include "cluster/errc.hpp"
#include "cluster/lease_page.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::uint8_t kWhole = 0;
constexpr std::uint8_t kBegin = 1;
constexpr std::uint8_t kMore = 2;
constexpr std::uint8_t kEnd = 3;
constexpr std::size_t kPacketLength = 4;
constexpr std::size_t kPartsMax = 8 << 20;
constexpr milliseconds kLookAgain{1000};

}  // namespace

LockShell::LockShell(boost::asio::io_context& io, Messages& messages,
                     lockmgr::LockManagerOptions options, std::size_t trace_bytes)
    : io_(io),
      messages_(messages),
      self_(options.self),
      trace_(options, trace_bytes),
      manager_(std::move(options)),
      relieved_(io),
      drained_(io),
      timer_(io) {
    Consumer consumer;
    consumer.message = [this](MemberId from, Epoch, std::string_view payload) {
        on_message(from, payload);
    };
    consumer.event = [this](const Event& event) { on_event(event); };
    consumer.back_pressure = [this](MemberId to, bool on) { on_back_pressure(to, on); };
    messages_.add(kLockChannel, std::move(consumer));
}

void LockShell::start(Limbs limbs) {
    limbs_ = std::move(limbs);
    set_lease(BootTime());  // there is none yet
}

void LockShell::set_lease(BootTime until) {
    const auto when =
        until == kLeaseForEver ? MonoTime::max() : std::chrono::floor<milliseconds>(until);
    feed(io::boot_now(), lockmgr::LeaseKnown{when});
    flush();
}

void LockShell::feed(MonoTime now, const lockmgr::LockInput& input) {
    ++steps_;
    const auto before = outputs_.size();
    manager_.step(now, input, outputs_);
    trace_.record(now, input, std::span(outputs_).subspan(before));
    if (std::exchange(carrying_, true)) {
        return;  // carried out by who carries already, in order
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        auto output = std::move(outputs_[i]);
        carry(now, output);
    }
    outputs_.clear();
    carrying_ = false;
}

void LockShell::flush() {
    // The members first: theirs is the longer way.
    for (const auto to : std::exchange(to_send_, {})) {
        auto& outbox = outboxes_[to];
        outbox.listed = false;
        send_queued(to, outbox);
    }
    limbs_.flush_clients();
    arm_timer();
}

void LockShell::carry(MonoTime now, lockmgr::LockOutput& output) {
    if (auto* send = std::get_if<lockmgr::Send>(&output)) {
        queue(send->to, std::move(send->bytes));
    } else if (std::holds_alternative<lockmgr::Drained>(output)) {
        on_drained();
    } else if (const auto* note = std::get_if<lockmgr::Note>(&output)) {
        if (note->level == LogLevel::kError) {
            log_.error(note->event, "text", note->text);
        } else if (note->level == LogLevel::kWarn) {
            log_.warn(note->event, "text", note->text);
        } else {
            log_.info(note->event, "text", note->text);
        }
    } else {
        limbs_.tell_client(now, output);
    }
}

// ---- the cluster

void LockShell::on_event(const Event& event) {
    const auto now = io::boot_now();
    if (const auto* committed = std::get_if<ViewCommitted>(&event)) {
        // What was under way is void; the lock manager repeats what it still needs.
        for (auto& [to, outbox] : outboxes_) {
            outbox.packets.clear();
        }
        parts_.clear();
        waiting_bytes_ = 0;
        relieved_.set();
        view_ = committed->view;
    }
    std::visit([&](const auto& one) { feed(now, one); }, event);
    const auto* self = view_.find(self_);
    if (std::holds_alternative<ViewCommitted>(event) && self != nullptr) {
        feed(now, lockmgr::Drain{self->draining});
    }
    flush();
}

void LockShell::on_message(MemberId from, std::string_view payload) {
    ByteReader in(payload);
    const auto kind = in.u8();
    const auto now = io::boot_now();
    while (kind == kWhole && !in.at_end()) {
        const auto packet = in.raw(in.u32());
        if (!in.failed()) {
            feed(now, lockmgr::Received{from.node, packet});
        }
    }
    if (kind != kWhole && kind <= kEnd) {
        on_part(now, from.node, kind, payload.substr(1));
    }
    if (kind > kEnd || in.failed()) {
        log_.error("lock_packet_refused", "node", from.node.value(), "why", "no known form");
    }
    flush();
}

void LockShell::on_part(MonoTime now, NodeId from, std::uint8_t kind, std::string_view part) {
    auto& parts = parts_[from];
    if (kind == kBegin) {
        parts.clear();
    }
    parts += part;
    if (parts.size() > kPartsMax) {
        log_.error("lock_packet_refused", "node", from.value(), "why", "it has no end");
        parts.clear();
    }
    if (kind == kEnd) {
        const auto packet = std::exchange(parts, {});
        feed(now, lockmgr::Received{from, packet});
    }
}

// ---- to the members

void LockShell::queue(NodeId to, std::string packet) {
    auto& outbox = outboxes_[to];
    waiting_bytes_ += packet.size();
    outbox.packets.push_back(std::move(packet));
    if (!outbox.blocked && !std::exchange(outbox.listed, true)) {
        to_send_.push_back(to);
    }
}

void LockShell::send_queued(NodeId to, Outbox& outbox) {
    const auto* member = view_.find(to);
    auto packets = std::exchange(outbox.packets, {});
    std::size_t sent = 0;
    while (member != nullptr && sent < packets.size() && !outbox.blocked) {
        auto end = sent;
        if (packets[sent].size() + kPacketLength + 1 > kMaxMessage) {
            if (!send_long(*member, packets[sent])) {
                outbox.blocked = true;
                break;
            }
            ++sent;
            continue;
        }
        std::string message(1, static_cast<char>(kWhole));
        while (end < packets.size() &&
               message.size() + kPacketLength + packets[end].size() <= kMaxMessage) {
            ByteWriter out(message);
            out.u32(static_cast<std::uint32_t>(packets[end].size()));
            out.raw(packets[end++]);
        }
        if (!send(*member, message)) {
            outbox.blocked = true;
            break;
        }
        sent = end;
    }
    if (member == nullptr) {
        sent = packets.size();  // it has left
    }
    for (std::size_t i = 0; i < sent; ++i) {
        waiting_bytes_ -= packets[i].size();
    }
    outbox.packets.assign(std::move_iterator(packets.begin() + static_cast<std::ptrdiff_t>(sent)),
                          std::move_iterator(packets.end()));
    if (!congested()) {
        relieved_.set();
    }
}

// False: its queue is full; back-pressure will end.
bool LockShell::send(const Member& member, std::string_view payload) {
    const auto sent = messages_.send(member.id, kLockChannel, payload);
    if (!sent && sent.error().code != errc::refused) {
        log_.error("lock_message_lost", "node", member.name, "why", sent.error().to_string());
        return true;
    }
    return sent.has_value();
}

// When it is refused in the middle it is sent again from its beginning.
bool LockShell::send_long(const Member& member, std::string_view packet) {
    constexpr std::size_t kPiece = kMaxMessage - 1;
    auto kind = kBegin;
    while (packet.size() > kPiece) {
        if (!send(member, static_cast<char>(kind) + std::string(packet.substr(0, kPiece)))) {
            return false;
        }
        packet.remove_prefix(kPiece);
        kind = kMore;
    }
    return send(member, static_cast<char>(kEnd) + std::string(packet));
}

void LockShell::on_back_pressure(MemberId to, bool on) {
    auto& outbox = outboxes_[to.node];
    outbox.blocked = on;
    if (!on && !outbox.packets.empty()) {
        send_queued(to.node, outbox);
    }
}

awaitable<void> LockShell::relieved() {
    relieved_.reset();
    // Not for ever: a client that has gone meanwhile must be noticed.
    auto woken = co_await relieved_.wait(io::after(kLookAgain));
    static_cast<void>(woken);
}

// ---- time, and the end

void LockShell::arm_timer() {
    const auto deadline = manager_.deadline();
    if (!deadline || (armed_until_ && *armed_until_ <= *deadline)) {
        return;
    }
    armed_until_ = deadline;
    timer_.expires_after(std::max(*deadline - io::boot_now(), milliseconds(0)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        armed_until_.reset();
        const auto now = io::boot_now();
        const auto due = manager_.deadline();
        if (due && *due <= now) {
            feed(now, lockmgr::Tick{});
        }
        flush();
    });
}

void LockShell::on_drained() {
    log_.info("locks_drained");
    drained_.set();
}

awaitable<void> LockShell::drain(milliseconds limit) {
    drained_.reset();
    feed(io::boot_now(), lockmgr::Drain{});
    flush();
    auto done = co_await drained_.wait(io::after(limit));
    if (!done) {
        log_.warn("locks_not_drained", "trees", manager_.counts().trees_mastered);
    }
}

}  // namespace quorate::cluster
