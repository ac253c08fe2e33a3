#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "shadowing/set.hpp"

namespace quorate::shadowing::testing {

// A set of two or three disks and one opener, whose every effect a test may hold back, fail or look
// at; what nobody cares for succeeds at once.
class SetWorld {
public:
    static constexpr std::uint64_t kBlocks = 64;

    explicit SetWorld(std::vector<Role> roles, SetOptions options = {}) {
        Label label;
        label.sequence = 1;
        label.set = kSet;
        label.lineage = {0, 0x11};
        label.generation = {1, 1};
        label.set_blocks = kBlocks;
        label.unit = "DSA1";
        label.layout = {.region_shift = 3,
                        .openers = 2,
                        .slot_octets = kIntentBlocks * kIntentOctets,
                        .log_offset = kMetaBlock,
                        .data_offset = 1 << 20,
                        .member_blocks = kBlocks};
        for (std::size_t i = 0; i < roles.size(); ++i) {
            label.members.push_back({{0, 0xd1 + i}, roles[i], 1, 0, 1});
            if (options.devices.size() == i) {
                options.devices.push_back({"d" + std::to_string(i), 1});
            }
        }
        for (std::size_t i = 0; i < roles.size(); ++i) {
            label.member = {0, 0xd1 + i};
            labels_.push_back(label);
        }
        witness_ = {.known = true, .word = WitnessWord{label.lineage, label.generation}};
        options.set = kSet;
        options.opener = {cluster::NodeId(1), cluster::Incarnation(7)};
        set_.emplace(std::move(options));
    }

    // Nobody remembers generations.
    void forget_witness() { witness_ = {}; }
    // Somebody else holds these locks.
    std::set<LockName> taken;
    std::set<LockName> queued;  // whoever asks for these waits
    static cluster::MemberId other(std::uint64_t incarnation) {
        return {cluster::NodeId(2), cluster::Incarnation(incarnation)};
    }
    // What an opener of this slot left in the write-intent log.
    void leave(OpenerSlot slot, cluster::MemberId opener, std::uint64_t sequence,
               std::vector<std::uint32_t> regions) {
        IntentBlock block{kSet, slot, sequence, opener, 1, 3, std::move(regions)};
        for (DeviceIndex device = 0; device < labels_.size(); ++device) {
            log_[{device, slot}][block.sequence % kIntentBlocks] = encode(block);
        }
    }
    const Label& label(DeviceIndex device) const { return labels_[device]; }
    std::uint64_t blocks() const { return set_->status().blocks; }
    SetStatus status() const { return set_->status(); }

    void mount() {
        feed(Start{});
        ASSERT_TRUE(mounted);
    }

    // What became of an output: nothing, it is held back.
    using Rule = std::function<std::optional<Outcome>(const SetOutput&)>;
    void rule(Rule rule) { rule_ = std::move(rule); }

    void feed(SetInput input) {
        inbox_.push_back(std::move(input));
        while (!inbox_.empty()) {
            const auto next = std::move(inbox_.front());
            inbox_.pop_front();
            for (auto& output : set_->step({now, lease}, next)) {
                done.push_back(output);
                std::visit([&](const auto& one) { perform(one); }, output);
            }
        }
    }
    void pass(std::chrono::milliseconds time) {
        now += time;
        feed(Tick{});
    }
    void read(std::uint64_t id, Extent extent) {
        feed(Submit{RequestId(id), RequestKind::kRead, extent, false});
    }
    void write(std::uint64_t id, Extent extent) {
        feed(Submit{RequestId(id), RequestKind::kWrite, extent, false});
    }
    void flush(std::uint64_t id) { feed(Submit{RequestId(id), RequestKind::kFlush, {}, false}); }
    // Ends what was held back, oldest first.
    template <class Output>
    void end_held(Outcome outcome) {
        for (auto it = held.begin(); it != held.end(); ++it) {
            if (const auto* one = std::get_if<Output>(&*it)) {
                const auto op = one->op;
                held.erase(it);
                feed(Done{op, outcome});
                return;
            }
        }
        FAIL() << "nothing of that kind is held back";
    }

