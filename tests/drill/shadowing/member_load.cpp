#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/random.hpp"
#include "shadowing/io/rados_member.hpp"

// A member in RADOS under load: writes blocks until its input ends, says how many were
// acknowledged, then reads all of them back. `refused`: it was shut out.
namespace quorate::shadowing {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kBlocks = 4096;
constexpr std::size_t kAtOnce = 16;

ServedOpener opener_of(const char* node) {
    return {{cluster::NodeId(static_cast<std::uint32_t>(std::atoi(node))), cluster::Incarnation(1)},
            1};
}

void say(const char* word, std::uint64_t number) {
    std::printf("%s %llu\n", word, static_cast<unsigned long long>(number));
    std::fflush(stdout);
}

class MemberLoad {
public:
    MemberLoad(boost::asio::io_context& io, Member& member)
        : io_(io), member_(member), input_(io, ::dup(STDIN_FILENO)) {}

    int run() {
        listen();
        for (std::size_t i = 0; i < kAtOnce; ++i) {
            write_one();
        }
        io_.restart();
        io_.run();
        if (refused_) {
            say("refused", acknowledged_);
            return 0;
        }
        return verify();
    }

private:
    void listen() {
        input_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code&) { stopping_ = true; });
    }

    static std::string content(std::uint64_t block, std::uint64_t version) {
        std::string bytes(kBlock, '\0');
        for (std::size_t at = 0; at < kBlock; at += 16) {
            std::memcpy(bytes.data() + at, &block, 8);
            std::memcpy(bytes.data() + at + 8, &version, 8);
        }
        return bytes;
    }

    void write_one() {
        auto block = random_.below(kBlocks);
        while (!under_way_.insert(block).second) {
            block = random_.below(kBlocks);
        }
        const auto version = ++version_;
        auto data = std::make_shared<io::AlignedBuffer>(content(block, version));
        member_.write(block * kBlock, data->span(), false,
                      [this, data, block, version](Outcome outcome) {
                          under_way_.erase(block);
                          ended(block, version, outcome);
                      });
    }

    void ended(std::uint64_t block, std::uint64_t version, Outcome outcome) {
        if (outcome == Outcome::kOk) {
            newest_[block] = version;
            if (++acknowledged_ % 100 == 0) {
                say("acknowledged", acknowledged_);
            }
        } else if (outcome == Outcome::kRefused) {
            refused_ = true;
        } else {
            say("failed", block);
            std::exit(1);
        }
        if (!stopping_ && !refused_) {
            write_one();
        } else if (under_way_.empty()) {
            io_.stop();
        }
    }

    int verify() {
        io::AlignedBuffer buffer(kBlock);
        for (const auto& [block, version] : newest_) {
            bool same = false;
            member_.read(block * kBlock, buffer.span(), [&](Outcome outcome) {
                same = outcome == Outcome::kOk && buffer.text() == content(block, version);
                io_.stop();
            });
            io_.restart();
            io_.run();
            if (!same) {
                say("differs", block);
                return 1;
            }
        }
        say("verified", newest_.size());
        return 0;
    }

    boost::asio::io_context& io_;
    Member& member_;
    boost::asio::posix::stream_descriptor input_;
    Random random_{4711};
    std::set<std::uint64_t> under_way_;
    std::map<std::uint64_t, std::uint64_t> newest_;
    std::uint64_t version_ = 0;
    std::uint64_t acknowledged_ = 0;
    bool stopping_ = false;
    bool refused_ = false;
};

int fail_with(const Error& error) {
    std::fprintf(stderr, "%s\n", error.to_string().c_str());
    return 1;
}

int load(const std::string& place, const char* node) {
    boost::asio::io_context io(1);
    auto member = connect_rados_member(io, place, opener_of(node), RadosOthers::kStay);
    return member ? MemberLoad(io, **member).run() : fail_with(member.error());
}

int drop(const std::string& place, const char* node) {
    boost::asio::io_context io(1);
    Status dropped;
    drop_rados_opener(io, place, opener_of(node), [&](Status status) { dropped = status; });
    io.run();
    return dropped ? 0 : fail_with(dropped.error());
}

}  // namespace
}  // namespace quorate::shadowing

int main(int argc, char** argv) {
    using namespace quorate::shadowing;
    const std::string word = argc == 4 ? argv[1] : "";
    if (word == "make") {
        const auto made = make_rados_member(argv[2], std::strtoull(argv[3], nullptr, 10));
        return made ? 0 : fail_with(made.error());
    }
    if (word == "load") {
        return load(argv[2], argv[3]);
    }
    if (word == "drop") {
        return drop(argv[2], argv[3]);
    }
    std::fprintf(stderr, "member_load make PLACE OCTETS | load PLACE NODE | drop PLACE NODE\n");
    return 2;
}
