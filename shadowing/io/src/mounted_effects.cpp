#include <utility>

#include <boost/asio/post.hpp>

#include "io/time.hpp"
#include "mounted_impl.hpp"

// What the machine of a set asks for, carried out on its disks.
namespace quorate::shadowing {

bool MountedSet::Impl::is_there(OpId op, DeviceIndex device) {
    if (disks[device].member) {
        return true;
    }
    feed(Done{op, Outcome::kFailed});
    return false;
}

// Keeps the disk as long as the operation.
Member::Done MountedSet::Impl::answer(OpId op, DeviceIndex device) {
    return [self = shared_from_this(), member = disks[device].member, op](Outcome outcome) {
        self->feed(Done{op, outcome});
    };
}

// ---- data

void MountedSet::Impl::perform(const ReadData& output) {
    if (!is_there(output.op, output.device)) {
        return;
    }
    auto buffer = std::make_shared<io::AlignedBuffer>(octets_of(output.extent));
    const auto into = buffer->span();
    const auto done = answer(output.op, output.device);
    disks[output.device].member->read(
        offset_of(output.device, output.extent), into,
        [this, done, op = output.op, buffer = std::move(buffer)](Outcome outcome) {
            if (outcome == Outcome::kOk) {
                read_data[op.value()] = buffer;
            }
            done(outcome);
        });
}

void MountedSet::Impl::perform(const WriteData& output) {
    if (!is_there(output.op, output.device)) {
        return;
    }
    const Data data =
        output.data.of_request ? clients.at(output.data.id).data : read_data.at(output.data.id);
    disks[output.device].member->write(
        offset_of(output.device, output.extent), data->span(), output.fua,
        [done = answer(output.op, output.device), data](Outcome outcome) { done(outcome); });
}

void MountedSet::Impl::perform(const ZeroData& output) {
    if (is_there(output.op, output.device)) {
        disks[output.device].member->zero(offset_of(output.device, output.extent),
                                          octets_of(output.extent), output.fua,
                                          answer(output.op, output.device));
    }
}

void MountedSet::Impl::perform(const CompareData& output) {
    if (!is_there(output.op, output.device)) {
        return;
    }
    const Data with = read_data.at(output.with.value());
    disks[output.device].member->compare(
        offset_of(output.device, output.extent), with->span(),
        [done = answer(output.op, output.device), with](Outcome outcome) { done(outcome); });
}

void MountedSet::Impl::perform(const FlushDevice& output) {
    if (is_there(output.op, output.device)) {
        disks[output.device].member->flush(answer(output.op, output.device));
    }
}

// ---- label and log

void MountedSet::Impl::perform(const ReadLabel& output) {
    auto& disk = disks[output.device];
    if (disk.member) {
        read_opened(output.device, output.op);
    } else if (disk.path.empty()) {
        feed(LabelRead{output.op, std::nullopt, 0, "no disk"});
    } else {
        disk.waiting.push_back(output.op);
        open_disk(output.device);
    }
}

void MountedSet::Impl::open_disk(DeviceIndex device) {
    auto& disk = disks[device];
    if (std::exchange(disk.opening, true)) {
        return;
    }
    disk.opening_since = io::exact_boot_now();
    try_to_open(device);
}

void MountedSet::Impl::try_to_open(DeviceIndex device) {
    surroundings->open_member(
        ring, disks[device].path,
        [self = shared_from_this(), device](Result<std::unique_ptr<Member>> member) {
            self->opened(device, std::move(member));
        });
}

// The lock of a process that was killed goes with its last I/O, after the process: whoever takes
// over from it at once would find the disk in use, and go on without it.
void MountedSet::Impl::try_to_open_later(DeviceIndex device) {
    constexpr std::chrono::milliseconds kLookAgain{50};
    const auto again = std::make_shared<boost::asio::steady_timer>(io, kLookAgain);
    again->async_wait([self = shared_from_this(), device, again](const boost::system::error_code&) {
        self->try_to_open(device);
    });
}

void MountedSet::Impl::opened(DeviceIndex device, Result<std::unique_ptr<Member>> member) {
    constexpr std::chrono::milliseconds kPatience{5'000};
    auto& disk = disks[device];
    if (!member && member.error().code == std::errc::resource_unavailable_try_again && !stopped &&
        io::exact_boot_now() < disk.opening_since + kPatience) {
        try_to_open_later(device);
        return;
    }
    disk.opening = false;
    if (member) {
        disk.member = std::move(*member);
    }
    for (const auto op : std::exchange(disk.waiting, {})) {
        if (member) {
            read_opened(device, op);
        } else {
            feed(LabelRead{op, std::nullopt, 0, member.error().to_string()});
        }
    }
}

void MountedSet::Impl::read_opened(DeviceIndex device, OpId op) {
    const auto& member = disks[device].member;
    read_label(
        *member, [self = shared_from_this(), member, device, op](const Result<FoundLabel>& found) {
            if (!found) {
                self->feed(LabelRead{op, std::nullopt, member->life(), found.error().to_string()});
                return;
            }
            self->disks[device].layout = found->label.layout;
            self->feed(LabelRead{op, found->label, member->life(), {}});
        });
}

void MountedSet::Impl::perform(const WriteLabel& output) {
    if (is_there(output.op, output.device)) {
        write_label(*disks[output.device].member, output.label, answer(output.op, output.device));
    }
}

void MountedSet::Impl::perform(const ClearLog& output) {
    if (is_there(output.op, output.device)) {
        const auto& disk = disks[output.device];
        clear_log(*disk.member, disk.layout, answer(output.op, output.device));
    }
}

void MountedSet::Impl::perform(const ReadIntent& output) {
    if (!is_there(output.op, output.device)) {
        return;
    }
    const auto& disk = disks[output.device];
    read_intent(*disk.member, disk.layout, output.slot,
                [self = shared_from_this(), member = disk.member, op = output.op](
                    Outcome outcome, std::array<std::string, kIntentBlocks> found) {
                    self->feed(IntentRead{op, outcome, std::move(found)});
                });
}

void MountedSet::Impl::perform(const WriteIntent& output) {
    if (is_there(output.op, output.device)) {
        const auto& disk = disks[output.device];
        write_intent(*disk.member, disk.layout, output.block, answer(output.op, output.device));
    }
}

// The next opening is a new one: the file may be another by then.
void MountedSet::Impl::perform(const CloseDevice& output) {
    auto& disk = disks[output.device];
    const auto closed = [self = shared_from_this(), device = output.device] {
        boost::asio::post(self->io, [self, device] {
            self->disks[device].member.reset();
            self->feed(DeviceClosed{device});
        });
    };
    if (disk.member) {
        disk.member->fence([closed, member = disk.member] { closed(); });
    } else {
        closed();
    }
}

// ---- clients

void MountedSet::Impl::perform(const Reply& output) {
    const auto it = clients.find(output.request.value());
    const auto done = std::move(it->second.done);
    clients.erase(it);
    UnitReply reply{output.status, nullptr};
    if (output.data) {
        auto node = read_data.extract(output.data->value());
        reply.data = std::move(node.mapped());
    }
    done(std::move(reply));
}

void MountedSet::Impl::perform(const Mounted& output) {
    blocks = output.blocks;
    mounted = true;
    refused.clear();
    log.info("mounted", "blocks", blocks);
    happened("mounted");
    for (const auto& done : std::exchange(for_mount, {})) {
        done();
    }
}

void MountedSet::Impl::perform(const Dismounted& output) {
    log.info("dismounted", "clean", output.clean);
    if (for_dismount) {
        boost::asio::post(
            io, [done = std::exchange(for_dismount, {}), clean = output.clean] { done(clean); });
    }
}

void MountedSet::Impl::perform(const MountRefused& output) {
    if (refused != output.plan) {
        log.warn("mount_refused", "plan", output.plan);
        happened("the mount is refused: " + output.plan);
    }
    refused = output.plan;
}

void MountedSet::Impl::perform(const SetNote& output) {
    log.info("note", "text", output.text);
    happened(output.text);
    if (output.refused) {
        word_refused(*output.refused, output.text);
    }
}

}  // namespace quorate::shadowing
