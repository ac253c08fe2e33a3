#include "simulation.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kSegmentBytes = 48 << 10;

StoreOptions store_options(Random& random) {
    StoreOptions options;
    options.segment_bytes = kSegmentBytes;
    options.checkpoint_bytes = 256 << 10;
    options.open_accounts = 1 + random.below(4);
    return options;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : random_(seed), volume_({random_.next(), UINT64_MAX}), options_(store_options(random_)) {
    options_.now = [this] { return now_; };
    for (auto accounts = 1 + random_.below(4); accounts > 0; --accounts) {
        Owner owner;
        owner.id = AccountId(next_account_++);
        if (one_in(3)) {
            owner.limits.messages = 20 + random_.below(40);
        }
        owners_.push_back(std::move(owner));
    }
}

Simulation::~Simulation() { stop(); }

void Simulation::broken(std::string what) {
    if (broken_.empty()) {
        broken_ = std::move(what);
    }
}

std::string Simulation::run() {
    for (auto rounds = 2 + random_.below(5); rounds > 0 && broken_.empty(); --rounds) {
        faulty_phase();
        crash();
    }
    if (broken_.empty()) {
        healed_phase();
    }
    return broken_;
}

void Simulation::draw_faults() {
    faulty_ = true;
    if (!one_in(3)) {
        volume_.die_after(1 + random_.below(one_in(2) ? 60 : 600));
    }
    if (one_in(3)) {
        volume_.fail_one_in(50 + random_.below(1000));
    }
    if (one_in(4)) {
        const auto space = volume_.space();
        const auto used = space ? space->total - space->free : 0;
        volume_.set_capacity(used + random_.below(8 * kSegmentBytes));
    }
}

void Simulation::faulty_phase() {
    draw_faults();
    start();
    for (auto left = 20 + random_.below(150); left > 0 && broken_.empty(); --left) {
        if (volume_.died() || !store_) {
            return;
        }
        operate();
    }
    if (store_ && one_in(3)) {
        for (auto& owner : owners_) {
            owner.sessions.clear();
            owner.account.reset();
        }
        static_cast<void>(store_->close());
    }
}

void Simulation::start() {
    options_.random_seed = 1 + random_.below(UINT64_MAX);
    auto opened = StoreImpl::open(volume_, options_, /*threaded=*/false, Logger());
    if (!opened) {
        if (!faulty_) {
            broken("open: " + opened.error().to_string());
        }
        return;
    }
    store_ = std::move(*opened);
    store_->on_durable([this](Lsn durable, bool failed) {
        if (!failed) {
            durable_ = std::max(durable_, durable.value());
        } else if (!faulty_) {
            broken("a flush failed on a sound volume");
        }
    });
}

void Simulation::stop() {
    for (auto& owner : owners_) {
        owner.sessions.clear();
        owner.account.reset();
    }
    store_.reset();
}

// The process dies, one way or another, perhaps again while it recovers; then all is compared.
void Simulation::crash() {
    ++counts_.crashes;
    faulty_ = true;
    stop();
    volume_.crash(one_in(2) ? FaultVolume::Crash::kPower : FaultVolume::Crash::kKill);
    volume_.set_capacity(UINT64_MAX);
    while (one_in(4)) {
        volume_.die_after(random_.below(80));
        start();
        stop();
        volume_.crash(one_in(2) ? FaultVolume::Crash::kPower : FaultVolume::Crash::kKill);
    }
    faulty_ = false;
    start();
    if (store_) {
        compare_all();
    }
    if (broken_.empty() && one_in(2)) {
        stop();
        volume_.crash(FaultVolume::Crash::kPower);
        start();
        if (store_) {
            compare_all();
        }
    }
    // What follows begins on what is there now.
    stop();
    volume_.crash(FaultVolume::Crash::kKill);
}

void Simulation::compare_all() {
    const auto kept = store_->durable().value();
    if (kept < durable_) {
        broken(fmt::format("reported durable up to {}, kept up to {}", durable_, kept));
    }
    durable_ = kept;
    for (auto& owner : owners_) {
        if (broken_.empty()) {
            compare(owner, kept);
        }
    }
    std::erase_if(owners_, [](const Owner& owner) { return owner.removed_at != 0; });
}

void Simulation::compare(Owner& owner, std::uint64_t lsn) {
    ++counts_.compared;
    const auto gone = owner.removed_at != 0 && owner.removed_at <= lsn;
    if (gone) {
        const auto account = store_->existing_account(owner.id);
        if (!account || *account) {
            broken(fmt::format("account {} was removed and is there", owner.id.value()));
        }
        return;
    }
    owner.removed_at = 0;
    ModelAccount kept;
    std::uint64_t kept_lsn = 0;
    for (const auto& snapshot : owner.history) {
        if (snapshot.lsn <= lsn) {
            kept = snapshot.model;
            kept_lsn = snapshot.lsn;
        }
    }
    owner.model = kept;
    owner.history.clear();
    if (kept_lsn == 0) {
        return;  // nothing of it was kept: the next to ask for it makes it anew
    }
    owner.history.push_back({kept_lsn, kept});
    for (const auto& [name, box] : kept.mailboxes) {
        given_[owner.id][{name, box.uid_validity}] = box.object_id;
    }
    auto* const account = hold(owner);
    if (account == nullptr) {
        broken(fmt::format("account {} cannot be opened", owner.id.value()));
        return;
    }
    const auto problem = difference(*account, owner.model);
    if (!problem.empty()) {
        broken(fmt::format("account {} at lsn {}: {}", owner.id.value(), lsn, problem));
        return;
    }
    const auto report = store_->verify(owner.id);
    if (!report || !report->problems.empty()) {
        broken("verify: " + (report ? report->problems.front() : report.error().to_string()));
    }
}

// Without faults everything works again, and what is dead leaves the volume.
void Simulation::healed_phase() {
    start();
    for (int i = 0; i < 150 && broken_.empty() && store_; ++i) {
        operate();
    }
    if (!broken_.empty() || !store_) {
        return;
    }
    settle_everything();
    for (auto& owner : owners_) {
        for (auto& session : owner.sessions) {
            const auto* box = owner.model.find(session.view().mailbox());
            const auto problem = session.sync(/*expunges=*/true, box);
            if (!problem.empty()) {
                broken(problem);
            }
        }
    }
    check_space();
    crash();
}

void Simulation::settle_everything() {
    while (store_->flush_journal()) {
    }
    for (auto& owner : owners_) {
        if (owner.account) {
            done(store_->settle(*owner.account), none(), "settle");
        }
    }
}

void Simulation::check_space() {
    for (auto& owner : owners_) {
        owner.sessions.clear();
    }
    settle_everything();
    done(store_->checkpoint(), none(), "checkpoint");
    for (int steps = 0;; ++steps) {
        const auto more = store_->compact_step();
        done(more, none(), "compact");
        if (!more || !*more) {
            break;
        }
        if (steps > 1000) {
            broken("compaction does not end");
            return;
        }
        while (store_->flush_journal()) {
        }
    }
    std::uint64_t living = 0;
    for (const auto& owner : owners_) {
        living += owner.removed_at == 0 ? owner.model.bytes() : 0;
    }
    std::uint64_t held = 0;
    for (const auto& path : volume_.paths()) {
        if (path.ends_with(".seg") || path.ends_with(".body")) {
            held += volume_.content(path).size();
        }
    }
    // Half of a segment may be dead; the newest ones are not looked at.
    const auto allowed = 2 * living + 8 * kSegmentBytes;
    if (held > allowed) {
        broken(fmt::format("{} octets of bodies are held in {}", living, held));
    }
}

}  // namespace quorate::mail::store
