#include "shadowing/io/solo_set.hpp"

#include "base/log.hpp"
#include "io/time.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/rados_member.hpp"
#include "shadowing/io/witness_file.hpp"
#include "solo_locks.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint64_t kEpoch = 1;  // there is no cluster that could go on without this opener

// In whose name a member in RADOS is open. Another life of it that is left is shut out.
constexpr ServedOpener kOpener{{cluster::NodeId(1), cluster::Incarnation(1)}, 1};

class SoloSurroundings final : public Surroundings {
public:
    SoloSurroundings(boost::asio::io_context& io, WitnessFile witness)
        : io_(io), witness_(std::move(witness)) {}

    void start(Feed feed) override { feed_ = std::move(feed); }
    void stop() override {}
    Moment now() override {
        return {io::exact_boot_now(), {Lease::State::kRunning, kEpoch, BootTime::max()}};
    }

    void ask(const ReadWitness& output) override {
        const auto& block = witness_.block();
        feed_(WitnessRead{output.op,
                          {.known = true, .word = block.word, .reserved = block.reserved}});
    }
    void ask(const ReserveGeneration& output) override {
        kept(output.op, witness_.reserve(output.number));
    }
    void ask(const WriteWitness& output) override { kept(output.op, witness_.write(output.word)); }
    void ask(const Lock& output) override {
        if (const auto locked = locks_.ask(output)) {
            feed_(*locked);
        }
    }
    void open_member(io::Uring& ring, const std::string& disk, Opened done) override {
        if (is_rados_place(disk)) {
            open_rados_member(io_, disk, kOpener, RadosOthers::kShutOut, std::move(done));
        } else {
            done(open_file_member(ring, io_, disk));
        }
    }

private:
    void kept(OpId op, const Status& status) {
        if (!status) {
            Logger().error("witness_not_kept", "why", status.error().to_string());
        }
        feed_(Done{op, status ? Outcome::kOk : Outcome::kFailed});
    }

    boost::asio::io_context& io_;
    WitnessFile witness_;
    SoloLocks locks_;
    Feed feed_;
};

}  // namespace

Result<std::unique_ptr<MountedSet>> open_solo_set(boost::asio::io_context& io,
                                                  SoloOptions options) {
    QUORATE_TRY(const auto label, find_set(options.disks));
    QUORATE_TRY(auto witness, WitnessFile::open(options.witness_file, label.set));
    MountOptions mount{options.unit,
                       label.set,
                       label.layout.block_shift,
                       std::move(options.disks),
                       OpenerSlot(0),
                       {cluster::NodeId(1), cluster::Incarnation(io::random_seed())},
                       options.accept_loss};
    return MountedSet::open(io, std::move(mount),
                            std::make_unique<SoloSurroundings>(io, std::move(witness)));
}

}  // namespace quorate::shadowing
