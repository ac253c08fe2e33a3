#include "replay.hpp"

#include <fmt/core.h>

#include "lockmgr/trace.hpp"
#include "message_text.hpp"

namespace quorate::lockmgr::simulator {
namespace {

std::string text_of(const LockInput& input) {
    if (const auto* asked = std::get_if<Enqueue>(&input)) {
        return fmt::format("client {} asks {}:{} for {}", asked->client.value(), asked->domain,
                           asked->name, name_of(asked->mode));
    }
    if (const auto* asked = std::get_if<Convert>(&input)) {
        return fmt::format("client {} converts {:x} to {}", asked->client.value(),
                           asked->lock.value(), name_of(asked->mode));
    }
    if (const auto* asked = std::get_if<Dequeue>(&input)) {
        return fmt::format("client {} releases {:x}", asked->client.value(), asked->lock.value());
    }
    if (const auto* heard = std::get_if<Received>(&input)) {
        return fmt::format("from n{}: {}", heard->from.value(), text_of_packet(heard->bytes));
    }
    if (const auto* committed = std::get_if<cluster::ViewCommitted>(&input)) {
        return fmt::format("view of epoch {}", committed->view.epoch.value());
    }
    return fmt::format("input of kind {}", input.index());
}

void tell_outputs(const std::vector<LockOutput>& outputs) {
    for (const auto& output : outputs) {
        if (const auto* done = std::get_if<Completion>(&output)) {
            fmt::print("    client {} {:x} {} {}\n", done->client.value(), done->lock.value(),
                       name_of(done->status), name_of(done->mode));
        } else if (const auto* send = std::get_if<Send>(&output)) {
            fmt::print("    to n{}: {}\n", send->to.value(), text_of_packet(send->bytes));
        }
    }
}

}  // namespace

std::string replay(std::string_view bytes, bool tell) {
    const auto trace = read_trace(bytes);
    if (!trace) {
        return trace.error().to_string();
    }
    LockManager manager(trace->options);
    std::vector<LockOutput> outputs;
    for (std::size_t i = 0; i < trace->entries.size(); ++i) {
        const auto& entry = trace->entries[i];
        outputs.clear();
        manager.step(entry.when, entry.input, outputs);
        if (tell) {
            fmt::print("{} {}\n", entry.when.time_since_epoch().count(), text_of(entry.input));
            tell_outputs(outputs);
        }
        if (trace->dropped == 0 && digest_of(outputs) != entry.digest) {
            return fmt::format("input {} ({}) led to something else", i + 1, text_of(entry.input));
        }
    }
    return {};
}

}  // namespace quorate::lockmgr::simulator
