#pragma once

#include <array>
#include <deque>
#include <list>
#include <map>
#include <unordered_map>

#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "shadowing/io/member_meta.hpp"
#include "shadowing/io/mounted_set.hpp"

// The parts of a MountedSet. mounted_set.cpp: clients, inputs, time; mounted_effects.cpp: what the
// machine asks for; mounted_words.cpp: what the operator asks for.
namespace quorate::shadowing {

struct MountedSet::Impl : std::enable_shared_from_this<MountedSet::Impl> {
    Impl(boost::asio::io_context& context, MountOptions mount, std::unique_ptr<Surroundings> around,
         io::Uring uring)
        : io(context),
          options(std::move(mount)),
          surroundings(std::move(around)),
          ring(std::move(uring)),
          timer(context) {}

    void start();
    // Until all disks are open, or for as long as they are waited for.
    void gather(BootTime until);
    // Feeds the machine and carries out what it answers, until nothing is left.
    void feed(SetInput input);
    void arm();

    using Data = std::shared_ptr<const io::AlignedBuffer>;
    struct Disk {
        std::string path;
        // Shared with its operations under way.
        std::shared_ptr<Member> member;
        bool opening = false;
        BootTime opening_since;
        std::vector<OpId> waiting;  // for that
        Layout layout;
    };
    // The operator's words, until they are carried out or refused.
    struct Word {
        enum class Kind : std::uint8_t { kAdd, kRemove, kExpand } kind = Kind::kAdd;
        DeviceIndex device = kMaxMembers;  // none: the set
        Asked done;
    };
    struct Client {
        UnitDone done;
        Data data;
    };

    // ---- mounted_effects.cpp
    void perform(const ReadData& output);
    void perform(const WriteData& output);
    void perform(const ZeroData& output);
    void perform(const CompareData& output);
    void perform(const FlushDevice& output);
    void perform(const ReadLabel& output);
    void perform(const WriteLabel& output);
    void perform(const ClearLog& output);
    void perform(const ReadIntent& output);
    void perform(const WriteIntent& output);
    void perform(const ReadWitness& output) { surroundings->ask(output); }
    void perform(const ReserveGeneration& output) { surroundings->ask(output); }
    void perform(const WriteWitness& output) { surroundings->ask(output); }
    void perform(const Lock& output) { surroundings->ask(output); }
    void perform(const CloseDevice& output);
    void perform(const DropData& output) { read_data.erase(output.data.value()); }
    void perform(const Reply& output);
    void perform(const Mounted& output);
    void perform(const Resized& output);
    void perform(const Dismounted& output);
    void perform(const MountRefused& output);
    void perform(const SetNote& output);
    // ---- mounted_words.cpp
    std::optional<DeviceIndex> place_of(const std::string& path) const;
    Result<DeviceIndex> place_for(const std::string& path);
    void ask_for(Word word, SetInput input);
    void happened(std::string text);
    void end_word(std::list<Word>::iterator word, Status status);
    void look_at_words();
    void word_refused(DeviceIndex device, const std::string& why);

    Member::Done answer(OpId op, DeviceIndex device);
    // Says that it failed if the disk is not there.
    bool is_there(OpId op, DeviceIndex device);
    void read_opened(DeviceIndex device, OpId op);
    void open_disk(DeviceIndex device);
    void try_to_open(DeviceIndex device);
    void try_to_open_later(DeviceIndex device);
    void opened(DeviceIndex device, Result<std::unique_ptr<Member>> member);
    std::uint64_t offset_of(DeviceIndex device, const Extent& extent) const {
        return disks[device].layout.data_offset + (extent.lbn << options.block_shift);
    }
    std::size_t octets_of(const Extent& extent) const {
        return static_cast<std::size_t>(extent.blocks) << options.block_shift;
    }

    boost::asio::io_context& io;
    MountOptions options;
    std::unique_ptr<Surroundings> surroundings;
    io::Uring ring;
    boost::asio::steady_timer timer;
    std::optional<BootTime> armed;
    Logger log;

    std::array<Disk, kMaxMembers> disks;
    std::unique_ptr<Set> set;
    std::uint64_t blocks = 0;

    std::deque<SetInput> inbox;
    bool pumping = false;
    bool stopped = false;
    std::string refused;
    std::vector<std::function<void()>> for_mount;
    bool mounted = false;
    std::function<void(bool clean)> for_dismount;
    std::list<Word> words;
    std::deque<UnitEvent> events;

    std::map<std::uint64_t, Client> clients;
    std::uint64_t next_request = 1;
    std::unordered_map<std::uint64_t, Data> read_data;  // by operation
    UnitStatus counted;
};

}  // namespace quorate::shadowing
