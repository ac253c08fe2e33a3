#include "shadowing/io/solo_set.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/durable_file.hpp"
#include "io/time.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "solo_impl.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint64_t kEpoch = 1;  // there is no cluster that could go on without this opener

Moment now() { return {io::exact_boot_now(), {Lease::State::kRunning, kEpoch, BootTime::max()}}; }

}  // namespace

// ---- opening

Status SoloSet::Impl::read_witness() {
    QUORATE_TRY(const auto bytes, io::read_file(options.witness_file));
    if (!bytes) {
        return {};
    }
    QUORATE_TRY(witness, decode_witness_block(*bytes));
    if (witness.set != set_id) {
        return fail(errc::refused, options.witness_file + ": is of another set of that name");
    }
    return {};
}

Status SoloSet::Impl::start() {
    witness.set = set_id;
    QUORATE_CHECK(read_witness());
    log = Logger().with("unit", options.unit);
    Random random(io::random_seed());
    SetOptions set_options;
    set_options.set = set_id;
    for (const auto& disk : disks) {
        set_options.devices.push_back({disk.path, 1});
    }
    set_options.slot = OpenerSlot(0);
    set_options.opener = {cluster::NodeId(1), cluster::Incarnation(random.next())};
    set_options.seed = random.next();
    set_options.accept_loss = options.accept_loss;
    set = std::make_unique<Set>(std::move(set_options));
    feed(Start{});
    return {};
}

Result<std::unique_ptr<SoloSet>> SoloSet::open(boost::asio::io_context& io, SoloOptions options) {
    if (options.disks.empty() || options.disks.size() > kMaxMembers) {
        return fail(errc::refused, fmt::format("a set has 1 to {} disks", kMaxMembers));
    }
    QUORATE_TRY(auto ring, io::Uring::open(io));
    auto impl = std::make_shared<Impl>(io, std::move(options), std::move(ring));
    std::optional<Error> problem;
    for (std::size_t i = 0; i < impl->options.disks.size(); ++i) {
        impl->disks[i].path = impl->options.disks[i];
        auto found = inspect_label(impl->disks[i].path);
        if (!found) {
            problem = problem ? problem : found.error();
        } else if (impl->set_id != Id128{} && found->label.set != impl->set_id) {
            return fail(errc::refused, impl->disks[i].path + ": a disk of another set");
        } else {
            impl->set_id = found->label.set;
            impl->block_shift = found->label.layout.block_shift;
        }
    }
    if (impl->set_id == Id128{}) {
        return tl::unexpected(*problem);
    }
    QUORATE_CHECK(impl->start());
    return std::unique_ptr<SoloSet>(new SoloSet(std::move(impl)));
}

SoloSet::SoloSet(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

SoloSet::~SoloSet() {
    impl_->stopped = true;
    impl_->timer.cancel();
}

// ---- the machine

void SoloSet::Impl::feed(SetInput input) {
    inbox.push_back(std::move(input));
    if (pumping || stopped) {
        return;
    }
    pumping = true;
    while (!inbox.empty()) {
        const auto next = std::move(inbox.front());
        inbox.pop_front();
        for (const auto& output : set->step(now(), next)) {
            std::visit([&](const auto& one) { perform(one); }, output);
        }
    }
    pumping = false;
    arm();
}

void SoloSet::Impl::arm() {
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

void SoloSet::submit(SoloRequest request, SoloDone done) {
    auto& impl = *impl_;
    const auto size = std::uint64_t{1} << impl.block_shift;
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
    const Extent extent{request.offset >> impl.block_shift, request.octets >> impl.block_shift};
    impl.feed(Submit{RequestId(id), request.kind, extent, request.fua});
}

void SoloSet::when_mounted(std::function<void()> done) {
    if (impl_->mounted) {
        done();
    } else {
        impl_->for_mount.push_back(std::move(done));
    }
}

Status SoloSet::add(const std::string& path) {
    auto& disks = impl_->disks;
    auto disk = std::ranges::find(disks, path, &Impl::Disk::path);
    if (disk == disks.end()) {
        disk = std::ranges::find(disks, std::string(), &Impl::Disk::path);
    }
    if (disk == disks.end()) {
        return fail(errc::refused, fmt::format("a set has at most {} disks", kMaxMembers));
    }
    disk->path = path;
    impl_->feed(AddDevice{static_cast<DeviceIndex>(disk - disks.begin()), path});
    return {};
}

Status SoloSet::remove(const std::string& path) {
    const auto disk = std::ranges::find(impl_->disks, path, &Impl::Disk::path);
    if (path.empty() || disk == impl_->disks.end()) {
        return fail(errc::refused, path + ": not a disk of this set");
    }
    impl_->feed(RemoveDevice{static_cast<DeviceIndex>(disk - impl_->disks.begin())});
    return {};
}

void SoloSet::expand() { impl_->feed(Expand{}); }

void SoloSet::dismount(std::function<void(bool clean)> done) {
    impl_->for_dismount = std::move(done);
    impl_->feed(Dismount{});
}

SoloStatus SoloSet::status() const {
    auto status = impl_->counted;
    status.set = impl_->set->status();
    std::erase_if(status.set.members, [](const MemberStatus& one) { return one.device.empty(); });
    status.refused = impl_->refused;
    status.octets = impl_->blocks << impl_->block_shift;
    status.block_octets = 1u << impl_->block_shift;
    return status;
}

const std::string& SoloSet::unit() const { return impl_->options.unit; }

}  // namespace quorate::shadowing
