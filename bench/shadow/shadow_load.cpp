#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include "../lock/processor_time.hpp"
#include "../src/report.hpp"
#include "base/random.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/solo_set.hpp"

// Reads or writes a set of local disks through the library, so many requests at a time, for so many
// seconds. Makes the set first and waits for its copy, unless told otherwise.
namespace quorate::bench {
namespace {

struct Options {
    std::vector<std::string> disks;
    std::string witness;
    std::uint64_t octets = 4096;
    std::size_t depth = 1;
    double seconds = 3;
    bool reads = false;
    bool sequential = false;
    std::uint64_t step = 0;    // from one request to the next, if sequential; 0: octets
    std::uint64_t within = 0;  // of the unit's beginning; 0: all of it
    bool fua = false;
    bool again = false;       // the set is there already
    bool under_copy = false;  // and not longer than it lasts
    bool crash = false;       // at the end, with requests under way
};

bool is_whole(const shadowing::UnitStatus& status) {
    for (const auto& member : status.set.members) {
        if (member.role != shadowing::Role::kFull) {
            return false;
        }
    }
    return status.set.mounted && status.set.to_merge.empty();
}

class Load {
public:
    Load(boost::asio::io_context& io, shadowing::MountedSet& set, const Options& options)
        : io_(io), set_(set), options_(options), random_(1) {
        io::AlignedBuffer buffer(options.octets);
        for (std::size_t at = 0; at < buffer.size(); at += 8) {
            const auto word = random_.next();
            std::memcpy(buffer.data() + at, &word, sizeof(word));
        }
        data_ = std::make_shared<const io::AlignedBuffer>(std::move(buffer));
        step_ = options.sequential && options.step != 0 ? options.step : options.octets;
        places_ = (options.within != 0 ? options.within : set.status().octets) / step_;
    }

    void run() {
        started_ = Clock::now();
        const auto processor = processor_time();
        for (std::size_t i = 0; i < options_.depth; ++i) {
            ask();
        }
        io_.restart();
        io_.run();
        const auto seconds = seconds_since(started_);
        const std::chrono::duration<double, std::micro> busy = processor_time() - processor;
        const auto done = static_cast<double>(latencies_.size());
        const auto status = set_.status();
        Report()
            .number("iops", done / seconds)
            .number("mib_s", done * static_cast<double>(options_.octets) / seconds / (1 << 20))
            .number("median_us", quantile(latencies_, 0.5))
            .number("p99_us", quantile(latencies_, 0.99))
            .number("cpu_us", busy.count() / done)
            .count("intent_blocks", status.set.intent_blocks)
            .count("hot_regions", status.set.hot_regions)
            .print();
    }

private:
    void ask() {
        const auto place = options_.sequential ? next_++ % places_ : random_.below(places_);
        const auto kind =
            options_.reads ? shadowing::RequestKind::kRead : shadowing::RequestKind::kWrite;
        const auto begun = Clock::now();
        ++under_way_;
        shadowing::UnitRequest request{kind, place * step_, options_.octets, options_.fua,
                                       options_.reads ? nullptr : data_};
        set_.submit(std::move(request), [this, begun](const shadowing::UnitReply& reply) {
            if (reply.status != shadowing::ReplyStatus::kOk) {
                std::fprintf(stderr, "a request failed\n");
                std::exit(1);
            }
            latencies_.push_back(seconds_since(begun) * 1e6);
            --under_way_;
            if (goes_on()) {
                ask();
            } else if (options_.crash) {
                ::kill(::getpid(), SIGKILL);
            } else if (under_way_ == 0) {
                io_.stop();
            }
        });
    }

    bool goes_on() const {
        const bool look = options_.under_copy && latencies_.size() % 64 == 0;
        return seconds_since(started_) < options_.seconds && !(look && is_whole(set_.status()));
    }

    boost::asio::io_context& io_;
    shadowing::MountedSet& set_;
    const Options& options_;
    Random random_;
    std::shared_ptr<const io::AlignedBuffer> data_;
    std::uint64_t step_ = 0;
    std::uint64_t places_ = 0;
    std::uint64_t next_ = 0;
    std::size_t under_way_ = 0;
    Clock::time_point started_;
    std::vector<double> latencies_;
};

bool made(const Options& options) {
    if (options.again) {
        return true;
    }
    const auto set = shadowing::create_set({.unit = "DSA1", .disks = options.disks, .force = true});
    if (!set) {
        std::fprintf(stderr, "%s\n", set.error().to_string().c_str());
        return false;
    }
    std::filesystem::remove(options.witness);
    return true;
}

int run(const Options& options) {
    if (!made(options)) {
        return 1;
    }
    boost::asio::io_context io(1);
    const auto begun = Clock::now();
    auto set = shadowing::open_solo_set(io, {"DSA1", options.disks, options.witness});
    if (!set) {
        std::fprintf(stderr, "%s\n", set.error().to_string().c_str());
        return 1;
    }
    while (options.under_copy ? !(*set)->status().set.mounted : !is_whole((*set)->status())) {
        io.run_one();
    }
    std::fprintf(stderr, "ready after %.2f s\n", seconds_since(begun));
    Load(io, **set, options).run();
    return 0;
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    CLI::App app("a load for a shadow set of local disks");
    quorate::bench::Options options;
    app.add_option("DISK", options.disks)->required();
    app.add_option("--witness", options.witness)->required();
    app.add_option("--octets", options.octets);
    app.add_option("--depth", options.depth);
    app.add_option("--seconds", options.seconds);
    app.add_flag("--read", options.reads);
    app.add_flag("--sequential", options.sequential);
    app.add_option("--step", options.step);
    app.add_option("--within", options.within);
    app.add_flag("--fua", options.fua);
    app.add_flag("--again", options.again);
    app.add_flag("--under-copy", options.under_copy);
    app.add_flag("--crash", options.crash);
    CLI11_PARSE(app, argc, argv);
    return quorate::bench::run(options);
}
