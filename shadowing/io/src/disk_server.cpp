#include "shadowing/io/disk_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "io/address.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/io/nbdkit_process.hpp"
#include "shadowing/served/gate_line.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;

constexpr int kDiskDescriptor = 3;
constexpr int kControlDescriptor = 4;
constexpr std::chrono::milliseconds kStartAgain{200};
constexpr std::size_t kLongestAnswer = 1 << 20;

std::optional<ServedConnection> parse_connection(std::string_view line) {
    const auto words = split(line, ' ');
    if (words.size() != 5) {
        return std::nullopt;
    }
    auto name = decode_export_name(words[1]);
    const auto under_way = parse_u64(words[3]);
    const auto requests = parse_u64(words[4]);
    if (!name || !under_way || !requests) {
        return std::nullopt;
    }
    return ServedConnection{std::move(*name), words[2] == "1", *under_way, *requests};
}

}  // namespace

struct DiskServer::Impl : std::enable_shared_from_this<DiskServer::Impl> {
    using Socket = asio::local::stream_protocol::socket;

    Impl(asio::io_context& context, std::shared_ptr<LocalDisk> local, ServeOptions serve)
        : io(context), disk(std::move(local)), options(std::move(serve)), again(context) {}

    Result<std::vector<std::string>> command_line() const {
        QUORATE_TRY(const auto address, io::Address::parse(options.address));
        std::vector<std::string> words{"nbdkit", "--foreground", "--exit-with-parent",
                                       "--threads=16"};
        if (address.kind == io::Address::Kind::kUnix) {
            ::unlink(address.host.c_str());
            words.insert(words.end(), {"--unix", address.host});
        } else {
            words.insert(words.end(),
                         {"--ipaddr", address.host, "--port", std::to_string(address.port)});
        }
        if (!options.psk_file.empty()) {
            words.insert(words.end(), {"--tls=require", "--tls-psk=" + options.psk_file});
        }
        words.insert(
            words.end(),
            {nbdkit_plugin("quorate-disk"), "name=" + options.name,
             fmt::format("disk={}", kDiskDescriptor), fmt::format("control={}", kControlDescriptor),
             fmt::format("life={}", machine_life()), fmt::format("floor={}", floor)});
        return words;
    }

    Status start() {
        int ends[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            return fail_errno(errno, "socketpair");
        }
        control = std::make_unique<Socket>(io, asio::local::stream_protocol(), ends[0]);
        QUORATE_TRY(const auto words, command_line());
        auto started = NbdkitProcess::start(
            io, words, {{disk->file(), kDiskDescriptor}, {ends[1], kControlDescriptor}},
            [self = shared_from_this()] { self->ended(); });
        ::close(ends[1]);
        if (!started) {
            return tl::unexpected(started.error());
        }
        process = std::move(*started);
        received.clear();
        say({GateOrder::Kind::kFloor, ++last_tag, {}, floor});
        listen();
        return {};
    }

