#include "world.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/seeds.hpp"

namespace quorate::shadowing::simulator {
namespace {

constexpr Id128 kSet{0, 0x5e};
constexpr Id128 kLineage{0, 0x11};
constexpr sim::Time kLease = sim::milliseconds(600);
constexpr sim::Time kHeartbeat = sim::milliseconds(100);

}  // namespace

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = 1 + random.below(3);
    scenario.disks = 2 + random.below(2);
    scenario.blocks = 32 + 8 * random.below(12);
    scenario.hot_max = 2 + random.below(6);
    scenario.pause_max = sim::milliseconds(100 + static_cast<std::int64_t>(random.below(2500)));
    scenario.flushes = !random.one_in(4);
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed ^ 0x5eed),
      scenario_(scenario),
      history_(scenario.blocks),
      locks_([this](Opener opener, SetInput input) { tell(opener, std::move(input)); }) {
    traced_ = sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0;
    Label label;
    label.set = kSet;
    label.lineage = kLineage;
    label.generation = {1, 1};
    label.set_blocks = scenario_.blocks;
    label.unit = "DSA1";
    label.layout = {.region_shift = 3,
                    .openers = static_cast<std::uint16_t>(scenario_.nodes),
                    .slot_octets = kIntentBlocks * kMetaBlock,
                    .log_offset = kMetaBlock,
                    .data_offset = 1 << 20,
                    .member_blocks = scenario_.blocks};
    for (std::size_t i = 0; i < scenario_.disks; ++i) {
        disks_.emplace_back();
        disks_[i].disk = std::make_unique<Disk>(random_, kSet, label.layout);
        if (!random_.one_in(3)) {
            disks_[i].host = random_.below(scenario_.nodes);
        }
        label.members.push_back({{0, 0xd1 + i}, Role::kFull, 1, 0, disks_[i].disk->life()});
    }
    for (std::size_t i = 0; i < scenario_.disks; ++i) {
        label.member = {0, 0xd1 + i};
        disks_[i].disk->write_label_copy(0, label);
        disks_[i].disk->write_label_copy(1, label);
        disks_[i].disk->flush();
    }
    witness_ = WitnessWord{kLineage, {1, 1}};
    nodes_.resize(scenario_.nodes);
}

// ---- nodes

void World::start(std::size_t n) {
    auto& node = nodes_[n];
    if (!node.on || node.set) {
        return;
    }
    node = Node();
    node.opener = next_opener_++;
    node_of_[node.opener] = n;
    SetOptions options;
    options.set = kSet;
    for (std::size_t i = 0; i < disks_.size(); ++i) {
        const bool near = disks_[i].host == n;
        options.devices.push_back({fmt::format("d{}", i), near ? 1u : 10u});
    }
    options.slot = OpenerSlot(static_cast<std::uint16_t>(n));
    options.opener = {cluster::NodeId(static_cast<std::uint32_t>(n + 1)),
                      cluster::Incarnation(node.opener)};
    options.seed = random_.next();
    options.member_timeout = sim::milliseconds(700);
    options.hedge_after = sim::milliseconds(20);
    options.retry_after = sim::milliseconds(50);
    options.clear_after = sim::milliseconds(100 + static_cast<std::int64_t>(random_.below(400)));
    options.hot_max = scenario_.hot_max;
    options.chunk_blocks = 1 + random_.below(6);
    options.jobs_max = 1 + random_.below(4);
    node.set = std::make_unique<Set>(std::move(options));
    node.lease_until = events_.now() + kLease;
    trace(n, fmt::format("starts as {}", node.opener));
    feed(n, node.opener, Start{});
    const auto opener = node.opener;
    events_.after(sim::milliseconds(10), [this, n, opener] {
        if (nodes_[n].opener == opener) {
            work(n);
        }
    });
}

