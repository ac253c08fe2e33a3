#include "shadowing/cluster/witnesses.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "io/event.hpp"
#include "io/task.hpp"
#include "shadowing/cluster/witness_json.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;

constexpr const char* kQuorumdSocket = "run/quorate/quorumd.sock";
constexpr std::chrono::milliseconds kDiskTime{10'000};

// One question to all nodes.
struct Round {
    explicit Round(boost::asio::io_context& io) : enough(io) {}
    std::vector<NodeWord> words;
    std::size_t left = 0;
    std::size_t wanted = 0;
    io::Event enough;

    void hear(const Result<WitnessBlock>& answer) {
        --left;
        if (answer) {
            words.push_back({1, answer->word, answer->reserved});
        }
        if (left == 0 || words.size() >= wanted) {
            enough.set();
        }
    }
};

class NodeWitness final : public WitnessKeeper {
public:
    NodeWitness(ClusterNode& node, WitnessFiles& files) : node_(node), files_(files) {}

    awaitable<Witness> read(Id128 set) override {
        const auto quorum = witness_quorum(node_.nodes().size());
        WitnessBlock nothing;
        nothing.set = set;
        auto round = co_await ask(nothing, quorum.to_read);
        co_return witness_of(round->words, quorum.to_read);
    }

    awaitable<Status> tell(WitnessBlock block) override {
        const auto quorum = witness_quorum(node_.nodes().size());
        auto round = co_await ask(block, quorum.to_tell);
        if (round->words.size() < quorum.to_tell) {
            co_return fail(errc::refused, fmt::format("{} of {} nodes remember it",
                                                      round->words.size(), quorum.to_tell));
        }
        co_return Status();
    }

private:
    // What is told is taken in by who hears it, and what he then knows is the answer.
    awaitable<std::shared_ptr<Round>> ask(WitnessBlock block, std::size_t wanted) {
        const auto round = std::make_shared<Round>(node_.io());  // of all who are asked
        const auto nodes = node_.nodes();
        round->left = nodes.size();
        round->wanted = wanted;
        for (const auto& name : nodes) {
            if (name != node_.name()) {
                io::spawn(node_.io(), ask_one(round, name, block));
            }
        }
        round->hear(files_.learn(block));
        auto woken = co_await round->enough.wait();
        static_cast<void>(woken);
        co_return round;
    }

    awaitable<void> ask_one(std::shared_ptr<Round> round, std::string name, WitnessBlock block) {
        auto answer = co_await node_.ask(name, "PUT", "/v1/shadow/cluster/witness", to_json(block));
        if (answer && answer->status == 200 && answer->body.is_object()) {
            round->hear(witness_block_from(answer->body.as_object()));
        } else {
            round->hear(fail(errc::refused, name + " does not answer"));
        }
    }

    ClusterNode& node_;
    WitnessFiles& files_;
};

class DiskWitness final : public WitnessKeeper {
public:
    explicit DiskWitness(ClusterNode& node) : node_(node) {}

    awaitable<Witness> read(Id128 set) override {
        boost::json::value nothing;
        auto answer = co_await node_.call(kQuorumdSocket, "GET", "/v1/witnesses",
                                          std::move(nothing), kDiskTime);
        Witness witness;
        if (!answer || answer->status != 200 || !answer->body.is_object()) {
            co_return witness;
        }
        witness.known = true;
        for (const auto& one : answer->body.as_object().at("witnesses").as_array()) {
            const auto block = witness_block_from(one.as_object());
            if (block && block->set == set) {
                witness.word = block->word;
                witness.reserved = block->reserved;
            }
        }
        co_return witness;
    }

    // A number is reserved above what is known: quorumd takes it with that, or not at all.
    awaitable<Status> tell(WitnessBlock block) override {
        if (!block.word) {
            auto known = co_await read(block.set);
            block.word = known.word;
        }
        auto answer =
            co_await node_.call(kQuorumdSocket, "PUT", "/v1/witnesses", to_json(block), kDiskTime);
        if (!answer) {
            co_return tl::unexpected<Error>(std::move(answer).error());
        }
        const auto* held = answer->status == 200 && answer->body.is_object()
                               ? answer->body.as_object().if_contains("held")
                               : nullptr;
        if (held == nullptr || !held->is_bool()) {
            co_return fail(errc::refused, "quorumd: " + answer->text);
        }
        co_return Status();
    }

private:
    ClusterNode& node_;
};

}  // namespace

Result<WitnessFile*> WitnessFiles::of(Id128 set) {
    const auto name = set.to_hex();
    auto it = files_.find(name);
    if (it == files_.end()) {
        QUORATE_TRY(auto file, WitnessFile::open(fmt::format("{}/{}.witness", folder_, name), set));
        it = files_.emplace(name, std::move(file)).first;
    }
    return &it->second;
}

Result<WitnessBlock> WitnessFiles::learn(const WitnessBlock& block) {
    QUORATE_TRY(auto* file, of(block.set));
    QUORATE_CHECK(file->reserve(block.reserved));
    if (block.word) {
        QUORATE_CHECK(file->write(*block.word));
    }
    return file->block();
}

WitnessQuorum witness_quorum(std::size_t nodes) {
    const auto count = static_cast<std::uint32_t>(nodes);
    const auto to_tell = count == 2 ? 1 : count / 2 + 1;
    return {to_tell, count - to_tell + 1};
}

std::unique_ptr<WitnessKeeper> make_node_witness(ClusterNode& node, WitnessFiles& files) {
    return std::make_unique<NodeWitness>(node, files);
}

std::unique_ptr<WitnessKeeper> make_disk_witness(ClusterNode& node) {
    return std::make_unique<DiskWitness>(node);
}

}  // namespace quorate::shadowing
