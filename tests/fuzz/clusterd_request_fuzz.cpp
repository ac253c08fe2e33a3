// A request to clusterd's control API: its first line is the method and for whom it is asked
// ("GET", "GET user", "GET peer"), the second the target, the rest the body. Every handler runs, on
// a real cluster of one. Whatever it is, it is answered, and never with a failure of the daemon's
// own.

#include <boost/json/parse.hpp>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "fuzz/input.hpp"
#include "node_addition.hpp"
#include "solo_world.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

constexpr std::uint32_t kSomebody = 998;
constexpr unsigned kFailed = 500;

constexpr const char* kConf =
    "totem {\n  version: 2\n  cluster_name: demo\n  transport: knet\n}\n"
    "quorum {\n  provider: corosync_votequorum\n}\n"
    "nodelist {\n  node {\n    name: n1\n    nodeid: 1\n    ring0_addr: 192.0.2.1\n  }\n}\n";

struct Input {
    io::RawRequest request;
    bool of_peer = false;
};

Input read_input(std::string_view text) {
    Input input;
    const auto first = text.find('\n');
    const auto second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    auto head = text.substr(0, first);
    if (head.ends_with(" peer")) {
        input.of_peer = true;
        head.remove_suffix(5);
    } else if (head.ends_with(" user")) {
        input.request.uid = kSomebody;
        head.remove_suffix(5);
    }
    input.request.method = std::string(head);
    if (second != std::string_view::npos) {
        input.request.target = std::string(text.substr(first + 1, second - first - 1));
        input.request.body = std::string(text.substr(second + 1));
    }
    return input;
}

// A cluster of one answers that it has no nodes to add before it reads the body: so here.
void plan(const boost::json::value& body) {
    const auto* object = body.if_object();
    if (object == nullptr) {
        return;
    }
    try {
        const auto conf = CorosyncConf::parse(kConf, "corosync.conf");
        QUORATE_ASSERT(conf);
        const auto addition = plan_addition(*object, {kConf, *conf});
        if (addition->possible) {
            const auto made = CorosyncConf::parse(addition->text, "corosync.conf");
            QUORATE_ASSERT(made && made->nodes().size() == 2);
            QUORATE_ASSERT(made->nodes().back() == addition->node);
        }
    } catch (const boost::system::system_error&) {  // as the router takes it: 400
    } catch (const std::out_of_range&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Logger::set_sink([](LogLevel, std::string_view) {});
    auto input = read_input(fuzz::as_text(data, size));
    boost::system::error_code error;
    plan(boost::json::parse(input.request.body, error));
    SoloWorld world;
    const bool of_fencer = input.request.target.starts_with("/v1/fencers/");
    auto answer = input.of_peer
                      ? world.ask_as_peer(std::move(input.request))
                      : world.ask(std::move(input.request.method), std::move(input.request.target),
                                  std::move(input.request.body), input.request.uid);
    QUORATE_ASSERT(answer.status >= 200 && answer.status != kFailed);
    // Others say nothing for a while.
    if (answer.stream && of_fencer) {
        QUORATE_ASSERT(!world.next_piece(answer).empty());
    }
    return 0;
}