// The process ends; others learn of it when everything it asked for is out of the way.
void World::kill(std::size_t n) {
    auto& node = nodes_[n];
    if (!node.set) {
        return;
    }
    trace(n, "dies");
    const auto opener = node.opener;
    for (const auto& [request, extent] : node.requests) {
        history_.forget(request);
    }
    history_.opener_died(opener);
    const bool taken_over = node.expelled;
    const bool on = node.on;
    const bool cut = node.cut;
    node = Node();
    node.on = on;
    node.cut = cut;
    if (!taken_over) {
        const auto after = sim::between(random_, sim::milliseconds(20), sim::milliseconds(900));
        events_.after(after, [this, opener, n] { take_over(opener, n); });
    }
    events_.after(sim::between(random_, sim::milliseconds(50), sim::seconds(2)),
                  [this, n] { start(n); });
}

void World::take_over(Opener opener, std::size_t n) {
    trace(n, fmt::format("{} is taken over", opener));
    ++epoch_;
    for (auto& served : disks_) {
        served.disk->fence(opener);
    }
    history_.declared_lost(opener);
    const OpenerSlot slot(static_cast<std::uint16_t>(n));
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other != n && nodes_[other].set && !nodes_[other].expelled) {
            const cluster::MemberId lost{cluster::NodeId(static_cast<std::uint32_t>(n + 1)),
                                         cluster::Incarnation(opener)};
            feed(other, nodes_[other].opener, OpenerLost{slot, lost});
        }
    }
    locks_.died(opener);
}

void World::power_off_node(std::size_t n) {
    nodes_[n].on = false;
    kill(n);
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        if (disks_[i].host == n) {
            disk_off(i);
        }
    }
}

void World::power_on_node(std::size_t n) {
    nodes_[n].on = true;
    for (auto& served : disks_) {
        if (served.host == n && !served.disk->is_on()) {
            served.disk->power_on();
        }
    }
    start(n);
}

void World::renew_leases() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        auto& node = nodes_[n];
        if (!node.set) {
            continue;
        }
        const bool frozen = node.frozen_until > events_.now();
        if (node.expelled && !frozen && !node.cut) {
            kill(n);
            continue;
        }
        if (!node.expelled && !frozen && !node.cut) {
            node.lease_until = events_.now() + kLease;
            feed(n, node.opener, Tick{});
        } else if (!node.expelled && events_.now() > node.lease_until + sim::milliseconds(50)) {
            // The others went on without it.
            node.expelled = true;
            history_.opener_died(node.opener);
            for (const auto& [request, extent] : node.requests) {
                history_.forget(request);
            }
            take_over(node.opener, n);
        }
    }
    events_.after(kHeartbeat, [this] { renew_leases(); });
}

Moment World::moment(std::size_t n) const {
    const auto& node = nodes_[n];
    // The page of an expelled node is not updated before it hears of that.
    Lease lease{Lease::State::kRunning, epoch_, BootTime(node.lease_until)};
    return {BootTime(events_.now()), lease};
}

void World::feed(std::size_t n, Opener opener, SetInput input) {
    auto& node = nodes_[n];
    if (node.opener != opener || !node.set) {
        return;
    }
    node.inbox.push_back(std::move(input));
    if (!node.pumping) {
        node.pumping = true;
        events_.at(std::max(events_.now(), node.frozen_until), [this, n, opener] {
            if (nodes_[n].opener == opener) {
                pump(n);
            }
        });
    }
}

void World::pump(std::size_t n) {
    auto& node = nodes_[n];
    const auto opener = node.opener;
    if (node.frozen_until > events_.now()) {
        events_.at(node.frozen_until, [this, n, opener] {
            if (nodes_[n].opener == opener) {
                pump(n);
            }
        });
        return;
    }
    while (!node.inbox.empty()) {
        auto input = std::move(node.inbox.front());
        node.inbox.pop_front();
        auto outputs = node.set->step(moment(n), input);
        if (!carry_out(n, std::move(outputs), 0, false)) {
            return;
        }
    }
    node.pumping = false;
    arm(n);
}

