#include "voter_shell.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

#include "io/task.hpp"
#include "io/time.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

// Between the last page and the end: a majority of disks has it, votequorum was told.
constexpr milliseconds kLastWords{500};
constexpr milliseconds kAnswerPatience{10'000};
// Of this shell's own: the others count from 1.
constexpr std::uint64_t kFirstQuestion = std::uint64_t{1} << 63;
constexpr milliseconds kFencePatience{30'000};  // beyond the silence; the machine gives up earlier

}  // namespace

VoterShell::VoterShell(boost::asio::io_context& io, VoterOptions options)
    : io_(io),
      options_(options),
      voter_(std::move(options)),
      timer_(io),
      place_watch_(options_.self, options_.incarnation),
      stopped_(io),
      last_question_(kFirstQuestion) {}

void VoterShell::feed(const VoterInput& input) {
    if (halted_) {
        return;
    }
    look_at_io(input);
    carry(voter_.step(io::exact_boot_now(), input));
}

void VoterShell::look_at_io(const VoterInput& input) {
    if (const auto* read = std::get_if<PagesRead>(&input)) {
        const auto it = reading_.find(read->id);
        if (it != reading_.end() && read->ok) {
            board_.read(io::exact_boot_now(), it->second, read->bytes);
            if (place_watch_.read(it->second, read->bytes) && !std::exchange(evicted_told_, true)) {
                eviction_ = "another voter has this node's place on the disk";
                io::spawn(io_, end_evicted());
            }
        }
        reading_.erase(read->id);
    } else if (const auto* written = std::get_if<PageWritten>(&input)) {
        if (last_words_.erase(written->id) > 0 && written->ok &&
            !std::exchange(evicted_told_, true)) {
            io::spawn(io_, end_evicted());
        }
    }
}

awaitable<void> VoterShell::end_evicted() {
    auto slept = co_await io::sleep_until(io::mono_now() + kLastWords);
    static_cast<void>(slept);
    limbs_.evicted(fenced_, eviction_);
}

void VoterShell::carry(VoterOutputs outputs) {
    std::ranges::move(outputs, std::back_inserter(waiting_));
    if (std::exchange(carrying_, true)) {
        return;
    }
    while (!waiting_.empty() && !halted_) {
        auto output = std::move(waiting_.front());
        waiting_.pop_front();
        std::visit([this](auto& one) { carry_out(one); }, output);
    }
    carrying_ = false;
    arm_timer();
}

// Moved only towards an earlier time: most deadlines are put off before they come.
void VoterShell::arm_timer() {
    const auto deadline = voter_.deadline();
    if (halted_ || (armed_until_ && *armed_until_ <= deadline)) {
        return;
    }
    armed_until_ = deadline;
    timer_.expires_after(std::max(deadline - io::exact_boot_now(), std::chrono::microseconds(0)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || halted_) {
            return;
        }
        armed_until_.reset();
        if (voter_.deadline() <= io::exact_boot_now()) {
            feed(Tick{});
        }
        arm_timer();
    });
}

VoterStatus VoterShell::status() const { return voter_.status(io::exact_boot_now()); }

// ---- outputs

void VoterShell::carry_out(ReadPages& output) {
    reading_[output.id] = output.disk;
    limbs_.disks->read(output);
}

void VoterShell::carry_out(WritePage& output) {
    if (!eviction_.empty() && status().state == VoterState::kEvicted) {
        last_words_[output.id] = true;
    }
    limbs_.disks->write(output);
}

void VoterShell::carry_out(FeedWatchdog& output) {
    if (limbs_.watchdog != nullptr && !limbs_.watchdog->feed(output.before)) {
        log_.error("watchdog_not_fed");
    }
}

void VoterShell::carry_out(FenceDone& output) {
    const auto it = fencing_.find(output.target);
    log_.info("fence_ended", "node", output.target.value(), "done", output.done, "text",
              output.text);
    limbs_.events->add(io::wall_now(), "fence_ended", output.text);
    if (output.done) {
        over_[output.target] = output.incarnation;
    }
    if (it != fencing_.end()) {
        it->second->done = output;
        it->second->ended.set();
        fencing_.erase(it);
    }
}

void VoterShell::carry_out(Stopped&) { stopped_.set(); }

void VoterShell::carry_out(Note& output) {
    switch (output.level) {
        case LogLevel::kDebug:
            log_.debug(output.event, "text", output.text);
            break;
        case LogLevel::kInfo:
            log_.info(output.event, "text", output.text);
            break;
        case LogLevel::kWarn:
            log_.warn(output.event, "text", output.text);
            break;
        case LogLevel::kError:
            log_.error(output.event, "text", output.text);
            break;
    }
    limbs_.events->add(io::wall_now(), output.event, output.text);
    if (output.event == "evicted") {
        eviction_ = output.text;
        fenced_ = output.text.starts_with("by node");
        if (!fenced_ && !std::exchange(evicted_told_, true)) {
            io::spawn(io_, end_evicted());  // it writes nothing any more
        }
    }
}

// ---- what others want

awaitable<bool> VoterShell::stop(io::Deadline deadline) {
    feed(StopVoting{});
    auto stopped = co_await stopped_.wait(deadline);
    co_return stopped.has_value();
}

void VoterShell::halt() {
    halted_ = true;
    timer_.cancel();
}

void VoterShell::answer(std::uint64_t number, const VoterOutput& output) {
    const auto it = questions_.find(number);
    if (it == questions_.end()) {
        limbs_.publish(output);
        return;
    }
    it->second->answer = output;
    it->second->answered.set();
    questions_.erase(it);
}

awaitable<Result<VoterOutput>> VoterShell::ask(std::uint64_t number, VoterInput input) {
    const auto question = std::make_shared<Question>(io_);
    questions_[number] = question;
    feed(input);
    auto answered = co_await question->answered.wait(io::after(kAnswerPatience));
    if (!answered) {
        questions_.erase(number);
        co_return fail(errc::refused, "this node cannot reach the disk");
    }
    co_return std::move(question->answer);
}

awaitable<Result<WitnessWritten>> VoterShell::write_witness(Witness witness) {
    const auto number = ++last_question_;
    const VoterInput change = WitnessChanged{number, witness};
    auto answer = co_await ask(number, change);
    if (!answer) {
        co_return tl::unexpected(answer.error());
    }
    co_return std::get<WitnessWritten>(*answer);
}

awaitable<Result<ReadDone>> VoterShell::read_anew() {
    const auto number = ++last_question_;
    const VoterInput reading = ReadAnew{number};
    auto answer = co_await ask(number, reading);
    if (!answer) {
        co_return tl::unexpected(answer.error());
    }
    co_return std::get<ReadDone>(*answer);
}

awaitable<Result<FenceDone>> VoterShell::fence(NodeId target, std::string reason) {
    auto it = fencing_.find(target);
    std::shared_ptr<Fencing> fencing;
    if (it != fencing_.end()) {
        fencing = it->second;
    } else {
        fencing = std::make_shared<Fencing>(io_);
        fencing_[target] = fencing;
        log_.warn("fence_wanted", "node", target.value(), "reason", reason);
        limbs_.events->add(io::wall_now(), "fence_wanted", reason);
        feed(FenceWanted{target, std::move(reason)});
    }
    auto ended = co_await fencing->ended.wait(io::after(
        std::chrono::duration_cast<milliseconds>(options_.timing.silence) + kFencePatience));
    if (!ended) {
        co_return fail(errc::refused, "this node cannot reach the disk");
    }
    co_return fencing->done;
}

}  // namespace quorate::quorum
