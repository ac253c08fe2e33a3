#include "shadowing/io/member_meta.hpp"

#include <utility>

#include "base/assert.hpp"

namespace quorate::shadowing {
namespace {

// Shared by the operations that fill it.
struct Copies {
    explicit Copies(std::size_t octets)
        : buffers{io::AlignedBuffer(octets), io::AlignedBuffer(octets)} {}

    std::array<io::AlignedBuffer, 2> buffers;
    std::size_t left = 2;
    bool failed = false;

    std::array<std::string, 2> texts() const {
        return {std::string(buffers[0].text()), std::string(buffers[1].text())};
    }
};

// Two blocks, at the same time.
void read_two(Member& member, const std::array<std::uint64_t, 2>& offsets, std::size_t octets,
              const std::function<void(const Copies&)>& done) {
    auto copies = std::make_shared<Copies>(octets);
    for (std::size_t i = 0; i < 2; ++i) {
        member.read(offsets[i], copies->buffers[i].span(), [copies, done](Outcome outcome) {
            copies->failed |= outcome != Outcome::kOk;
            if (--copies->left == 0) {
                done(*copies);
            }
        });
    }
}

void write_block(Member& member, std::uint64_t offset, const std::string& block,
                 Member::Done done) {
    auto buffer = std::make_shared<io::AlignedBuffer>(block);  // of the write's end
    member.write(offset, buffer->span(), /*fua=*/true,
                 [buffer, done = std::move(done)](Outcome outcome) { done(outcome); });
}

}  // namespace

void read_label(Member& member, LabelDone done) {
    read_two(member, {0, second_copy_offset(member.octets())}, kMetaBlock,
             [done = std::move(done)](const Copies& copies) {
                 if (copies.failed) {
                     done(fail_errno(EIO, "the label cannot be read"));
                 } else {
                     done(choose_label(copies.texts()));
                 }
             });
}

void write_label(Member& member, const Label& label, Member::Done done) {
    read_label(member, [&member, label, done = std::move(done)](const Result<FoundLabel>& found) {
        const std::uint16_t first = found ? static_cast<std::uint16_t>(1 - found->newest) : 0;
        const auto second = static_cast<std::uint16_t>(1 - first);
        const auto offset = [&member](std::uint16_t copy) {
            return copy == 0 ? 0 : second_copy_offset(member.octets());
        };
        write_block(member, offset(first), encode(label, first),
                    [&member, label, second, at = offset(second), done](Outcome outcome) {
                        if (outcome == Outcome::kOk) {
                            write_block(member, at, encode(label, second), done);
                        } else {
                            done(outcome);
                        }
                    });
    });
}

void read_intent(Member& member, const Layout& layout, OpenerSlot slot, IntentDone done) {
    const auto at = slot_offset(layout, slot);
    read_two(member, {at, at + kIntentOctets}, kIntentOctets,
             [done = std::move(done)](const Copies& copies) {
                 done(copies.failed ? Outcome::kFailed : Outcome::kOk, copies.texts());
             });
}

void write_intent(Member& member, const Layout& layout, const IntentBlock& block,
                  Member::Done done) {
    write_block(member, slot_offset(layout, block.slot) + intent_offset(block.sequence),
                encode(block), std::move(done));
}

void clear_log(Member& member, const Layout& layout, Member::Done done) {
    QUORATE_ASSERT(layout.slot_octets % kMetaBlock == 0);
    member.zero(layout.log_offset, std::uint64_t{layout.openers} * layout.slot_octets,
                /*fua=*/true, std::move(done));
}

}  // namespace quorate::shadowing