// False: it died or froze on the way.
bool World::carry_out(std::size_t n, SetOutputs outputs, std::size_t from, bool late) {
    const auto opener = nodes_[n].opener;
    for (auto i = from; i < outputs.size(); ++i) {
        if (!healed_ && random_.one_in(20'000)) {
            kill(n);
            return false;
        }
        if (!healed_ && random_.one_in(20'000)) {
            const auto thaw = events_.now() + sim::between(random_, sim::Time(0), sim::seconds(2));
            trace(n, "freezes between two effects");
            nodes_[n].frozen_until = thaw;
            events_.at(thaw, [this, n, opener, outputs, i] {
                if (nodes_[n].opener == opener && carry_out(n, outputs, i, true)) {
                    pump(n);
                }
            });
            return false;
        }
        if (!late && events_.now() >= nodes_[n].lease_until &&
            !std::holds_alternative<Lock>(outputs[i]) &&
            !std::holds_alternative<DropData>(outputs[i]) &&
            !std::holds_alternative<CloseDevice>(outputs[i]) &&
            !std::holds_alternative<MountRefused>(outputs[i]) &&
            !std::holds_alternative<SetNote>(outputs[i])) {
            breach(fmt::format("node {} acts without a lease (output {})", n, outputs[i].index()));
        }
        std::visit([&](const auto& output) { perform(n, output); }, outputs[i]);
    }
    return true;
}

void World::arm(std::size_t n) {
    auto& node = nodes_[n];
    const auto deadline = node.set->deadline();
    if (!deadline) {
        return;
    }
    const auto at = std::max(events_.now() + sim::Time(1), sim::Time(deadline->time_since_epoch()));
    if (node.armed > events_.now() && node.armed <= at) {
        return;
    }
    node.armed = at;
    const auto opener = node.opener;
    events_.at(at, [this, n, opener, at] {
        if (nodes_[n].opener == opener && nodes_[n].armed == at) {
            nodes_[n].armed = sim::Time(-1);
            feed(n, opener, Tick{});
        }
    });
}

// ---- locks

void World::mail(std::size_t n, std::function<void()> action) {
    auto& node = nodes_[n];
    node.mail.push_back(std::move(action));
    node.mail_ready = std::max(node.mail_ready, events_.now() + delay());
    const auto opener = node.opener;
    events_.at(node.mail_ready, [this, n, opener] {
        if (nodes_[n].opener == opener) {
            deliver_mail(n);
        }
    });
}

void World::deliver_mail(std::size_t n) {
    auto& node = nodes_[n];
    if (node.mail.empty() || node.expelled) {
        return;
    }
    if (node.cut) {
        const auto opener = node.opener;
        events_.after(sim::milliseconds(10), [this, n, opener] {
            if (nodes_[n].opener == opener) {
                deliver_mail(n);
            }
        });
        return;
    }
    const auto action = std::move(node.mail.front());
    node.mail.pop_front();
    action();
}

void World::tell(Opener opener, SetInput input) {
    const auto n = node_of_.at(opener);
    if (nodes_[n].opener == opener && nodes_[n].set) {
        mail(n, [this, n, opener, input = std::move(input)] { feed(n, opener, input); });
    }
}

void World::perform(std::size_t n, const Lock& output) {
    const auto opener = nodes_[n].opener;
    mail(n, [this, opener, output] { locks_.request(opener, output); });
}

// ---- disks

bool World::reachable(std::size_t n, DeviceIndex disk) const {
    const auto host = disks_[disk].host;
    if (!host || *host == n) {
        return !host || nodes_[n].on;
    }
    return !nodes_[n].cut && !nodes_[*host].cut && nodes_[*host].on;
}

void World::send(std::size_t n, OpId op, DeviceIndex disk, bool opens, std::vector<Phase> phases,
                 std::function<SetInput(Disk&)> answer_of) {
    const auto opener = nodes_[n].opener;
    auto errand =
        std::make_shared<Errand>(Errand{n, opener, op, disk, disks_[disk].disk->closings(opener),
                                        opens, std::move(phases), std::move(answer_of)});
    if (!reachable(n, disk)) {
        answer(errand, Done{op, Outcome::kFailed});
        return;
    }
    events_.after(delay(), [this, errand] { serve(errand, 0); });
}

void World::serve(std::shared_ptr<Errand> errand, std::size_t phase) {
    auto& served = disks_[errand->disk];
    const auto host_frozen = served.host ? nodes_[*served.host].frozen_until : sim::Time(0);
    if (host_frozen > events_.now()) {
        events_.at(host_frozen, [this, errand, phase] { serve(errand, phase); });
        return;
    }
    const auto outcome = served.disk->admit(errand->opener, errand->closings, errand->opens);
    if (outcome != Outcome::kOk) {
        answer(errand, Done{errand->op, outcome});
        return;
    }
    if (phase < errand->phases.size()) {
        errand->phases[phase](*served.disk);
        const auto service = sim::between(random_, sim::Time(20), sim::Time(300) + served.slow);
        events_.after(service, [this, errand, phase] { serve(errand, phase + 1); });
        return;
    }
    answer(errand, errand->answer(*served.disk));
}

void World::answer(const std::shared_ptr<Errand>& errand, SetInput input) {
    events_.after(delay(), [this, errand, input = std::move(input)] {
        if (reachable(errand->node, errand->disk) || std::holds_alternative<DeviceClosed>(input)) {
            feed(errand->node, errand->opener, input);
            return;
        }
        // The connection breaks, or nothing is heard for long.
        const auto after = sim::between(random_, sim::milliseconds(50), sim::milliseconds(1500));
        events_.after(after, [this, errand] {
            feed(errand->node, errand->opener, Done{errand->op, Outcome::kFailed});
        });
    });
}

void World::perform(std::size_t n, const ReadData& output) {
    const auto opener = nodes_[n].opener;
    send(n, output.op, output.device, false, {[](Disk&) {}},
         [this, n, opener, output](Disk& disk) -> SetInput {
             if (disk.is_unreadable(output.extent)) {
                 return Done{output.op, Outcome::kUnreadable};
             }
             std::vector<std::uint64_t> values;
             for (auto lbn = output.extent.lbn; lbn < output.extent.end(); ++lbn) {
                 values.push_back(disk.read(lbn));
             }
             if (nodes_[n].opener == opener) {
                 nodes_[n].data[output.op.value()] = std::move(values);
             }
             return Done{output.op, Outcome::kOk};
         });
}

void World::write_blocks(std::size_t n, OpId op, DeviceIndex disk, Extent extent,
                         std::vector<std::uint64_t> values, bool fua) {
    std::vector<Phase> phases;
    const auto half = random_.below(extent.blocks + 1);
    const auto part = [&](std::uint64_t from, std::uint64_t to) {
        phases.push_back([extent, values, from, to](Disk& on) {
            for (auto i = from; i < to; ++i) {
                on.write(extent.lbn + i, values[i]);
            }
        });
    };
    part(0, half);
    part(half, extent.blocks);
    if (fua) {
        phases.push_back([extent](Disk& on) { on.flush(extent); });
    }
    send(n, op, disk, false, std::move(phases), [op](Disk&) -> SetInput {
        return Done{op, Outcome::kOk};
    });
}

void World::perform(std::size_t n, const WriteData& output) {
    auto& node = nodes_[n];
    std::vector<std::uint64_t> values;
    if (output.data.of_request) {
        values.assign(output.extent.blocks, node.values.at(output.data.id));
    } else {
        values = node.data.at(output.data.id);
    }
    write_blocks(n, output.op, output.device, output.extent, std::move(values), output.fua);
}

void World::perform(std::size_t n, const ZeroData& output) {
    std::vector<std::uint64_t> zeros(output.extent.blocks, 0);
    write_blocks(n, output.op, output.device, output.extent, std::move(zeros), output.fua);
}

void World::perform(std::size_t n, const CompareData& output) {
    const auto with = nodes_[n].data.at(output.with.value());
    send(n, output.op, output.device, false, {[](Disk&) {}},
         [output, with](Disk& disk) -> SetInput {
             if (disk.is_unreadable(output.extent)) {
                 return Done{output.op, Outcome::kUnreadable};
             }
             for (std::size_t i = 0; i < with.size(); ++i) {
                 if (disk.read(output.extent.lbn + i) != with[i]) {
                     return Done{output.op, Outcome::kDiffers};
                 }
             }
             return Done{output.op, Outcome::kOk};
         });
}

void World::perform(std::size_t n, const FlushDevice& output) {
    send(n, output.op, output.device, false, {[](Disk& disk) { disk.flush(); }},
         [output](Disk&) -> SetInput {
             return Done{output.op, Outcome::kOk};
         });
}

void World::perform(std::size_t n, const ReadLabel& output) {
    send(n, output.op, output.device, true, {[](Disk&) {}}, [output](Disk& disk) -> SetInput {
        auto found = choose_label(disk.labels());
        if (!found) {
            return LabelRead{output.op, std::nullopt, disk.life(), found.error().detail};
        }
        return LabelRead{output.op, std::move(found->label), disk.life(), {}};
    });
}

void World::perform(std::size_t n, const WriteLabel& output) {
    check_fences(output.label);
    const auto found = choose_label(disks_[output.device].disk->labels());
    const std::uint16_t first = found ? static_cast<std::uint16_t>(1 - found->newest) : 0;
    const auto second = static_cast<std::uint16_t>(1 - first);
    const auto write = [output](std::uint16_t copy) {
        return [output, copy](Disk& disk) { disk.write_label_copy(copy, output.label); };
    };
    const auto sync = [](Disk& disk) { disk.sync_meta(); };
    send(n, output.op, output.device, false, {write(first), sync, write(second), sync},
         [output](Disk&) -> SetInput {
             return Done{output.op, Outcome::kOk};
         });
}

void World::perform(std::size_t n, const ClearLog& output) {
    const auto device = output.device;
    send(n, output.op, output.device, false,
         {[](Disk& disk) { disk.clear_log(); },
          [this, device](Disk& disk) {
              disk.sync_meta();
              disks_[device].intact = true;
          }},
         [output](Disk&) -> SetInput {
             return Done{output.op, Outcome::kOk};
         });
}

void World::perform(std::size_t n, const ReadIntent& output) {
    send(n, output.op, output.device, false, {[](Disk&) {}}, [output](Disk& disk) -> SetInput {
        return IntentRead{output.op, Outcome::kOk, disk.intent(output.slot)};
    });
}

void World::perform(std::size_t n, const WriteIntent& output) {
    send(n, output.op, output.device, false,
         {[output](Disk& disk) { disk.write_intent(output.block); },
          [](Disk& disk) { disk.sync_meta(); }},
         [output](Disk&) -> SetInput {
             return Done{output.op, Outcome::kOk};
         });
}

void World::perform(std::size_t n, const ReadWitness& output) {
    const auto opener = nodes_[n].opener;
    mail(n, [this, n, opener, output] {
        feed(n, opener, WitnessRead{output.op, {.known = true, .word = witness_}});
    });
}

void World::perform(std::size_t n, const WriteWitness& output) {
    const auto opener = nodes_[n].opener;
    mail(n, [this, n, opener, output] {
        witness_ = output.word;
        look_for_lost_caches();  // those that have it may have been out of reach, and are out now
        trace(n, fmt::format("witness: generation {}", output.word.generation.number));
        feed(n, opener, Done{output.op, Outcome::kOk});
    });
}

void World::close_when_reachable(std::size_t n, Opener opener, DeviceIndex disk) {
    if (nodes_[n].opener != opener) {
        return;
    }
    const auto& served = disks_[disk];
    const bool frozen = served.host && nodes_[*served.host].frozen_until > events_.now();
    if (!reachable(n, disk) || !served.disk->is_on() || frozen) {
        events_.after(sim::milliseconds(20),
                      [this, n, opener, disk] { close_when_reachable(n, opener, disk); });
        return;
    }
    disks_[disk].disk->close(opener);
    feed(n, opener, DeviceClosed{disk});
}

void World::perform(std::size_t n, const CloseDevice& output) {
    const auto opener = nodes_[n].opener;
    events_.after(delay(), [this, n, opener, device = output.device] {
        close_when_reachable(n, opener, device);
    });
}

void World::disk_off(DeviceIndex i) {
    auto& served = disks_[i];
    if (!served.disk->is_on()) {
        return;
    }
    trace(0, fmt::format("d{} loses power", i));
    served.disk->power_off();
    served.intact = false;
    look_for_lost_caches();
}

// Is there still a source that has what was acknowledged and not flushed?
void World::look_for_lost_caches() {
    const auto label = newest();
    for (DeviceIndex i = 0; label && i < disks_.size(); ++i) {
        const auto* member = label->find({0, 0xd1 + i});
        if (member != nullptr && is_source(member->role) && disks_[i].intact) {
            return;
        }
    }
    trace(0, "every source has lost its cache");
    history_.caches_lost();
    for (auto& one : disks_) {
        one.intact = true;
    }
}

// ---- clients

void World::work(std::size_t n) {
    auto& node = nodes_[n];
    const auto opener = node.opener;
    if (!node.set || quiet_) {
        return;
    }
    if (node.requests.size() < 8 && node.frozen_until <= events_.now()) {
        const auto lbn = random_.below(scenario_.blocks);
        const Extent extent{lbn,
                            1 + random_.below(std::min<std::uint64_t>(10, scenario_.blocks - lbn))};
        const auto what = random_.below(100);
        if (what < 50) {
            submit(n, RequestKind::kRead, extent);
        } else if (what < 95 || !scenario_.flushes) {
            // A node writes to stretches of its own.
            const auto stripe = lbn / 4 * 4;
            const Extent own{lbn, std::min(1 + random_.below(4), stripe + 4 - lbn)};
            if (lbn / 4 % nodes_.size() == n && own.end() <= scenario_.blocks &&
                !history_.is_writing(own)) {
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
    if (output.data) {
        const auto data = node.data.extract(output.data->value());
        history_.read_ends(id, data.mapped());
        return;
    }
    if (node.values.contains(id)) {
        history_.write_acknowledged(id, node.durable.contains(id));
        check_acknowledged(node.values[id], extent);
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

void World::perform(std::size_t n, const Mounted&) {
    trace(n, "has it mounted");
    nodes_[n].mounted = true;
}

void World::perform(std::size_t n, const MountRefused& output) { trace(n, output.plan); }

void World::perform(std::size_t n, const SetNote& output) { trace(n, output.text); }

// The operator adds what was expelled.
void World::operate() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        if (!nodes_[n].mounted || nodes_[n].frozen_until > events_.now() || nodes_[n].expelled) {
            continue;
        }
        const auto status = nodes_[n].set->status();
        for (DeviceIndex i = 0; i < disks_.size(); ++i) {
            if (status.members[i].role == Role::kExpelled && disks_[i].disk->is_on() &&
                reachable(n, i)) {
                feed(n, nodes_[n].opener, AddDevice{i});
                break;
            }
        }
        break;
    }
    events_.after(sim::milliseconds(300), [this] { operate(); });
}

}  // namespace quorate::shadowing::simulator
