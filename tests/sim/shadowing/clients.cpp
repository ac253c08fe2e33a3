#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// What reads, writes and flushes the sets of a World, and the operator.
namespace quorate::shadowing::simulator {

void World::work(std::size_t n) {
    auto& node = nodes_[n];
    const auto opener = node.opener;
    if (!node.set || quiet_) {
        return;
    }
    if (node.requests.size() < 8 && node.frozen_until <= events_.now() && !node.leaving) {
        const auto blocks = node.mounted ? node.blocks : scenario_.blocks;
        const auto lbn = random_.below(blocks);
        const Extent extent{lbn, 1 + random_.below(std::min<std::uint64_t>(10, blocks - lbn))};
        const auto what = random_.below(100);
        if (what < 50) {
            submit(n, RequestKind::kRead, extent);
        } else if (what < 95 || !scenario_.flushes) {
            // A node writes to stretches of its own.
            const auto stripe = lbn / 4 * 4;
            const Extent own{lbn, std::min(1 + random_.below(4), stripe + 4 - lbn)};
            if (lbn / 4 % nodes_.size() == n && own.end() <= blocks && !history_.is_writing(own)) {
                submit(n, random_.one_in(8) ? RequestKind::kZero : RequestKind::kWrite, own);
            }
        } else if (node.mounted) {
            submit(n, RequestKind::kFlush, {});
        }
    }
    events_.after(sim::between(random_, sim::Time(100), sim::milliseconds(12)), [this, n, opener] {
        if (nodes_[n].opener == opener) {
            work(n);
        }
    });
}

void World::submit(std::size_t n, RequestKind kind, Extent extent) {
    auto& node = nodes_[n];
    if (node.expelled) {
        return;
    }
    const auto id = next_request_++;
    node.requests[id] = extent;
    const bool fua = random_.one_in(5);
    trace(n, fmt::format("request {} of kind {}: blocks {}+{}, value {}", id,
                         static_cast<int>(kind), extent.lbn, extent.blocks, next_value_));
    switch (kind) {
        case RequestKind::kRead:
            history_.read_begins(id, extent);
            break;
        case RequestKind::kWrite:
        case RequestKind::kZero:
            node.values[id] = kind == RequestKind::kZero ? 0 : next_value_++;
            if (fua) {
                node.durable.insert(id);
            }
            history_.write_begins(node.opener, id, extent, node.values[id]);
            break;
        case RequestKind::kFlush:
            history_.flush_begins(id);
            break;
    }
    feed(n, node.opener, Submit{RequestId(id), kind, extent, fua});
}

void World::perform(std::size_t n, const Reply& output) {
    auto& node = nodes_[n];
    const auto id = output.request.value();
    const auto it = node.requests.find(id);
    if (it == node.requests.end() || node.expelled) {
        return;
    }
    const auto extent = it->second;
    node.requests.erase(it);
    trace(n, fmt::format("request {} ends with status {}", id, static_cast<int>(output.status)));
    if (output.status == ReplyStatus::kUnavailable && node.leaving) {
        history_.forget(id);  // it was never begun, or never will be
        history_.write_refused(id);
        return;
    }
    if (output.data) {
        const auto data = node.data.extract(output.data->value());
        history_.read_ends(id, data.mapped());
        return;
    }
    if (node.values.contains(id)) {
        history_.write_acknowledged(id, node.durable.contains(id));
        check_acknowledged(node.values[id], extent);
        if (const auto& label = newest(); label && label->clean) {
            breach("a write is acknowledged while the labels are clean");
        }
        node.values.erase(id);
        return;
    }
    if (extent.blocks == 0) {
        if (output.status == ReplyStatus::kOk) {
            history_.flush_acknowledged(id);
        }
        return;
    }
    history_.forget(id);
    if (output.status != ReplyStatus::kUnreadable) {
        breach(fmt::format("a read ends with status {}", static_cast<int>(output.status)));
    }
}

void World::perform(std::size_t n, const DropData& output) {
    nodes_[n].data.erase(output.data.value());
}

void World::perform(std::size_t n, const Mounted& output) {
    trace(n, "has it mounted");
    nodes_[n].mounted = true;
    nodes_[n].blocks = output.blocks;
}

void World::perform(std::size_t n, const Resized& output) {
    trace(n, fmt::format("grows to {} blocks", output.blocks));
    nodes_[n].blocks = output.blocks;
}

void World::dismount(std::size_t n) {
    auto& node = nodes_[n];
    if (node.set && !node.expelled && !node.leaving) {
        trace(n, "dismounts");
        node.leaving = true;
        feed(n, node.opener, Dismount{});
    }
}

// The locks that it gives up are on their way.
void World::perform(std::size_t n, const Dismounted& output) {
    trace(n, output.clean ? "has left, the last one" : "has left");
    if (output.clean) {
        check_clean(n);
    }
    clean_ = output.clean;
    const auto opener = nodes_[n].opener;
    if (is_clustered()) {
        soon(n, opener, delay(), [this, n, opener] { left_when_told(n, opener); });
    } else {
        left_when_told(n, opener);
    }
}

void World::left_when_told(std::size_t n, Opener opener) {
    if (nodes_[n].opener != opener) {
        return;
    }
    const auto told = [](const auto& one) { return one.second.waiting.empty(); };
    const bool asks = is_clustered() && !nodes_[n].port->idle();  // what it gives up is under way
    if (std::ranges::all_of(nodes_[n].mail, told) && !asks) {
        left(n, opener);
    } else {
        events_.after(sim::Time(100), [this, n, opener] { left_when_told(n, opener); });
    }
}

void World::left(std::size_t n, Opener opener) {
    const auto held = is_clustered() ? std::string() : locks_.held_by(opener);
    if (!held.empty()) {
        breach(fmt::format("node {} has left and holds locks:{}", n, held));
    }
    history_.opener_died(opener);
    history_.declared_lost(opener);
    const auto node = std::exchange(nodes_[n], Node());
    if (is_clustered()) {
        notes_[n].reset();
        undeclared_.erase(opener);
        close_client(n, opener);
    }
    nodes_[n].on = node.on;
    nodes_[n].cut = node.cut;
    if (!leaving_) {
        const bool restless = scenario_.mood == Scenario::Mood::kRestless;
        const auto after = restless ? sim::between(random_, sim::Time(100), sim::milliseconds(60))
                                    : sim::between(random_, sim::milliseconds(50), sim::seconds(1));
        events_.after(after, [this, n] { start(n); });
    }
}

void World::perform(std::size_t n, const MountRefused& output) { trace(n, output.plan); }

void World::perform(std::size_t n, const SetNote& output) {
    trace(n, output.text);
    scrub_reports_ += output.text.starts_with("scrub: blocks") ? 1 : 0;
}

// The operator adds what was expelled.
void World::operate() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        if (!nodes_[n].mounted || nodes_[n].frozen_until > events_.now() || nodes_[n].expelled ||
            nodes_[n].leaving) {
            continue;
        }
        const auto status = nodes_[n].set->status();
        if (status.blocks < scenario_.room && random_.one_in(4)) {
            feed(n, nodes_[n].opener, Expand{});
        }
        const bool restless = scenario_.mood == Scenario::Mood::kRestless;
        if (!healed_ && random_.one_in(restless ? 5 : 20)) {
            feed(n, nodes_[n].opener,
                 RemoveDevice{random_.below(disks_.size()), !random_.one_in(3)});
        }
        for (DeviceIndex i = 0; i < disks_.size(); ++i) {
            if (status.members[i].role == Role::kExpelled && disks_[i].disk->is_on() &&
                reachable(n, i)) {
                if (image_ && image_->first == i && !healed_ && random_.one_in(2)) {
                    put_image_back();
                }
                feed(n, nodes_[n].opener, AddDevice{i});
                break;
            }
        }
        break;
    }
    const bool often = scenario_.mood == Scenario::Mood::kRestless && !healed_;
    events_.after(sim::milliseconds(often ? 70 : 300), [this] { operate(); });
}

}  // namespace quorate::shadowing::simulator
