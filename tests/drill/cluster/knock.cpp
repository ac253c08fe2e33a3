// knock KEYFILE ADDRESS circuit|request [FIRST]: a peer of clusterd that says whatever standard
// input has, and prints what it is answered until the other side closes, 10 s at most. With FIRST
// it says that many octets, and the others when it was answered. Exit 0: closed by the other side;
// 1: not let in; 2: kept open.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "cluster/io/peer.hpp"
#include "cluster/key.hpp"
#include "io/errc.hpp"
#include "io/time.hpp"

namespace {

using namespace quorate;
using boost::asio::awaitable;

constexpr std::chrono::milliseconds kLimit{10'000};

struct Call {
    std::string address;
    cluster::PeerPurpose purpose;
    std::string first;
    std::string rest;
};

awaitable<int> knock(boost::asio::io_context& io, cluster::PeerKeys& keys, Call call) {
    const auto until = io::mono_now() + kLimit;
    auto stream = co_await cluster::connect_peer(io, keys, call.address, call.purpose, until);
    if (!stream) {
        std::fprintf(stderr, "%s\n", stream.error().to_string().c_str());
        co_return 1;
    }
    auto written = co_await stream->write(call.first, until);
    std::string buffer(64 * 1024, '\0');
    while (written) {
        auto size = co_await stream->read_some(buffer, until);
        if (!size && size.error().code == io::Errc::kTimedOut) {
            co_return 2;
        }
        if (!size || *size == 0) {
            break;
        }
        std::fwrite(buffer.data(), 1, *size, stdout);
        if (!call.rest.empty()) {
            written = co_await stream->write(std::exchange(call.rest, {}), until);
        }
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4 || argc > 5) {
        return 64;
    }
    const auto key = cluster::ClusterKey::load(argv[1]);
    auto keys = key ? cluster::PeerKeys::make(*key) : Result<cluster::PeerKeys>(fail({}, ""));
    if (!keys) {
        return 64;
    }
    const auto purpose = std::strcmp(argv[3], "circuit") == 0 ? cluster::PeerPurpose::kCircuit
                                                              : cluster::PeerPurpose::kRequest;
    std::ifstream words("/dev/stdin", std::ios::binary);
    Call call{argv[2], purpose, {std::istreambuf_iterator<char>(words), {}}, {}};
    if (argc == 5) {
        const auto first =
            std::min<std::size_t>(std::strtoul(argv[4], nullptr, 10), call.first.size());
        call.rest = call.first.substr(first);
        call.first.resize(first);
    }
    boost::asio::io_context io{1};
    int code = 1;
    boost::asio::co_spawn(io, knock(io, *keys, std::move(call)),
                          [&](const std::exception_ptr&, int result) { code = result; });
    io.run();
    return code;
}
