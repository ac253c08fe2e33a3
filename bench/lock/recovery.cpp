#include "recovery.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "../src/report.hpp"
#include "measured_cluster.hpp"

namespace quorate::bench {
namespace {

using namespace lockmgr;
using Time = MeasuredCluster::Time;
using std::chrono::milliseconds;

constexpr std::uint32_t kNodes = 3;
constexpr std::uint32_t kLost = 3;

std::string name_of_root(std::size_t root) {
    std::array<char, 32> name;
    std::snprintf(name.data(), name.size(), "accounts/%08zu", root);
    return name.data();
}
// Who asks for it first.
std::uint32_t first_of(std::size_t root) { return static_cast<std::uint32_t>(root % kNodes) + 1; }

struct Figures {
    std::vector<double> touched;    // milliseconds: a conversion in a tree of the lost master
    std::vector<double> untouched;  // in another one
    std::size_t unanswered = 0;
    double longest_step = 0;
};

double in_ms(Time time) { return std::chrono::duration<double, std::milli>(time).count(); }

class Run {
public:
    explicit Run(std::size_t locks) : roots_(locks / kNodes), lost_(roots_), locks_(kNodes) {}

    // Each root has a lock of every node; a third of the roots is mastered by each.
    void fill() {
        constexpr std::size_t kAtOnce = 1000;
        for (std::uint32_t turn = 0; turn < kNodes; ++turn) {
            for (std::size_t from = 0; from < roots_; from += kAtOnce) {
                std::vector<MeasuredCluster::Number> asked;
                const auto end = std::min(from + kAtOnce, roots_);
                for (auto root = from; root < end; ++root) {
                    const auto node = (first_of(root) - 1 + turn) % kNodes + 1;
                    asked.push_back(
                        world_.lock(node, name_of_root(root), LockMode::CR, world_.now()));
                }
                world_.run(world_.now() + milliseconds(100));
                for (auto root = from; root < end; ++root) {
                    const auto node = (first_of(root) - 1 + turn) % kNodes;
                    locks_[node].resize(roots_);
                    locks_[node][root] = world_.operation(asked[root - from]).lock;
                }
                world_.forget_operations();
            }
        }
    }

    // What one other node has used alone for a minute may have moved meanwhile.
    void see_masters() {
        world_.manager(kLost).each_resource([&](const ResourceInfo& info) {
            if (info.here) {
                lost_[std::stoul(info.path.front().substr(info.path.front().rfind('/') + 1))] =
                    true;
            }
        });
    }

    // The survivors go on asking, each once per millisecond, in trees of both kinds.
    Figures lose_one() {
        world_.forget_steps();
        const auto begun = world_.now();
        world_.lose(kLost);
        std::vector<MeasuredCluster::Number> touched;
        std::vector<MeasuredCluster::Number> untouched;
        std::size_t root = 0;
        for (Time after(0); after < milliseconds(1500); after += milliseconds(1)) {
            for (std::uint32_t node = 1; node <= kNodes; ++node) {
                if (node == kLost) {
                    continue;
                }
                root = (root + 7919) % roots_;
                for (const auto at : {next(root, true), next(root, false)}) {
                    auto& list = lost_[at] ? touched : untouched;
                    list.push_back(
                        world_.convert(node, locks_[node - 1][at], LockMode::PR, begun + after));
                    locks_[node - 1][at] = LockId(0);
                }
            }
        }
        world_.run(begun + std::chrono::seconds(10));
        Figures figures;
        figures.longest_step = in_ms(world_.longest_step());
        const auto collect = [&](const auto& numbers, std::vector<double>& times) {
            for (const auto number : numbers) {
                const auto& operation = world_.operation(number);
                if (operation.ended()) {
                    times.push_back(in_ms(operation.took()));
                } else {
                    ++figures.unanswered;
                }
            }
        };
        collect(touched, figures.touched);
        collect(untouched, figures.untouched);
        return figures;
    }

private:
    std::size_t next(std::size_t root, bool lost) const {
        for (;; root = (root + 1) % roots_) {
            if (lost_[root] == lost && locks_[0][root] != LockId(0) &&
                locks_[1][root] != LockId(0)) {
                return root;
            }
        }
    }

    std::size_t roots_;
    std::vector<bool> lost_;  // mastered by the node that falls
    MeasuredCluster world_{kNodes};
    std::vector<std::vector<LockId>> locks_;  // by node and root
};

}  // namespace

int recovery(std::size_t locks) {
    Run run(locks);
    run.fill();
    run.see_masters();
    const auto figures = run.lose_one();
    if (figures.unanswered != 0) {
        std::fprintf(stderr, "%zu requests were not answered\n", figures.unanswered);
        return 1;
    }
    Report report;
    report.number("touched_ms", quantile(figures.touched, 1));
    report.number("untouched_ms", quantile(figures.untouched, 1));
    report.number("untouched_p99_ms", quantile(figures.untouched, 0.99));
    report.number("untouched_median_ms", quantile(figures.untouched, 0.5));
    report.number("longest_step_ms", figures.longest_step);
    report.print();
    return 0;
}

}  // namespace quorate::bench
