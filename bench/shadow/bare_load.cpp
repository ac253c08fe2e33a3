#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <CLI/CLI.hpp>

#include "../lock/processor_time.hpp"
#include "../src/report.hpp"
#include "base/random.hpp"

// What the disks give without a set: each write goes to all files and is done when all have it,
// each read to one of them in turn; bare io_uring in one thread, one system call for what can go
// together.
namespace quorate::bench {
namespace {

struct Options {
    std::vector<std::string> files;
    std::uint64_t octets = 4096;
    std::size_t depth = 1;
    double seconds = 3;
    bool reads = false;
    bool both = false;
    bool sequential = false;
};

[[noreturn]] void die(const std::string& what) {
    std::perror(what.c_str());
    std::exit(1);
}

class BareLoad {
public:
    explicit BareLoad(const Options& options) : options_(options), requests_(options.depth) {
        if (::io_uring_queue_init(256, &ring_, 0) < 0) {
            die("io_uring");
        }
        for (const auto& path : options.files) {
            files_.push_back(::open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
            if (files_.back() < 0) {
                die(path);
            }
            places_ =
                static_cast<std::uint64_t>(::lseek(files_.back(), 0, SEEK_END)) / options.octets;
        }
        for (auto& request : requests_) {
            request.memory =
                static_cast<char*>(std::aligned_alloc(4096, options.octets * options.files.size()));
            std::memset(request.memory, 0x5a, options.octets * options.files.size());
        }
    }

    void run() {
        started_ = Clock::now();
        const auto processor = processor_time();
        for (auto& request : requests_) {
            ask(request);
        }
        while (under_way_ > 0) {
            ::io_uring_submit_and_wait(&ring_, 1);
            io_uring_cqe* entry = nullptr;
            while (::io_uring_peek_cqe(&ring_, &entry) == 0) {
                auto& request = *static_cast<Request*>(::io_uring_cqe_get_data(entry));
                if (entry->res != static_cast<int>(options_.octets)) {
                    die("a request failed");
                }
                ::io_uring_cqe_seen(&ring_, entry);
                if (--request.left == 0) {
                    ended(request);
                }
            }
        }
        report(processor_time() - processor);
    }

private:
    struct Request {
        char* memory = nullptr;
        std::size_t left = 0;
        Clock::time_point begun;
    };

    void ask(Request& request) {
        const auto place = options_.sequential ? next_++ % places_ : random_.below(places_);
        const bool all = !options_.reads || options_.both;
        request.begun = Clock::now();
        request.left = all ? files_.size() : 1;
        ++under_way_;
        for (std::size_t i = 0; i < request.left; ++i) {
            const auto file = files_[all ? i : turn_++ % files_.size()];
            auto* entry = ::io_uring_get_sqe(&ring_);
            auto* memory = request.memory + i * options_.octets;
            const auto size = static_cast<unsigned>(options_.octets);
            if (options_.reads) {
                ::io_uring_prep_read(entry, file, memory, size, place * options_.octets);
            } else {
                ::io_uring_prep_write(entry, file, memory, size, place * options_.octets);
            }
            ::io_uring_sqe_set_data(entry, &request);
        }
    }

    void ended(Request& request) {
        latencies_.push_back(seconds_since(request.begun) * 1e6);
        --under_way_;
        if (seconds_since(started_) < options_.seconds) {
            ask(request);
        }
    }

    void report(std::chrono::duration<double, std::micro> busy) const {
        const auto seconds = seconds_since(started_);
        const auto done = static_cast<double>(latencies_.size());
        Report()
            .number("iops", done / seconds)
            .number("mib_s", done * static_cast<double>(options_.octets) / seconds / (1 << 20))
            .number("median_us", quantile(latencies_, 0.5))
            .number("cpu_us", busy.count() / done)
            .print();
    }

    const Options& options_;
    io_uring ring_{};
    std::vector<int> files_;
    std::vector<Request> requests_;
    std::vector<double> latencies_;
    Random random_{1};
    Clock::time_point started_;
    std::uint64_t places_ = 0;
    std::uint64_t next_ = 0;
    std::size_t turn_ = 0;
    std::size_t under_way_ = 0;
};

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    CLI::App app("bare io_uring on the members of a set");
    quorate::bench::Options options;
    app.add_option("FILE", options.files)->required();
    app.add_option("--octets", options.octets);
    app.add_option("--depth", options.depth);
    app.add_option("--seconds", options.seconds);
    app.add_flag("--read", options.reads);
    app.add_flag("--both", options.both, "a read is of all files");
    app.add_flag("--sequential", options.sequential);
    CLI11_PARSE(app, argc, argv);
    quorate::bench::BareLoad(options).run();
    return 0;
}
