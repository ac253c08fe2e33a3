#include "shadowing/io/mounted_set.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "io/time.hpp"
#include "mounted_impl.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {

void MountedSet::Impl::start() {
    log = Logger().with("unit", options.unit);
    SetOptions set_options;
    set_options.set = options.set;
    for (const auto& disk : disks) {
        set_options.devices.push_back({disk.path, 1});
    }
    set_options.slot = options.slot;
    set_options.opener = options.opener;
    set_options.seed = io::random_seed();
    set_options.accept_loss = options.accept_loss;
    set = std::make_unique<Set>(std::move(set_options));
    // Ends before this does.
    surroundings->start([this](SetInput input) { feed(std::move(input)); });
    gather(io::exact_boot_now() + options.wait_for_disks);
}

void MountedSet::Impl::gather(BootTime until) {
    constexpr std::chrono::milliseconds kLookAgain{100};
    bool all = true;
    for (DeviceIndex device = 0; device < disks.size(); ++device) {
        const auto& disk = disks[device];
        if (!disk.path.empty() && !disk.member && options.wait_for_disks.count() > 0) {
            open_disk(device);
            all = all && disk.member != nullptr;
        }
    }
    if (all || io::exact_boot_now() >= until) {
        feed(Start{});
        return;
    }
    timer.expires_after(kLookAgain);
    timer.async_wait([self = shared_from_this(), until](const boost::system::error_code& error) {
        if (!error && !self->stopped) {
            self->gather(until);
        }
    });
}

Result<std::unique_ptr<MountedSet>> MountedSet::open(boost::asio::io_context& io,
                                                     MountOptions options,
                                                     std::unique_ptr<Surroundings> surroundings) {
    if (options.disks.empty() || options.disks.size() > kMaxMembers) {
        return fail(errc::refused, fmt::format("a set has 1 to {} disks", kMaxMembers));
    }
    QUORATE_TRY(auto ring, io::Uring::open(io));
    auto impl =
        std::make_shared<Impl>(io, std::move(options), std::move(surroundings), std::move(ring));
    for (std::size_t i = 0; i < impl->options.disks.size(); ++i) {
        impl->disks[i].path = impl->options.disks[i];
    }
    impl->start();
    return std::unique_ptr<MountedSet>(new MountedSet(std::move(impl)));
}

MountedSet::MountedSet(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

MountedSet::~MountedSet() {
    impl_->stopped = true;
    impl_->surroundings->stop();
    impl_->timer.cancel();
}

// ---- the machine

void MountedSet::Impl::feed(SetInput input) {
    inbox.push_back(std::move(input));
    if (pumping || stopped) {
        return;
    }
    pumping = true;
    while (!inbox.empty() && !stopped) {
        const auto next = std::move(inbox.front());
        inbox.pop_front();
        for (const auto& output : set->step(surroundings->now(), next)) {
            std::visit([&](const auto& one) { perform(one); }, output);
        }
    }
    pumping = false;
    look_at_words();
    arm();
}

void MountedSet::Impl::arm() {
    const auto deadline = set->deadline();
    if (!deadline || (armed && *armed <= *deadline)) {
        return;
    }
    armed = deadline;
    timer.expires_after(std::max(*deadline - io::exact_boot_now(), std::chrono::microseconds(0)));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && !self->stopped) {
            self->armed.reset();
            self->feed(Tick{});
        }
    });
}

// ---- clients

void MountedSet::submit(UnitRequest request, UnitDone done) {
    auto& impl = *impl_;
    const auto size = std::uint64_t{1} << impl.options.block_shift;
    if (request.offset % size != 0 || request.octets % size != 0) {
        done({ReplyStatus::kOutOfRange, nullptr});
        return;
    }
    impl.counted.reads += request.kind == RequestKind::kRead ? 1 : 0;
    impl.counted.flushes += request.kind == RequestKind::kFlush ? 1 : 0;
    impl.counted.writes +=
        request.kind == RequestKind::kWrite || request.kind == RequestKind::kZero ? 1 : 0;
    const auto id = impl.next_request++;
    impl.clients[id] = {std::move(done), std::move(request.data)};
    const Extent extent{request.offset >> impl.options.block_shift,
                        request.octets >> impl.options.block_shift};
    impl.feed(Submit{RequestId(id), request.kind, extent, request.fua});
}

// Of a member that has every write; while members may differ nothing is said.
std::vector<Member::Extent> MountedSet::extents(std::uint64_t offset, std::uint64_t octets) const {
    const auto status = impl_->set->status();
    if (status.mounted && status.stalled.empty() && status.to_merge.empty()) {
        for (std::size_t i = 0; i < status.members.size(); ++i) {
            const auto& disk = impl_->disks[i];
            if (status.members[i].role == Role::kFull && disk.member) {
                return disk.member->extents(disk.layout.data_offset + offset, octets);
            }
        }
    }
    return {{octets, false}};
}

void MountedSet::when_mounted(std::function<void()> done) {
    if (impl_->mounted) {
        done();
    } else {
        impl_->for_mount.push_back(std::move(done));
    }
}

void MountedSet::dismount(std::function<void(bool clean)> done) {
    impl_->for_dismount = std::move(done);
    impl_->feed(Dismount{});
}

void MountedSet::opener_lost(OpenerSlot slot, cluster::MemberId opener) {
    impl_->feed(OpenerLost{slot, opener});
}

void MountedSet::look() { impl_->feed(Tick{}); }

void MountedSet::retire(std::function<void()> done) {
    impl_->stopped = true;
    impl_->timer.cancel();
    // Owned by the fences of all disks.
    const auto left = std::make_shared<std::size_t>(1);
    const auto one_done = [left, done = std::move(done), impl = impl_] {
        if (--*left == 0) {
            done();
        }
    };
    for (const auto& disk : impl_->disks) {
        if (disk.member) {
            ++*left;
            disk.member->fence(one_done);
        }
    }
    one_done();
}

UnitStatus MountedSet::status() const {
    auto status = impl_->counted;
    status.set = impl_->set->status();
    std::erase_if(status.set.members, [](const MemberStatus& one) { return one.device.empty(); });
    status.refused = impl_->refused;
    status.octets = impl_->blocks << impl_->options.block_shift;
    status.block_octets = 1u << impl_->options.block_shift;
    return status;
}

const std::string& MountedSet::unit() const { return impl_->options.unit; }

Id128 MountedSet::set_id() const { return impl_->options.set; }

}  // namespace quorate::shadowing
