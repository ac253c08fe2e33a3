#include "lock_clients.hpp"

#include <fstream>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "io/errc.hpp"
#include "io/event.hpp"
#include "io/task.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using lockmgr::ClientId;
using lockmgr::LockStatus;
using lockmgr::ServerSession;
using std::chrono::milliseconds;
using Reason = lockmgr::wire::Refused::Reason;

constexpr unsigned kTurns = 8;
constexpr milliseconds kHelloTime{10'000};
constexpr std::size_t kPauseBytes = 256 * 1024;  // of output: its requests wait
constexpr std::size_t kCutBytes = 8 << 20;

std::string program_of(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/comm", pid));
    std::string name;
    std::getline(file, name);
    return name;
}

}  // namespace

// Owned by its reader, by its writer while it waits, and by the table of clients.
struct LockClients::Connection {
    Connection(boost::asio::io_context& io, io::Stream stream_in, ServerSession::Who who,
               const Options& options)
        : stream(std::move(stream_in)),
          session(std::move(who), options.limits, options.welcome),
          written(io) {}

    io::Stream stream;
    ServerSession session;
    std::string program;
    MonoTime since;
    io::Event written;   // all of its output
    unsigned turns = 0;  // until others are looked at
    bool writing = false;
    bool touched = false;
    bool ended = false;
};

struct LockClients::Numbers {
    explicit Numbers(io::Metrics& registry)
        : metrics(registry),
          clients(metrics.counter("clusterd_lock_clients_accepted", "Clients that connected")),
          cut(metrics.counter("clusterd_lock_clients_cut", "Clients cut off")),
          blocking(metrics.counter("clusterd_lock_blocking_events", "Blocking events sent")),
          wait(metrics.histogram("clusterd_lock_wait_seconds", "From a request to its grant",
                                 bounds())),
          hold(metrics.histogram("clusterd_lock_hold_seconds",
                                 "From the last grant of a lock to its release", bounds())) {
        for (std::size_t status = 0; status < completions.size(); ++status) {
            completions[status] = &metrics.counter(
                "clusterd_lock_completions", "Requests of clients that ended",
                fmt::format("status=\"{}\"", name_of(static_cast<LockStatus>(status))));
        }
    }
    struct Times {
        io::Histogram& wait;
        io::Histogram& hold;
    };
    // Of the first domains to be used; those after them share one name, which no domain has.
    Times& of_domain(std::string_view name) {
        auto known = domains.find(name);
        if (known == domains.end() && domains.size() >= kDomainsMeasured) {
            name = {};
            known = domains.find(name);
        }
        if (known != domains.end()) {
            return known->second;
        }
        const auto label = io::label("domain", name);
        auto& waits = metrics.histogram("clusterd_lock_domain_wait_seconds",
                                        "From a request in a domain to its grant", bounds(), label);
        auto& holds = metrics.histogram("clusterd_lock_domain_hold_seconds",
                                        "From the last grant of a lock in a domain to its release",
                                        bounds(), label);
        return domains.try_emplace(std::string(name), Times{waits, holds}).first->second;
    }
    void observe(const ServerSession::Times& times) {
        if (!times.waited && !times.held) {
            return;
        }
        auto& domain = of_domain(times.domain);
        if (times.waited) {
            const auto seconds = static_cast<double>(times.waited->count()) / 1e3;
            wait.observe(seconds);
            domain.wait.observe(seconds);
        }
        if (times.held) {
            const auto seconds = static_cast<double>(times.held->count()) / 1e3;
            hold.observe(seconds);
            domain.hold.observe(seconds);
        }
    }
    static std::vector<double> bounds() {
        return {0.0015, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600};
    }

    static constexpr std::size_t kDomainsMeasured = 64;

    io::Metrics& metrics;
    io::Counter& clients;
    io::Counter& cut;
    io::Counter& blocking;
    io::Histogram& wait;
    io::Histogram& hold;
    std::map<std::string, Times, std::less<>> domains;
    std::array<io::Counter*, static_cast<std::size_t>(LockStatus::kExists) + 1> completions{};
};

