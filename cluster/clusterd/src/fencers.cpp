#include "fencers.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <boost/json/serialize.hpp>

#include "cluster/errc.hpp"
#include "io/durable_file.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

// So long a program that is gone counts as attached at most.
constexpr milliseconds kSilence{1000};
// For the stream of a program that is gone to notice it.
constexpr milliseconds kSecondLook{1000};

std::string line_of(const json::object& object) {
    auto line = json::serialize(object);
    line.push_back('\n');
    return line;
}

}  // namespace

// ---- start and end

Status Fencers::load() {
    QUORATE_TRY(const auto text, io::read_file(path_));
    if (!text) {
        return {};
    }
    auto owners = decode_fencers(*text);
    if (!owners) {
        return fail(owners.error().code,
                    path_ + ": " + owners.error().detail +
                        "; restore it, or, when no lost node can do harm any more, delete it and "
                        "start the fencers' programs again");
    }
    for (const auto& [name, uid] : *owners) {
        desk_.add(name, uid, io::wall_now());
    }
    return {};
}

void Fencers::start(Feed feed) {
    feed_ = std::move(feed);
    for (const auto& [name, fencer] : desk_.fencers()) {
        log_.info("fencer_kept", "fencer", name, "uid", fencer.uid);
        feed_(AddFencer{name});
    }
}

void Fencers::close() {
    closed_ = true;
    notify();
}

// Wakes those who wait now; who comes later looks first.
void Fencers::notify() {
    changed_.set();
    changed_.reset();
}

void Fencers::note(const char* kind, const std::string& name, const std::string& text,
                   json::object more) {
    more["fencer"] = name;
    events_.add(kind, fmt::format("fencer {}: {}", name, text), chronicle_.epoch(),
                std::move(more));
}

// ---- registration

FencerOwners Fencers::owners() const {
    FencerOwners owners;
    for (const auto& [name, fencer] : desk_.fencers()) {
        owners.emplace(name, fencer.uid);
    }
    return owners;
}

// One at a time: each writes what is registered by then.
awaitable<Status> Fencers::lock() {
    while (writing_) {
        auto woken = co_await changed_.wait();
        if (!woken) {
            co_return woken;
        }
    }
    writing_ = true;
    co_return Status();
}

awaitable<Status> Fencers::write(FencerOwners owners) {
    const auto text = encode_fencers(owners);
    auto written = co_await disk_.run([&] { return io::replace_durably(path_, text); });
    writing_ = false;
    if (!written) {
        log_.error("fencers_not_written", "why", written.error().to_string());
    }
    notify();
    co_return written;
}

awaitable<Status> Fencers::add(std::string name, std::uint32_t uid) {
    auto locked = co_await lock();
    if (!locked) {
        co_return locked;
    }
    auto wanted = owners();
    if (!wanted.emplace(name, uid).second || wanted.size() > kMaxOutsideFencers) {
        writing_ = false;
        notify();
        co_return fail(errc::refused, fmt::format("another one came first, or there are {} already",
                                                  kMaxOutsideFencers));
    }
    auto written = co_await write(std::move(wanted));
    if (written) {
        desk_.add(name, uid, io::wall_now());
        log_.info("fencer_registered", "fencer", name, "uid", uid);
        note("fencer_registered", name, "takeovers wait for it from now on", {{"uid", uid}});
        feed_(AddFencer{name});
    }
    co_return written;
}

// The machine forgets it first: when clusterd ends in between, it is waited for again, never the
// other way round.
awaitable<Status> Fencers::remove(std::string name) {
    const auto fencer = *desk_.find(name);
    desk_.remove(name);
    feed_(RemoveFencer{name});
    notify();
    auto locked = co_await lock();
    if (!locked) {
        co_return locked;
    }
    auto written = co_await write(owners());
    if (!written && desk_.find(name) == nullptr) {
        desk_.add(name, fencer.uid, io::wall_now());
        feed_(AddFencer{name});
        co_return written;
    }
    const auto owed = owed_text(fencer, name_of());
    if (owed.empty()) {
        log_.info("fencer_removed", "fencer", name);
    } else {
        log_.warn("fencer_removed", "fencer", name, "unconfirmed", owed);
    }
    note("fencer_removed", name,
         owed.empty() ? "nothing waits for it any more" : "it had not confirmed " + owed);
    co_return written;
}

// ---- what it is asked and what it says

