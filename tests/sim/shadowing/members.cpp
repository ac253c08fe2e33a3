#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// The member disks of a World, and what a set asks of them.
namespace quorate::shadowing::simulator {

bool World::reachable(std::size_t n, DeviceIndex disk) const {
    const auto host = disks_[disk].host;
    if (!host || *host == n) {
        return !host || nodes_[n].on;
    }
    if (is_clustered()) {
        return stack_->reaches(n, *host) && nodes_[*host].on;
    }
    return !nodes_[n].cut && !nodes_[*host].cut && nodes_[*host].on;
}

void World::send(std::size_t n, OpId op, DeviceIndex disk, bool opens, std::vector<Phase> phases,
                 std::function<SetInput(Disk&)> answer_of) {
    const auto opener = nodes_[n].opener;
    auto errand = std::make_shared<Errand>(
        Errand{n, opener, op, disk, disks_[disk].disk->closings(opener),
               disks_[disk].disk->session(opener), opens, std::move(phases), std::move(answer_of)});
    if (!reachable(n, disk)) {
        answer(errand, Done{op, Outcome::kFailed});
        return;
    }
    const auto far = disks_[disk].far.find(n);
    const auto longer = far != disks_[disk].far.end() ? far->second : sim::Time(0);
    events_.after(delay() + longer, [this, errand] { serve(errand, 0); });
}

void World::serve(std::shared_ptr<Errand> errand, std::size_t phase) {
    auto& served = disks_[errand->disk];
    const auto host_frozen = served.host ? nodes_[*served.host].frozen_until : sim::Time(0);
    if (host_frozen > events_.now()) {
        events_.at(host_frozen, [this, errand, phase] { serve(errand, phase); });
        return;
    }
    auto outcome = served.disk->admit(errand->opener, errand->closings, errand->opens);
    if (!errand->opens && served.disk->session(errand->opener) != errand->session) {
        outcome = Outcome::kFailed;
    }
    if (errand->opens && is_clustered() && served.host && nodes_[*served.host].on &&
        !stack_->has_member(*served.host, lives_.at(errand->opener))) {
        outcome = Outcome::kRefused;  // its epoch is another
    }
    if (outcome != Outcome::kOk) {
        answer(errand, Done{errand->op, outcome});
        return;
    }
    if (phase < errand->phases.size()) {
        errand->phases[phase](*served.disk);
        auto service = sim::between(random_, sim::Time(20), sim::Time(300) + served.slow);
        if (!healed_ && random_.one_in(scenario_.late_one_in)) {
            service += sim::between(random_, sim::Time(0), sim::seconds(3));
        }
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
    // The answer may come long after the disk was read.
    const auto values = std::make_shared<std::optional<std::vector<std::uint64_t>>>();
    const auto sample = [values, output](Disk& disk) {
        if (!disk.is_unreadable(output.extent)) {
            values->emplace();
            for (auto lbn = output.extent.lbn; lbn < output.extent.end(); ++lbn) {
                (*values)->push_back(disk.read(lbn));
            }
        }
    };
    send(n, output.op, output.device, false, {sample},
         [this, n, opener, output, values](Disk&) -> SetInput {
             if (!*values) {
                 return Done{output.op, Outcome::kUnreadable};
             }
             if (nodes_[n].opener == opener) {
                 nodes_[n].data[output.op.value()] = std::move(**values);
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
    const auto outcome = std::make_shared<Outcome>(Outcome::kOk);
    const auto compare = [with = nodes_[n].data.at(output.with.value()), output,
                          outcome](Disk& disk) {
        for (std::size_t i = 0; i < with.size(); ++i) {
            if (disk.read(output.extent.lbn + i) != with[i]) {
                *outcome = Outcome::kDiffers;
            }
        }
        if (disk.is_unreadable(output.extent)) {
            *outcome = Outcome::kUnreadable;
        }
    };
    send(n, output.op, output.device, false, {compare}, [output, outcome](Disk&) -> SetInput {
        return Done{output.op, *outcome};
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
        return LabelRead{output.op, std::move(found->label), disk.life(), {}, disk.room()};
    });
}

void World::perform(std::size_t n, const WriteLabel& output) {
    check_number(output.label);
    std::string roles;
    for (const auto& member : output.label.members) {
        roles +=
            fmt::format(" {} since {} fence {}", name_of(member.role), member.since, member.fence);
    }
    trace(n,
          fmt::format("labels d{}: generation {}{}{}", output.device,
                      output.label.generation.number, output.label.clean ? " clean" : "", roles));
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
    mail(n, kWitnessMail, [this, n, opener, output] {
        feed(n, opener,
             WitnessRead{output.op, {.known = true, .word = witness_, .reserved = reserved_}});
    });
}

void World::perform(std::size_t n, const ReserveGeneration& output) {
    const auto opener = nodes_[n].opener;
    mail(n, kWitnessMail, [this, n, opener, output] {
        reserved_ = std::max(reserved_, output.number);
        feed(n, opener, Done{output.op, Outcome::kOk});
    });
}

void World::perform(std::size_t n, const WriteWitness& output) {
    const auto opener = nodes_[n].opener;
    mail(n, kWitnessMail, [this, n, opener, output] {
        witness_ = output.word;
        check_fences();
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
    const auto& label = newest();
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

}  // namespace quorate::shadowing::simulator