    // With it everything that it did has ended.
    void ended() {
        ready = false;
        ending = false;
        control.reset();
        process.reset();
        unsaid.clear();
        saying.clear();
        for (const auto& [tag, done] : std::exchange(drops, {})) {
            done();
        }
        for (const auto& [tag, done] : std::exchange(lists, {})) {
            done({});
        }
        if (stopped) {
            for (const auto& done : std::exchange(for_stop, {})) {
                done();
            }
            return;
        }
        log.warn("disk_server_ended", "hint", "it is started again");
        again.expires_after(kStartAgain);
        again.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (error || self->stopped) {
                return;
            }
            if (const auto started = self->start(); !started) {
                self->log.error("disk_not_served", "why", started.error().to_string());
                self->ended();
            }
        });
    }

    // ---- orders

    // One that was stopped hears nothing: its end is the answer.
    void say(const GateOrder& order) {
        if (stopped) {
            return;
        }
        unsaid += encode(order) + '\n';
        if (saying.empty()) {
            say_more();
        }
    }
    void say_more() {
        saying = std::exchange(unsaid, {});
        if (saying.empty() || !control) {
            return;
        }
        asio::async_write(*control, asio::buffer(saying),
                          [self = shared_from_this(), socket = control.get()](
                              const boost::system::error_code& error, std::size_t) {
                              if (!error && socket == self->control.get()) {
                                  self->say_more();
                              }
                          });
    }

    void listen() {
        control->async_read_some(asio::buffer(piece),
                                 [self = shared_from_this(), socket = control.get()](
                                     const boost::system::error_code& error, std::size_t size) {
                                     if (error || socket != self->control.get()) {
                                         return;  // the process has ended, or is about to
                                     }
                                     self->received.append(self->piece.data(), size);
                                     self->read_lines();
                                     if (self->received.size() <= kLongestAnswer) {
                                         self->listen();
                                     }
                                 });
    }

    void read_lines() {
        for (auto end = received.find('\n'); end != std::string::npos; end = received.find('\n')) {
            const auto line = received.substr(0, end);
            received.erase(0, end + 1);
            heard(line);
        }
    }

    void heard(const std::string& line) {
        ready = true;
        if (line.starts_with("connection ")) {
            if (auto connection = parse_connection(line)) {
                connections.push_back(std::move(*connection));
            }
            return;
        }
        const auto words = split(line, ' ');
        const auto tag = words.size() == 2 ? parse_u64(words[1]) : std::nullopt;
        if (tag && words[0] == "dropped") {
            if (auto node = drops.extract(*tag)) {
                node.mapped()();
            }
        } else if (tag && words[0] == "listed") {
            if (auto node = lists.extract(*tag)) {
                node.mapped()(std::exchange(connections, {}));
            }
        }
    }

    asio::io_context& io;
    std::shared_ptr<LocalDisk> disk;  // the other owner is a set of this machine
    ServeOptions options;
    std::uint64_t floor = options.floor;
    Logger log = Logger().with("disk", options.name);
    std::unique_ptr<NbdkitProcess> process;
    std::unique_ptr<Socket> control;
    asio::steady_timer again;
    bool stopped = false;
    bool ending = false;  // killed by stop()
    bool ready = false;
    std::array<char, 4096> piece{};
    std::string received;
    std::string unsaid;
    std::string saying;
    std::uint64_t last_tag = 0;
    std::map<std::uint64_t, std::function<void()>> drops;
    std::map<std::uint64_t, Listed> lists;
    std::vector<ServedConnection> connections;
    std::vector<std::function<void()>> for_stop;
};

DiskServer::DiskServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<DiskServer>> DiskServer::start(asio::io_context& io,
                                                      std::shared_ptr<LocalDisk> disk,
                                                      ServeOptions options) {
    if (!is_disk_name(options.name)) {
        return fail(errc::refused, options.name + ": no name of a disk");
    }
    if (options.psk_file.empty() && !options.address.starts_with("unix:")) {
        return fail(errc::refused, options.address + ": a disk is served to a network under TLS");
    }
    auto impl = std::make_shared<Impl>(io, std::move(disk), std::move(options));
    QUORATE_CHECK(impl->start());
    return std::unique_ptr<DiskServer>(new DiskServer(std::move(impl)));
}

DiskServer::~DiskServer() {
    stop([] {});
}

// The descriptor goes at once, but not the lock of the disk: nbdkit has that too.
void DiskServer::stop(std::function<void()> done) {
    impl_->stopped = true;
    impl_->again.cancel();
    impl_->control.reset();
    impl_->disk.reset();
    if (impl_->process) {
        impl_->for_stop.push_back(std::move(done));
        // Kept by the wait for its end, which keeps what it tells: never the other way round.
        impl_->ending = true;
        impl_->process.reset();
    } else if (impl_->ending) {
        impl_->for_stop.push_back(std::move(done));
    } else {
        asio::post(impl_->io, std::move(done));
    }
}

void DiskServer::drop(const ServedOpener& opener, std::uint64_t floor, std::function<void()> done) {
    raise_floor(floor);
    if (!impl_->process && !impl_->ending) {
        asio::post(impl_->io, std::move(done));
        return;
    }
    const auto tag = ++impl_->last_tag;
    impl_->drops[tag] = std::move(done);
    impl_->say({GateOrder::Kind::kDrop, tag, opener, floor});
}

void DiskServer::raise_floor(std::uint64_t floor) {
    if (floor > impl_->floor) {
        impl_->floor = floor;
        if (impl_->process) {
            impl_->say({GateOrder::Kind::kFloor, ++impl_->last_tag, {}, floor});
        }
    }
}

void DiskServer::list(Listed done) {
    if (!impl_->process || impl_->stopped) {
        asio::post(impl_->io, [done = std::move(done)] { done({}); });
        return;
    }
    const auto tag = ++impl_->last_tag;
    impl_->lists[tag] = std::move(done);
    impl_->say({GateOrder::Kind::kList, tag, {}, 0});
}

bool DiskServer::is_ready() const { return impl_->ready; }
pid_t DiskServer::process() const { return impl_->process ? impl_->process->number() : 0; }
const ServeOptions& DiskServer::options() const { return impl_->options; }

}  // namespace quorate::shadowing