    // Places in `done`: how often, and the first (or -1).
    template <class Output, class Where>
    int first(Where where) const {
        for (std::size_t i = 0; i < done.size(); ++i) {
            const auto* one = std::get_if<Output>(&done[i]);
            if (one != nullptr && where(*one)) {
                return static_cast<int>(i);
            }
        }
        return -1;
    }
    template <class Output>
    int first() const {
        return first<Output>([](const Output&) { return true; });
    }
    template <class Output>
    std::size_t count() const {
        std::size_t all = 0;
        for (const auto& one : done) {
            all += std::holds_alternative<Output>(one) ? 1 : 0;
        }
        return all;
    }
    std::optional<ReplyStatus> reply(std::uint64_t id) const {
        for (const auto& one : done) {
            const auto* answer = std::get_if<Reply>(&one);
            if (answer != nullptr && answer->request == RequestId(id)) {
                return answer->status;
            }
        }
        return std::nullopt;
    }
    Role role(DeviceIndex device) const { return set_->status().members[device].role; }

    BootTime now{std::chrono::seconds(1)};
    Lease lease{Lease::State::kRunning, 1, BootTime::max()};
    bool mounted = false;
    std::uint64_t room = kBlocks;
    std::vector<SetOutput> done;  // every output, in order
    std::vector<SetOutput> held;

private:
    static constexpr Id128 kSet{0, 0x5e};

    template <class Output>
    void perform(const Output& output) {
        if constexpr (requires { output.op; }) {
            const auto outcome = rule_ ? rule_(SetOutput(output)) : Outcome::kOk;
            if (!outcome) {
                held.emplace_back(output);
            } else if (*outcome != Outcome::kOk) {
                inbox_.emplace_back(Done{output.op, *outcome});
            } else {
                succeed(output);
            }
        }
    }
    void perform(const Lock& output) {
        if (output.value) {
            value_ = *output.value;
            value_state_ = ValueState::kValid;
        }
        if (output.no_wait && taken.contains(output.lock)) {
            inbox_.emplace_back(LockDenied{output.lock});
        } else if (output.hold != Hold::kNone && !queued.contains(output.lock)) {
            inbox_.emplace_back(Locked{output.lock, output.hold, value_state_, value_});
        }
    }
    void perform(const CloseDevice& output) { inbox_.emplace_back(DeviceClosed{output.device}); }
    void perform(const Mounted&) { mounted = true; }

    template <class Output>
    void succeed(const Output& output) {
        inbox_.emplace_back(Done{output.op, Outcome::kOk});
    }
    void succeed(const ReadLabel& output) {
        inbox_.emplace_back(LabelRead{output.op, labels_[output.device], 1, {}, room});
    }
    void succeed(const WriteLabel& output) {
        labels_[output.device] = output.label;
        inbox_.emplace_back(Done{output.op, Outcome::kOk});
    }
    void succeed(const ReadIntent& output) {
        auto blocks = log_[{output.device, output.slot}];
        for (auto& block : blocks) {
            block.resize(kIntentOctets, '\0');
        }
        inbox_.emplace_back(IntentRead{output.op, Outcome::kOk, std::move(blocks)});
    }
    void succeed(const WriteIntent& output) {
        log_[{output.device, output.block.slot}][output.block.sequence % kIntentBlocks] =
            encode(output.block);
        inbox_.emplace_back(Done{output.op, Outcome::kOk});
    }
    void succeed(const ReadWitness& output) {
        inbox_.emplace_back(WitnessRead{output.op, witness_});
    }
    void succeed(const WriteWitness& output) {
        witness_.word = output.word;
        inbox_.emplace_back(Done{output.op, Outcome::kOk});
    }

    std::optional<Set> set_;
    std::deque<SetInput> inbox_;
    Rule rule_;
    std::vector<Label> labels_;
    std::map<std::pair<DeviceIndex, OpenerSlot>, std::array<std::string, kIntentBlocks>> log_;
    Witness witness_;
    ValueState value_state_ = ValueState::kFresh;
    WitnessWord value_;
};

}  // namespace quorate::shadowing::testing