LockClients::LockClients(boost::asio::io_context& io, io::Scope& scope, LockShell& shell,
                         EventLog& events, Options options)
    : io_(io), scope_(scope), shell_(shell), events_(events), options_(std::move(options)) {}

LockClients::~LockClients() = default;

void LockClients::add_metrics(io::Metrics& metrics) {
    numbers_ = std::make_unique<Numbers>(metrics);
    metrics.gauge("clusterd_lock_clients", "Clients connected",
                  [this] { return static_cast<double>(count()); });
}

Status LockClients::open() {
    QUORATE_TRY(auto listener, io::Listener::open(io_, "unix:" + options_.path));
    listener_.emplace(std::move(listener));
    scope_.spawn(listener_->run([this](io::Stream stream) { accept(std::move(stream)); }));
    return {};
}

void LockClients::stop() {
    stopping_ = true;
    if (listener_) {
        listener_->close();
    }
    const auto all = by_id_;
    for (const auto& connection : all) {
        if (connection) {
            connection->session.cut_off(Reason::kStopping, "clusterd stops");
            write(*connection);
        }
    }
    // All have been told before anybody is granted what another one held.
    for (const auto& connection : all) {
        if (connection) {
            connection->stream.interrupt();
            connection->written.set();
            end(*connection);
        }
    }
    shell_.flush();
}

// ---- who comes

void LockClients::accept(io::Stream stream) {
    const auto credentials = stream.peer_credentials();
    if (!credentials) {
        return;
    }
    if (const auto refused = refusal(*credentials)) {
        log_.warn("lock_client_refused", "pid", credentials->pid, "uid", credentials->uid, "why",
                  refused->text);
        std::string words;
        lockmgr::wire::append(words, *refused);
        static_cast<void>(stream.write_now(words));
        return;
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(by_id_.size()));
        by_id_.emplace_back();
    }
    const auto id = free_.back();
    free_.pop_back();
    ServerSession::Who who;
    who.client = ClientId(id);
    who.pid = static_cast<std::uint32_t>(credentials->pid);
    who.uid = credentials->uid;
    who.gids.assign(credentials->groups.begin(), credentials->groups.end());
    who.gids.push_back(credentials->gid);
    ++of_user_[who.uid];
    auto connection =
        std::make_shared<Connection>(io_, std::move(stream), std::move(who), options_);
    connection->program = program_of(credentials->pid);
    connection->since = io::boot_now();
    by_id_[id] = connection;
    numbers_->clients.add();
    scope_.spawn(serve(std::move(connection)));
}

std::optional<lockmgr::wire::Refused> LockClients::refusal(
    const io::Stream::Credentials& who) const {
    if (stopping_) {
        return lockmgr::wire::Refused{Reason::kStopping, "clusterd stops"};
    }
    const auto mine = of_user_.find(who.uid);
    if (count() >= options_.clients_max ||
        (who.uid != 0 && mine != of_user_.end() && mine->second >= options_.clients_max / 2)) {
        return lockmgr::wire::Refused{Reason::kFull,
                                      fmt::format("{} clients, {} of this user", count(),
                                                  mine == of_user_.end() ? 0 : mine->second)};
    }
    return std::nullopt;
}

LockClients::Connection* LockClients::find(ClientId client) {
    return client.value() < by_id_.size() ? by_id_[client.value()].get() : nullptr;
}

// ---- what they say

