// The lock manager's machine without daemon, socket or network.
//
//     lock_engine pairs --count N       lock and release of one resource mastered here, after each
//     other lock_engine memory --count N      so many locks held, each on a resource of its own
//     lock_engine recovery --count N    three nodes with so many locks, of which one dies
//
// Each prints a Report.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "../src/report.hpp"
#include "lockmgr/lock_manager.hpp"
#include "processor_time.hpp"
#include "recovery.hpp"

namespace quorate::bench {
namespace {

using namespace lockmgr;

// A node that is alone, and its only client.
class Alone {
public:
    Alone() : manager_(options()) {
        cluster::View view;
        view.epoch = cluster::Epoch(1);
        view.members.push_back({});
        view.members.front().id = options().self;
        view.members.front().directory_weight = 1;
        view.quorate = true;
        give(cluster::ViewCommitted{view});
        give(ClientOpened{kClient, 1000, 0, {}, 0});
    }

    LockId lock(std::string_view name) {
        Enqueue request;
        request.client = kClient;
        request.domain = "bench";
        request.name = name;
        request.mode = LockMode::EX;
        return give(request);
    }
    void unlock(LockId lock) { give(Dequeue{kClient, RequestId(0), lock, 0, {}}); }
    LockCounts counts() const { return manager_.counts(); }

private:
    static constexpr ClientId kClient{1};

    static LockManagerOptions options() {
        LockManagerOptions options;
        options.self = {NodeId(1), cluster::Incarnation(1)};
        return options;
    }
    LockId give(const LockInput& input) {
        out_.clear();
        manager_.step(MonoTime(std::chrono::seconds(1)), input, out_);
        const auto* done = out_.empty() ? nullptr : std::get_if<Completion>(&out_.front());
        return done == nullptr ? LockId(0) : done->lock;
    }

    LockManager manager_;
    std::vector<LockOutput> out_;
};

int pairs(std::size_t count) {
    Alone node;
    const std::string name = "accounts/alice";
    std::vector<double> rounds;
    for (int round = 0; round < 5; ++round) {
        const auto begun = processor_time();
        for (std::size_t i = 0; i < count; ++i) {
            node.unlock(node.lock(name));
        }
        const auto took = processor_time() - begun;
        rounds.push_back(static_cast<double>(took.count()) / static_cast<double>(count));
    }
    Report report;
    report.number("pair_ns", quantile(rounds, 0.5));
    report.print();
    return 0;
}

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

int memory(std::size_t count) {
    Alone node;
    node.unlock(node.lock("first"));
    const auto before = resident_bytes();
    for (std::size_t i = 0; i < count; ++i) {
        std::array<char, 32> name;
        std::snprintf(name.data(), name.size(), "accounts/%08zu", i);
        node.lock(name.data());
    }
    const auto bytes = resident_bytes() - before;
    if (node.counts().locks != count) {
        std::fputs("some locks were refused\n", stderr);
        return 1;
    }
    Report report;
    report.number("bytes_per_lock", bytes / static_cast<double>(count));
    report.print();
    return 0;
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    using namespace quorate::bench;
    CLI::App app("the lock manager's machine");
    std::size_t count = 1'000'000;
    int (*chosen)(std::size_t) = nullptr;
    const auto add = [&](const char* name, int (*run)(std::size_t)) {
        auto* command = app.add_subcommand(name);
        command->add_option("--count", count);
        command->callback([&chosen, run] { chosen = run; });
    };
    add("pairs", pairs);
    add("memory", memory);
    add("recovery", recovery);
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return chosen(count);
}
