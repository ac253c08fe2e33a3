#include "message_text.hpp"

#include <fmt/core.h>

#include "base/text.hpp"
#include "message.hpp"
#include "store.hpp"

namespace quorate::lockmgr::simulator {
namespace {

std::string number(LockId lock) { return fmt::format("{:x}", lock.value()); }

std::string text(const EnqueueMessage& m) {
    const auto what = m.parent == LockId(0) ? printable_key(m.root)
                                            : fmt::format("{}/{}", number(m.parent), m.name);
    return fmt::format("enqueue n{}:{} {} {}{}", m.origin.value(), number(m.lock), what,
                       name_of(m.mode), m.entry_token != 0 ? " forwarded" : "");
}
std::string text(const ConvertMessage& m) {
    return fmt::format("convert {} {}{}", number(m.lock), name_of(m.mode), m.value ? " value" : "");
}
std::string text(const DequeueMessage& m) {
    return fmt::format("dequeue {}{}", number(m.lock), m.value ? " value" : "");
}
std::string text(const CancelMessage& m) {
    return fmt::format("cancel {} {}", number(m.lock), name_of(m.status));
}
std::string text(const QueuedMessage& m) {
    return fmt::format("queued {} order {}", number(m.lock), m.order);
}
std::string text(const GrantedMessage& m) {
    return fmt::format("granted {} {} token {}{}{}", number(m.lock), name_of(m.mode),
                       text_of(Token(m.token)), m.value ? " value" : "",
                       (m.bits & GrantedMessage::kInvalid) != 0 ? " invalid" : "");
}
std::string text(const RefusedMessage& m) {
    return fmt::format("refused {} {}", number(m.lock), name_of(m.status));
}
std::string text(const BlockingMessage& m) {
    return fmt::format("blocking {} by n{} for {}", number(m.lock), m.node.value(),
                       name_of(m.mode));
}
std::string text(const BounceMessage& m) { return "bounce " + number(m.lock); }
std::string text(const AssignMessage& m) { return "assign " + printable_key(m.root); }
std::string text(const ClaimMessage& m) {
    std::string all = "claim";
    for (const auto& entry : m.entries) {
        all += fmt::format(" {} of n{}", printable_key(entry.root), entry.master.value());
    }
    return all;
}
std::string text(const ClaimedMessage& m) { return "claimed " + printable_key(m.root); }
std::string text(const VacateMessage& m) { return "vacate " + printable_key(m.root); }
std::string text(const TreeImage& tree) {
    auto all = printable_key(tree.root);
    for (const auto& resource : tree.resources) {
        for (const auto& lock : resource.locks) {
            constexpr std::string_view kQueues[] = {"", "granted", "converting", "waiting"};
            all += fmt::format(" n{}:{} {} {}", lock.node.value(), number(lock.lock),
                               kQueues[lock.queue & 3U], name_of(lock.granted));
            if (lock.queue > 1) {
                all += fmt::format("->{}", name_of(lock.requested));
            }
        }
    }
    return all;
}
std::string text(const RebuildMessage& m) {
    std::string all = "rebuild";
    TreeImage tree;
    for (std::size_t i = 0; i < m.trees.count(); ++i) {
        decode_image(m.trees[i], tree);
        all += " [" + text(tree) + "]";
    }
    return all;
}
std::string text(const DoneMessage&) { return "done"; }
std::string text(const MasteredMessage& m) {
    std::string all = "mastered";
    for (const auto& entry : m.entries) {
        all += fmt::format(" {} by n{}", printable_key(entry.root), entry.master.value());
    }
    return all;
}
std::string text(const StopMessage& m) {
    return fmt::format("stop {} for n{}", printable_key(m.root), m.target.value());
}
std::string text(const StoppedMessage& m) { return "stopped " + printable_key(m.root); }
std::string text(const ResumeMessage& m) {
    return fmt::format("resume {}{}", printable_key(m.root),
                       m.lost == NodeId(0) ? "" : fmt::format(" without n{}", m.lost.value()));
}
std::string text(const TransferMessage& m) {
    return fmt::format("transfer [{}]{}", text(m.tree), m.last ? "" : " and more");
}
std::string text(const MovedMessage& m) { return "moved " + printable_key(m.root); }
std::string text(const MoveDoneMessage& m) { return "move-done " + printable_key(m.root); }
std::string text(const LookMessage& m) {
    return fmt::format("look waiters {} blockers {}", m.waiters.size(), m.blockers.size());
}
std::string text(const SeenMessage& m) {
    return fmt::format("seen waits {} stands {}", m.waits.size(), m.stands.size());
}
std::string text(const NudgeMessage&) { return "nudge"; }
std::string text(const PurgeMessage& m) { return fmt::format("purge {}", m.pid); }
std::string text(const Domain& m) {
    return fmt::format("{} of {}:{} {:o}", printable(m.name), m.uid, m.gid, m.mode);
}
std::string text(const DomainUseMessage& m) {
    return fmt::format("uses {}{}{}", text(m.domain), m.version == 0 ? "?" : "",
                       m.defined ? ", defined" : "");
}
std::string text(const DomainLeftMessage& m) { return "leaves " + printable(m.name); }
std::string text(const DomainMessage& m) { return "domain " + text(m.domain); }
std::string text(const DefineMessage& m) {
    return fmt::format("define {}{} by {}", m.fresh ? "new " : "", text(m.domain), m.uid);
}
std::string text(const DefinedMessage& m) { return fmt::format("defined {}", name_of(m.status)); }

}  // namespace

std::string text_of(Token token) {
    return fmt::format("{}.{}", token.value() >> 40, token.value() & 0xff'ffff'ffff);
}

std::string text_of_packet(std::string_view bytes) {
    const auto packet = decode_packet(bytes);
    if (!packet) {
        return "damaged";
    }
    const auto* batch = std::get_if<Batch>(&packet->content);
    if (batch == nullptr) {
        return "begin";
    }
    std::string all;
    for (const auto& item : batch->items) {
        auto message = decode_message(item.body);
        all += all.empty() ? "" : "; ";
        all += message ? std::visit([](const auto& one) { return text(one); }, *message)
                       : std::string("damaged");
    }
    return all;
}

}  // namespace quorate::lockmgr::simulator
