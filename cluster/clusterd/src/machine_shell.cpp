#include "machine_shell.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cluster/errc.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kAnnounceTime{5000};

}  // namespace

MachineShell::MachineShell(boost::asio::io_context& io, MachineOptions options)
    : io_(io),
      self_(options.membership.self.id),
      draining_(options.membership.self.draining),
      machine_(std::move(options)),
      timer_(io),
      changed_(io) {}

void MachineShell::start(Limbs limbs, std::optional<Floor> floor) {
    limbs_ = std::move(limbs);
    feed(FloorLoaded{std::move(floor)});
    limbs_.fencers->start([this](const MachineInput& input) { feed(input); });
}

void MachineShell::feed(const MachineInput& input) {
    carry(machine_.step(io::exact_boot_now(), input));
}

Status MachineShell::send(MemberId to, Channel channel, std::string_view payload) {
    auto outputs = machine_.send(io::exact_boot_now(), to, channel, payload);
    if (!outputs) {
        return tl::unexpected<Error>(std::move(outputs).error());
    }
    carry(std::move(*outputs));
    return {};
}

void MachineShell::stop() {
    carry(machine_.stop(io::exact_boot_now()));
    timer_.cancel();
}

void MachineShell::carry(MachineOutputs outputs) {
    if (std::exchange(carrying_, true)) {
        std::ranges::move(outputs, std::back_inserter(waiting_));
        return;
    }
    for (auto& output : outputs) {
        std::visit([this](auto& one) { carry_out(one); }, output);
    }
    while (!waiting_.empty()) {
        auto output = std::move(waiting_.front());
        waiting_.pop_front();
        std::visit([this](auto& one) { carry_out(one); }, output);
    }
    carrying_ = false;
    arm_timer();
}

// Moved only towards an earlier time: most deadlines are put off before they come.
void MachineShell::arm_timer() {
    const auto deadline = machine_.deadline();
    if (!deadline || (armed_until_ && *armed_until_ <= *deadline)) {
        return;
    }
    armed_until_ = deadline;
    timer_.expires_after(std::max(*deadline - io::exact_boot_now(), std::chrono::microseconds(0)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        armed_until_.reset();
        const auto due = machine_.deadline();
        if (due && *due <= io::exact_boot_now()) {
            feed(Tick{});
        }
        arm_timer();
    });
}

MachineStatus MachineShell::status() const { return machine_.status(io::exact_boot_now()); }

// ---- outputs

void MachineShell::carry_out(Multicast& multicast) {
    if (limbs_.group != nullptr) {
        limbs_.group->multicast(std::move(multicast.bytes));
    }
}

void MachineShell::carry_out(WriteFloor& write) {
    const bool on_disk = write.on_disk && limbs_.disk != nullptr;
    auto floor = write.floor;
    limbs_.floor->write(std::move(write),
                        [this, on_disk, floor = std::move(floor)](FloorWritten written) {
                            if (on_disk) {
                                io::spawn(io_, write_on_disk(floor));
                            } else {
                                feed(written);
                            }
                        });
}

// Here first: the disk must not know more than this node.
awaitable<void> MachineShell::write_on_disk(Floor floor) {
    const auto epoch = floor.epoch;
    const bool held = co_await limbs_.disk->write_floor(std::move(floor));
    feed(FloorWritten{epoch, held});
}

void MachineShell::carry_out(ViewCommitted& committed) {
    limbs_.chronicle->note(committed);
    limbs_.fencers->tell(committed);
    limbs_.messages->tell(std::move(committed));
    changed_.set();
    changed_.reset();
}

void MachineShell::carry_out(QuorumLost& lost) {
    limbs_.chronicle->note(lost);
    limbs_.messages->tell(lost);
}

void MachineShell::carry_out(TakeoverAllowed& allowed) {
    limbs_.chronicle->note(allowed);
    limbs_.fencers->tell(allowed);
    limbs_.messages->tell(allowed);
}

void MachineShell::carry_out(Expelled& expelled) {
    limbs_.chronicle->note(expelled);
    limbs_.messages->tell(expelled);
    limbs_.expelled();
}

// ---- what the operator wants

awaitable<Status> MachineShell::set_draining(bool draining) {
    auto kept = co_await limbs_.floor->write_draining(draining);
    if (!kept) {
        co_return kept;
    }
    if (std::exchange(draining_, draining) != draining) {
        limbs_.chronicle->note_draining(draining);
    }
    feed(SetDraining{draining});
    const auto until = io::after(kAnnounceTime);
    for (;;) {
        const auto* now = view();
        const auto* member = now == nullptr ? nullptr : now->find(self_);
        if (member == nullptr || member->draining == draining) {
            co_return Status();
        }
        auto woken = co_await changed_.wait(until);
        if (!woken) {
            co_return Status();
        }
    }
}

awaitable<Status> MachineShell::raise_level(std::uint16_t level) {
    feed(RaiseLevel{level});
    auto refusal = limbs_.chronicle->take_level_refusal();
    if (!refusal.empty()) {
        co_return fail(errc::refused, std::move(refusal));
    }
    const auto until = io::after(kAnnounceTime);
    while (view() == nullptr || view()->level < level) {
        auto woken = co_await changed_.wait(until);
        if (!woken) {
            co_return fail(errc::refused, "not all members have agreed yet: look again");
        }
    }
    co_return Status();
}

}  // namespace quorate::cluster
