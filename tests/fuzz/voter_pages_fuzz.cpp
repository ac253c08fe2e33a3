// A voter on a disk of which others make what they like: between its steps octets of any page
// change and the page is sealed anew, so that every field is reached. It may lose the votes; it
// must not fall, nor be kept busy. Input: groups of page, offset (2), count, octets.

#include <string>
#include <variant>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "quorum/header.hpp"
#include "quorum/page.hpp"
#include "quorum/voter.hpp"

namespace {

using namespace quorate;
using namespace quorate::quorum;

constexpr BootTime kStart{std::chrono::seconds(1000)};
constexpr std::uint32_t kNodes = 3;
constexpr int kStepsBetween = 12;
constexpr std::size_t kMostChanges = 24;
constexpr Uuid kCluster{1, 2};
constexpr Uuid kDisk{3, 4};

class World {
public:
    World() : voter_(options()), pages_(pages_for(kNodes), std::string(kPageBytes, '\0')) {
        Header header;
        header.cluster = kCluster;
        header.disk = kDisk;
        header.count = 1;
        pages_[0] = encode(header, 0);
        pages_[1] = encode(header, 1);
        Configured configured;
        configured.nodes = {{NodeId(1), 1}, {NodeId(2), 1}, {NodeId(3), 1}};
        configured.disk_votes = 2;
        feed(configured);
        UseDisks disks;
        disks.current = {{DiskNumber(0), kDisk}};
        feed(disks);
        NodeSet alone;
        alone.add(NodeId(1));
        feed(RingChanged{{NodeId(1), 4}, alone});
    }
    void run() {
        for (int step = 0; step < kStepsBetween; ++step) {
            const auto due = voter_.deadline();
            QUORATE_ASSERT(due > now_);
            now_ = due;
            feed(Tick{});
        }
    }
    void change(std::size_t page, std::size_t offset, std::string_view octets) {
        auto& bytes = pages_[page % pages_.size()];
        offset %= kPageBytes - 4;
        octets = octets.substr(0, kPageBytes - 4 - offset);
        bytes.replace(offset, octets.size(), octets);
        bytes.resize(kPageBytes - 4);
        ByteWriter(bytes).u32(crc32c(bytes));
    }

private:
    static VoterOptions options() {
        VoterOptions options;
        options.self = NodeId(1);
        options.incarnation = Incarnation(7);
        options.cluster = kCluster;
        return options;
    }
    // Everything that it asks for is done at once.
    void feed(const VoterInput& input) {
        std::vector<VoterInput> waiting{input};
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            QUORATE_ASSERT(i < 1000);
            const auto one = waiting[i];
            for (const auto& output : voter_.step(now_, one)) {
                if (auto answer = answer_to(output); !std::holds_alternative<Tick>(answer)) {
                    waiting.push_back(std::move(answer));
                }
            }
        }
    }
    VoterInput answer_to(const VoterOutput& output) {
        if (const auto* read = std::get_if<ReadPages>(&output)) {
            std::string bytes;
            for (auto page = read->first; page < read->first + read->count; ++page) {
                bytes += pages_.at(page);
            }
            return PagesRead{read->id, true, bytes};
        }
        if (const auto* write = std::get_if<WritePage>(&output)) {
            pages_.at(write->page) = write->bytes;
            return PageWritten{write->id, true};
        }
        if (const auto* poll = std::get_if<Poll>(&output)) {
            return Polled{poll->ring, poll->cast, true};
        }
        return Tick{};
    }

    BootTime now_ = kStart;
    Voter voter_;
    std::vector<std::string> pages_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader in(fuzz::as_text(data, size));
    World world;
    world.run();
    for (std::size_t changes = 0; changes < kMostChanges && !in.at_end(); ++changes) {
        const auto page = in.u8();
        const auto offset = in.u16();
        const auto octets = in.raw(in.u8());
        if (in.failed()) {
            break;
        }
        world.change(page, offset, octets);
        world.run();
    }
    return 0;
}
