#pragma once

#include <functional>

#include "shadowing/io/member.hpp"
#include "shadowing/label.hpp"

// Label and write-intent log of a member, where docs/formats/shadow-label.md says they are. The
// member must outlive what is asked for; rules of Member otherwise.
namespace quorate::shadowing {

using LabelDone = std::function<void(Result<FoundLabel>)>;
// Errors: those of choose_label(); std::errc::io_error, it cannot be read.
void read_label(Member& member, LabelDone done);
// Both copies, the older first, each durable before the next.
void write_label(Member& member, const Label& label, Member::Done done);

using IntentDone = std::function<void(Outcome, std::array<std::string, kIntentBlocks> blocks)>;
void read_intent(Member& member, const Layout& layout, OpenerSlot slot, IntentDone done);
void write_intent(Member& member, const Layout& layout, const IntentBlock& block,
                  Member::Done done);
// All slots.
void clear_log(Member& member, const Layout& layout, Member::Done done);

}  // namespace quorate::shadowing