awaitable<void> LockClients::serve(std::shared_ptr<Connection> connection) {
    auto& one = *connection;
    while (!one.ended && !one.session.cut()) {
        if (shell_.congested() || one.session.out().size() > kPauseBytes) {
            const bool may = co_await may_read(one);
            if (!may) {
                continue;
            }
        }
        auto size = read_soon(one);
        if (!size) {
            const auto waited = co_await read(one);
            size = waited;
        }
        if (*size == 0) {
            break;
        }
        one.session.receive({buffer_.data(), *size});
        work(one);
        if (*size == buffer_.size()) {
            co_await io::yield();  // it has more to say; others may have something too
        }
    }
    end(one);
    shell_.flush();
    if (!one.writing) {
        co_await one.stream.shutdown(io::after(milliseconds(100)));
    }
}

// Most clients ask for one thing after the other. 0: it says nothing any more.
std::optional<std::size_t> LockClients::read_soon(Connection& connection) {
    if (connection.turns == 0) {
        return std::nullopt;
    }
    --connection.turns;
    const auto got = connection.stream.read_soon(buffer_);
    return got ? *got : std::size_t{0};
}

awaitable<std::size_t> LockClients::read(Connection& connection) {
    connection.turns = kTurns;
    const auto until =
        connection.session.opened() ? io::Deadline() : io::Deadline(io::after(kHelloTime));
    auto ready = co_await connection.stream.wait_readable(until);
    if (!ready && ready.error().code == io::Errc::kTimedOut) {
        cut(connection, Reason::kMalformed, "no hello");
    }
    if (!ready || connection.ended) {
        co_return 0;
    }
    const auto got = co_await connection.stream.read_some(buffer_);
    co_return got ? *got : 0;
}

// False: look again whether it is still there.
awaitable<bool> LockClients::may_read(Connection& connection) {
    if (shell_.congested()) {
        co_await shell_.relieved();
        co_return false;
    }
    if (connection.session.out().size() > kPauseBytes) {
        connection.written.reset();
        auto waited = co_await connection.written.wait();
        co_return waited.has_value();
    }
    co_return true;
}

void LockClients::work(Connection& connection) {
    const auto now = io::boot_now();
    while (const auto input = connection.session.next(now)) {
        shell_.feed(now, *input);
    }
    touch(connection);
    shell_.flush();
    if (connection.session.cut()) {
        log_cut(connection);
    }
}

// ---- what they hear

void LockClients::tell(MonoTime now, lockmgr::LockOutput& output) {
    using namespace lockmgr;
    const auto to = [&](ClientId client) -> Connection* {
        auto* connection = find(client);
        if (connection == nullptr || connection->session.cut()) {
            return nullptr;
        }
        touch(*connection);
        return connection;
    };
    if (const auto* done = std::get_if<Completion>(&output)) {
        numbers_->completions[static_cast<std::size_t>(done->status)]->add();
        if (auto* connection = to(done->client)) {
            if (done->status == LockStatus::kDeadlock) {
                tell_operator(now, *connection, *done);
            }
            numbers_->observe(connection->session.tell(now, *done));
        }
    } else if (const auto* blocking = std::get_if<BlockingEvent>(&output)) {
        numbers_->blocking.add();
        if (auto* connection = to(blocking->client)) {
            connection->session.tell(*blocking);
        }
    } else if (const auto* waiting = std::get_if<Waiting>(&output)) {
        if (auto* connection = to(waiting->client)) {
            connection->session.tell(*waiting);
        }
    } else if (const auto* suspended = std::get_if<Suspended>(&output)) {
        if (auto* connection = to(suspended->client)) {
            connection->session.tell(now, *suspended);
        }
    } else if (const auto* resumed = std::get_if<Resumed>(&output)) {
        if (auto* connection = to(resumed->client)) {
            connection->session.tell(*resumed);
        }
    } else if (const auto* revoked = std::get_if<Revoked>(&output)) {
        if (auto* connection = to(revoked->client)) {
            connection->session.tell(*revoked);
        }
    }
}