void Fencers::ask(const Fence& fence) {
    if (desk_.ask(fence, io::wall_now())) {
        const auto node = chronicle_.name_of(fence.lost.node);
        const auto incarnation = hexadecimal(fence.lost.incarnation.value());
        log_.info("fencer_asked", "fencer", fence.name, "node", node, "incarnation", incarnation,
                  "epoch", fence.epoch.value());
        note("fencer_asked", fence.name, fmt::format("is to confirm that {} is fenced", node),
             {{"node", node}, {"incarnation", incarnation}});
    }
    notify();
}

void Fencers::tell(const ViewCommitted& committed) { desk_.adopt(committed.view); }

void Fencers::tell(const TakeoverAllowed& allowed) { desk_.taken_over(allowed.lost); }

bool Fencers::confirm(const std::string& name, MemberId lost, std::uint64_t session) {
    if (!desk_.confirm(name, lost)) {
        return false;
    }
    const auto node = chronicle_.name_of(lost.node);
    const auto incarnation = hexadecimal(lost.incarnation.value());
    const char* by = session == 0 ? "operator" : "fencer";
    if (session == 0) {
        log_.warn("fencer_confirmed", "fencer", name, "node", node, "incarnation", incarnation,
                  "by", by);
    } else {
        log_.info("fencer_confirmed", "fencer", name, "node", node, "incarnation", incarnation,
                  "by", by);
    }
    note("fencer_confirmed", name, fmt::format("{} is fenced, says the {}", node, by),
         {{"node", node}, {"incarnation", incarnation}, {"by", by}});
    feed_(FencerConfirmed{name, lost});
    return true;
}

// ---- programs that are attached

awaitable<std::unique_ptr<Fencers::Stream>> Fencers::attach(std::string name,
                                                            std::uint32_t process) {
    const auto taken = [&] {
        const auto* fencer = desk_.find(name);
        return fencer == nullptr || fencer->session != 0;
    };
    const auto until = io::after(kSecondLook);
    for (bool waiting = taken(); waiting && !closed_;) {
        // The stream there is writes something now, and fails if its reader is gone.
        notify();
        auto woken = co_await changed_.wait(until);
        waiting = woken && taken();
        if (!woken) {
            break;
        }
    }
    if (taken() || closed_) {
        co_return nullptr;
    }
    const auto session = std::max<std::uint64_t>(io::random_seed(), 1);
    desk_.attach(name, session, process, io::wall_now());
    log_.info("fencer_attached", "fencer", name, "pid", process);
    note("fencer_attached", name, fmt::format("process {} answers for it", process),
         {{"pid", process}});
    co_return std::make_unique<Stream>(weak_from_this(), std::move(name), session);
}

void Fencers::detach(const std::string& name, std::uint64_t session) {
    if (!desk_.detach(name, session, io::wall_now()) || closed_) {
        return;
    }
    const auto owed = owed_text(*desk_.find(name), name_of());
    if (owed.empty()) {
        log_.info("fencer_absent", "fencer", name);
        note("fencer_absent", name, "its program is gone");
    } else {
        log_.warn("fencer_absent", "fencer", name, "unconfirmed", owed, "hint",
                  "the takeover waits until its program is back, or it is removed");
        note("fencer_absent", name, "its program is gone and has not confirmed " + owed);
    }
    notify();
}

std::string Fencers::lines_for(const std::string& name, FencerDesk::Told& told) const {
    std::string lines;
    for (const auto& [lost, epoch] : desk_.news(name, told)) {
        lines += line_of({{"node", chronicle_.name_of(lost.node)},
                          {"node_id", lost.node.value()},
                          {"incarnation", hexadecimal(lost.incarnation.value())},
                          {"epoch", epoch.value()}});
    }
    return lines;
}

Fencers::Stream::~Stream() {
    if (const auto fencers = fencers_.lock()) {
        fencers->detach(name_, session_);
    }
}

awaitable<std::string> Fencers::Stream::next() {
    const auto fencers = fencers_.lock();
    if (!fencers || fencers->closed_ || ended_) {
        co_return "";
    }
    std::string lines;
    if (!std::exchange(greeted_, true)) {
        lines = line_of({{"session", hexadecimal(session_)}});
    }
    lines += fencers->lines_for(name_, told_);
    if (lines.empty() && fencers->desk_.is_attached(name_, session_)) {
        auto woken = co_await fencers->changed_.wait(io::after(kSilence));
        static_cast<void>(woken);
        lines = fencers->lines_for(name_, told_);
    }
    if (!fencers->desk_.is_attached(name_, session_)) {
        ended_ = true;
        co_return line_of({{"removed", true}});
    }
    if (lines.empty() && !fencers->closed_) {
        lines.push_back('\n');
    }
    co_return lines;
}

}  // namespace quorate::cluster
