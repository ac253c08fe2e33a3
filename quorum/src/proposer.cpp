#include "proposer.hpp"

#include <algorithm>

#include "mutation.hpp"

namespace quorate::quorum {

void Proposer::replace_damaged(Epoch at_least) {
    page_.epoch = at_least;
    page_.entered = page_.accepted = 0;
    page_.committed = Epoch();
    changed_ = true;
}

void Proposer::write_again() {
    changed_ = true;
    on_disk_.reset();
}

void Proposer::begin(Epoch epoch, Award award) {
    page_.epoch = epoch;
    page_.entered = page_.accepted = 0;
    page_.award = {};
    wanted_ = award;
    if (mutated("undecided")) {
        page_.committed = epoch;
        page_.committed_award = award;
    }
    enter(0);
}

// The next ballot of this node's above that one.
void Proposer::enter(std::uint64_t above) {
    page_.entered = (above / kMaxNodes + 1) * kMaxNodes + page_.node.value() - 1;
    stage_ = Stage::kEntering;
    changed_ = true;
    on_disk_.reset();
}

void Proposer::completed(BootTime now) {
    if (!changed_ && busy() && !on_disk_) {
        on_disk_ = now;
    }
}

Proposer::Outcome Proposer::look(const Slots& slots, NodeSet nodes, BootTime begun) {
    if (!busy() || !on_disk_ || begun < *on_disk_) {
        return Outcome::kNone;
    }
    const auto& own = slots.of(page_.node).ballot;
    if (own.known != Known::kSound || own.page.sequence < page_.sequence) {
        return Outcome::kNone;  // it did not arrive
    }
    if (stage_ == Stage::kCommitting) {
        stage_ = Stage::kIdle;
        return Outcome::kCommitted;
    }
    std::uint64_t greatest = 0;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (!nodes.has(NodeId(n)) || NodeId(n) == page_.node) {
            continue;
        }
        const auto& other = slots.of(NodeId(n)).ballot;
        if (other.known == Known::kUnknown) {
            return Outcome::kNone;  // the next reading may show it
        }
        const bool same = other.page.epoch == page_.epoch;
        if (other.page.epoch > page_.epoch || (same && other.page.accepted > 0)) {
            stage_ = Stage::kIdle;
            return Outcome::kLost;
        }
        greatest = std::max(greatest, same ? other.page.entered : 0);
    }
    if (greatest > page_.entered) {
        enter(greatest);
        return Outcome::kNone;
    }
    if (stage_ == Stage::kEntering) {
        page_.accepted = page_.entered;
        page_.award = wanted_;
        stage_ = Stage::kAccepting;
    } else {
        page_.committed = page_.epoch;
        page_.committed_award = wanted_;
        stage_ = Stage::kCommitting;
    }
    changed_ = true;
    on_disk_.reset();
    return Outcome::kNone;
}

}  // namespace quorate::quorum