// One a second: many victims must not push everything else out of the events.
void LockClients::tell_operator(MonoTime now, const Connection& victim,
                                const lockmgr::Completion& done) {
    constexpr milliseconds kPause{1000};
    if (now - deadlock_told_ < kPause) {
        ++deadlocks_untold_;
        return;
    }
    deadlock_told_ = now;
    const auto& who = victim.session.who();
    boost::json::array cycle;
    for (const auto& entry : done.cycle) {
        cycle.push_back({{"node_id", entry.node.value()},
                         {"pid", entry.pid},
                         {"resource", entry.resource},
                         {"requested", name_of(entry.requested)}});
    }
    events_.add("deadlock",
                fmt::format("{} (pid {}) was refused to end a deadlock", victim.program, who.pid),
                Epoch(),
                {{"pid", who.pid},
                 {"program", victim.program},
                 {"cycle", std::move(cycle)},
                 {"untold", std::exchange(deadlocks_untold_, 0)}});
}

void LockClients::touch(Connection& connection) {
    if (!std::exchange(connection.touched, true)) {
        touched_.push_back(by_id_[connection.session.client().value()]);
    }
}

void LockClients::flush() {
    for (const auto& connection : std::exchange(touched_, {})) {
        connection->touched = false;
        write(*connection);
    }
}

void LockClients::write(Connection& connection) {
    auto& out = connection.session.out();
    if (connection.writing || connection.ended || out.empty()) {
        if (connection.writing && out.size() > kCutBytes && !connection.session.cut()) {
            cut(connection, Reason::kTooMuch, "answers are not read");
            connection.stream.close();
        }
        return;
    }
    const auto written = connection.stream.write_now(out);
    if (!written) {
        out.clear();
        connection.stream.close();
        return;
    }
    out.erase(0, *written);
    if (!out.empty()) {
        connection.writing = true;
        scope_.spawn(write_rest(by_id_[connection.session.client().value()]));
    }
}

awaitable<void> LockClients::write_rest(std::shared_ptr<Connection> connection) {
    auto& one = *connection;
    while (!one.session.out().empty()) {
        const auto chunk = std::exchange(one.session.out(), {});
        auto written = co_await one.stream.write(chunk, io::after(options_.patience));
        if (!written) {
            if (written.error().code == io::Errc::kTimedOut && !one.ended) {
                cut(one, Reason::kTooMuch, "answers are not read");
            }
            one.stream.close();
            break;
        }
    }
    one.writing = false;
    one.written.set();
    if (one.ended || one.session.cut()) {
        one.stream.close();
    }
}

// ---- who goes

void LockClients::cut(Connection& connection, Reason reason, std::string text) {
    connection.session.cut_off(reason, std::move(text));
    write(connection);
    log_cut(connection);
}

void LockClients::log_cut(const Connection& connection) {
    const auto& who = connection.session.who();
    const auto& why = connection.session.cut()->text;
    numbers_->cut.add();
    log_.warn("lock_client_cut", "pid", who.pid, "uid", who.uid, "program", connection.program,
              "why", why);
    events_.add("lock_client_cut", fmt::format("{} (pid {}): {}", connection.program, who.pid, why),
                Epoch(), {{"pid", who.pid}, {"program", connection.program}});
}

// Its locks go.
void LockClients::end(Connection& connection) {
    if (std::exchange(connection.ended, true)) {
        return;
    }
    const auto& who = connection.session.who();
    if (connection.session.opened()) {
        shell_.feed(io::boot_now(), lockmgr::ClientGone{who.client});
    }
    const auto user = of_user_.find(who.uid);
    if (--user->second == 0) {
        of_user_.erase(user);
    }
    by_id_[who.client.value()].reset();
    free_.push_back(who.client.value());
}

std::vector<LockClients::Report> LockClients::report() const {
    std::vector<Report> reports;
    for (const auto& connection : by_id_) {
        if (connection) {
            const auto& session = connection->session;
            reports.push_back({session.client().value(), session.who().pid, session.who().uid,
                               connection->program, session.locks(), session.pending(),
                               io::boot_now() - connection->since});
        }
    }
    return reports;
}

}  // namespace quorate::cluster
