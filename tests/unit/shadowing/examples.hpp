#pragma once

#include "shadowing/intent_block.hpp"
#include "shadowing/label.hpp"

// The blocks that docs/formats shows.
namespace quorate::shadowing::testing {

inline Label example_label() {
    Label label;
    label.sequence = 5;
    label.member = {0, 0xd1};
    label.set = {0, 0x5e};
    label.lineage = {0, 0x11};
    label.generation = {3, 0xc3};
    label.mounted_epoch = 7;
    label.set_blocks = 4096;
    label.unit = "DSA1";
    label.layout = {.openers = 2,
                    .slot_octets = 4 * kMetaBlock,
                    .log_offset = kMetaBlock,
                    .data_offset = 1 << 20,
                    .member_blocks = 8192};
    label.members = {{{0, 0xd1}, Role::kFull, 1, 0, 0xe1},
                     {{0, 0xd2}, Role::kExpelled, 2, 0, 0xe2},
                     {{0, 0xd3}, Role::kCopy, 3, 1024, 0xe3}};
    label.forks = {{{0, 0x10}, 9}};
    return label;
}

inline IntentBlock example_intent() {
    return {.set = {0, 0x5e},
            .slot = OpenerSlot(1),
            .sequence = 6,
            .opener = {cluster::NodeId(2), cluster::Incarnation(0xa2)},
            .epoch = 7,
            .region_shift = 10,
            .regions = {0, 3},
            .changes_since = 0,
            .changed_shift = 0,
            .changed = {}};
}

}  // namespace quorate::shadowing::testing
