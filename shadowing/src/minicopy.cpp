#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// What is to be copied to a member that came back: every region that may have changed since it
// left. All slots of a source's write-intent log say so together: what was under way when it left,
// or is now, stands there as hot; what was left out since, in the slot's change map.
namespace quorate::shadowing {

void Set::Impl::read_changes() {
    if (changes.waiting > 0 || changes.again_at > moment.now) {
        return;
    }
    const auto sources = current(true, false);
    const auto from = std::ranges::find_if(
        sources, [&](const Current& source) { return !devices[source.device].suspect; });
    if (from == sources.end()) {
        return;
    }
    changes.failed = false;
    changes.regions.clear();
    changes.waiting = now_current.layout.openers;
    for (std::uint16_t slot = 0; slot < now_current.layout.openers; ++slot) {
        ask(from->device, Purpose::kChanges, changes.round << 16 | slot,
            ReadIntent{{}, from->device, OpenerSlot(slot)});
    }
}

void Set::Impl::changes_read(const Op& op, const IntentRead& input) {
    if (op.owner >> 16 != changes.round || changes.waiting == 0) {
        return;  // of a copy that is not under way any more
    }
    if (input.outcome != Outcome::kOk || !is_current(op)) {
        changes.failed = true;
        if (input.outcome == Outcome::kFailed && is_current(op)) {
            suspect(op.device, "its write-intent log cannot be read");
        }
    } else {
        const OpenerSlot slot(static_cast<std::uint16_t>(op.owner));
        const auto block = choose_intent(input.blocks, options.set, slot);
        changes.all |= !block;
        if (block && *block) {
            auto of_slot = changed_regions(**block, now_current.changes_since);
            if (mutated("minicopy_hot_only")) {
                of_slot = {(*block)->regions.begin(), (*block)->regions.end()};
            } else if (mutated("minicopy_map_only")) {
                for (const auto region : (*block)->regions) {
                    of_slot.erase(region);
                }
            }
            changes.regions.merge(of_slot);
        }
    }
    if (--changes.waiting > 0) {
        return;
    }
    if (changes.failed) {
        changes.again_at = moment.now + options.retry_after;
        wake_at(changes.again_at);
        return;
    }
    changes.known = true;
    note(fmt::format("a minicopy begins: {} regions", changes.regions.size()));
}

}  // namespace quorate::shadowing
