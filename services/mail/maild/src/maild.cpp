#include "maild.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/core.h>

#include "base/text.hpp"
#include "control_routes.hpp"
#include "engine.hpp"
#include "housekeeping.hpp"
#include "io/address.hpp"
#include "io/privileges.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "recipients.hpp"

namespace quorate::mail {
namespace {

constexpr const char* kRunDirectory = "run/quorate";
constexpr const char* kControlSocket = "run/quorate/maild.sock";
constexpr const char* kDirectoryFile = "/directory.db";
// Logins that may wait for their turn; each takes tens of milliseconds.
constexpr std::size_t kHashesMax = 2000;
// After the drain time: sessions whose connections were closed need only notice it.
constexpr std::chrono::seconds kNotice{5};
// So long for requests of the control API.
constexpr std::chrono::milliseconds kRequestPause{50};
constexpr int kRequestPauses = 100;

std::size_t processors() { return std::max(1U, std::thread::hardware_concurrency()); }

// Listeners, workers, the store's files and the control socket.
constexpr std::size_t kOtherFiles = 256;

// The Unix sockets among `listen`, made as root, so that the user can remove them at the end.
Status give_sockets(const std::vector<ListenConfig>& listen, const std::string& user) {
    for (const auto& one : listen) {
        QUORATE_TRY(const auto address, io::Address::parse(one.address));
        if (address.kind == io::Address::Kind::kUnix) {
            QUORATE_CHECK(io::give_to_user(address.host, user));
        }
    }
    return {};
}

}  // namespace

Maild::Maild(io::Daemon& daemon, Config config, std::string config_path)
    : daemon_(daemon),
      config_(std::move(config)),
      config_path_(std::move(config_path)),
      background_(daemon.io()),
      sessions_(daemon.io()),
      stopping_(daemon.io()) {}

Maild::~Maild() = default;

Status Maild::load_certificate(const Config& config, std::optional<io::TlsContext>& tls) const {
    if (config.needs_tls()) {
        QUORATE_TRY(tls, io::TlsContext::server({config.certificate, config.key}));
    }
    return {};
}

Status Maild::open_sockets() {
    QUORATE_CHECK(io::make_directory(kRunDirectory, config_.user));
    QUORATE_CHECK(io::make_directory(config_.store_path, config_.user));
    for (const auto& listen : config_.listen) {
        QUORATE_TRY(auto listener, MailListener::open(daemon_.io(), listen));
        listeners_.push_back(std::move(listener));
    }
    if (io::is_root() && !config_.user.empty()) {
        QUORATE_CHECK(give_sockets(config_.listen, config_.user));
        QUORATE_CHECK(io::drop_privileges(config_.user));
    } else if (io::is_root()) {
        log_.warn("running_as_root", "hint", "set node.user, or start it as an ordinary user");
    }
    return {};
}

Status Maild::open_engine() {
    engine_ = std::make_unique<Engine>(daemon_.io(), config_);
    auto& engine = *engine_;
    QUORATE_TRY(engine.volume, store::open_local_volume(config_.store_path));
    QUORATE_TRY(engine.directory, auth::Directory::open(config_.store_path + kDirectoryFile));
    store::StoreOptions options;
    options.segment_bytes = config_.segment_bytes;
    options.open_accounts = config_.open_accounts;
    options.random_seed = io::random_seed();
    QUORATE_TRY(engine.store, store::Store::open(*engine.volume, options, log_));
    engine.gate.publish(engine.store->durable(), /*failed=*/false);
    engine.store->on_durable([&gate = engine.gate, log = log_](store::Lsn durable, bool failed) {
        gate.publish(durable, failed);
        if (failed) {
            log.error("journal_failed", "hint",
                      "nothing more is acknowledged: see to the disk, then restart maild");
        }
    });
    engine.credentials = std::make_unique<auth::Credentials>(
        *engine.directory,
        auth::Credentials::Options{config_.default_domain, std::chrono::seconds(60), {}});
    open_server();
    return {};
}

void Maild::open_server() {
    auto& engine = *engine_;
    engine.metrics.emplace(metrics_);
    io::ThreadPool::Options workers;
    workers.name = "mail";
    workers.threads =
        config_.workers != 0 ? config_.workers : std::max<std::size_t>(2, processors());
    engine.workers.emplace(daemon_.io(), workers);
    io::ThreadPool::Options hashers;
    hashers.name = "hash";
    hashers.threads = std::max<std::size_t>(1, processors() / 2);
    hashers.queue_max = kHashesMax;
    engine.hashers.emplace(daemon_.io(), hashers);
    engine.desk.emplace(*engine.store, engine.gate, *engine.workers);
    engine.server.reset(new ServerContext{daemon_.io(), config_, *engine.workers, *engine.hashers,
                                          *engine.volume, *engine.store, engine.gate, *engine.desk,
                                          *engine.directory, *engine.credentials, engine.failures,
                                          tls_, engine.sessions, *engine.metrics, stopping_, log_});
    auto& server = *engine.server;
    server.started = io::wall_now();
    server.incarnation = fmt::format("{:x}", server.started.time_since_epoch().count() / 1000);
    for (const auto& listener : listeners_) {
        server.listening.push_back(
            {listener.config().protocol, listener.address(), listener.config().tls});
    }
}

Status Maild::open_control() {
    auto& server = *engine_->server;
    control_ = std::make_unique<io::ControlServer>(daemon_.io(), kControlSocket);
    add_account_routes(*control_, server);
    add_address_routes(*control_, server);
    add_mail_routes(*control_, server);
    add_status_routes(*control_, server, metrics_);
    return control_->start();
}

Status Maild::open() {
    ::umask(0077);
    const auto files = io::raise_open_files();
    if (files < config_.connections.connections + config_.open_accounts + kOtherFiles) {
        log_.warn("few_open_files", "limit", files, "hint",
                  "raise LimitNOFILE or lower mail.limits.connections");
    }
    QUORATE_CHECK(load_certificate(config_, tls_));
    QUORATE_CHECK(open_sockets());
    QUORATE_CHECK(open_engine());
    add_gauges(metrics_, *engine_->server);
    QUORATE_CHECK(open_control());
    auto& server = *engine_->server;
    for (auto& listener : listeners_) {
        listener.set_settings(make_settings(config_, listener.config()));
        listener.start(server, sessions_, background_);
        log_.info("listening", "protocol", protocol_name(listener.config().protocol), "address",
                  listener.address(), "tls", tls_mode_name(listener.config().tls));
    }
    warn_of_postmasters();
    background_.spawn(run_settling(server));
    background_.spawn(run_compaction(server));
    background_.spawn(run_trimming(server));
    return {};
}

void Maild::reload() {
    auto wanted = read_config(config_path_);
    if (!wanted) {
        for (const auto line : split(wanted.error().detail, '\n')) {
            log_.error("reload_refused", "why", line);
        }
        return;
    }
    auto merged = merge(*wanted);
    std::optional<io::TlsContext> tls;
    auto loaded = load_certificate(merged, tls);
    if (!loaded) {
        log_.error("reload_refused", "why", loaded.error().to_string());
        return;
    }
    // Connections keep what they started with.
    tls_ = std::move(tls);
    apply(std::move(merged));
}

// The running configuration with what can be changed without a new start.
Config Maild::merge(const Config& wanted) const {
    for (const auto& key : restart_needed(config_, wanted)) {
        log_.warn("restart_needed", "key", key);
    }
    auto merged = config_;
    merged.log_level = wanted.log_level;
    merged.postmaster = wanted.postmaster;
    merged.detail_mailbox = wanted.detail_mailbox;
    if (!wanted.certificate.empty()) {  // listeners that are open may need the old one
        merged.certificate = wanted.certificate;
        merged.key = wanted.key;
    }
    merged.cleartext_on_loopback = wanted.cleartext_on_loopback;
    merged.message_bytes = wanted.message_bytes;
    merged.recipients = wanted.recipients;
    merged.connections = wanted.connections;
    merged.command = wanted.command;
    merged.login = wanted.login;
    merged.imap_idle = wanted.imap_idle;
    merged.pop3_idle = wanted.pop3_idle;
    merged.drain = wanted.drain;
    return merged;
}

void Maild::apply(Config merged) {
    config_ = std::move(merged);
    Logger::set_level(config_.log_level);
    engine_->sessions.set_limits(config_.connections);
    for (auto& listener : listeners_) {
        listener.set_settings(make_settings(config_, listener.config()));
    }
    warn_of_postmasters();
    log_.info("reloaded", "config", config_path_);
}

// RFC 5321 4.5.1 wants one everywhere; who reports trouble would be told that nobody is there.
void Maild::warn_of_postmasters() const {
    const auto domains = domains_without_postmaster(*engine_->directory, config_);
    if (!domains.empty()) {
        log_.warn("postmaster_missing", "domains", domains.size(), "first", domains.front(), "hint",
                  fmt::format("clusterctl alias add postmaster@{} ACCOUNT", domains.front()));
    }
}

void Maild::stop() { io::spawn(daemon_.io(), drain()); }

boost::asio::awaitable<void> Maild::drain() {
    engine_->server->draining = true;
    log_.info("stopping", "sessions", engine_->sessions.size());
    for (auto& listener : listeners_) {
        listener.close();
    }
    sessions_.stop();
    stopping_.set();
    engine_->sessions.end_all(SessionTable::End::kServerStops);
    bool ended = co_await sessions_.wait(config_.drain);
    if (!ended) {
        log_.warn("drain_time_over", "sessions", engine_->sessions.size());
        engine_->sessions.end_all(SessionTable::End::kAtOnce);
        ended = co_await sessions_.wait(kNotice);
    }
    control_->stop();
    background_.stop();
    bool idle = co_await background_.wait(kNotice);
    for (int i = 0; i < kRequestPauses && engine_->server->requests > 0; ++i) {
        auto slept = co_await io::sleep_until(io::mono_now() + kRequestPause);
        static_cast<void>(slept);
    }
    idle = idle && engine_->server->requests == 0;
    if (!ended || !idle) {
        // What was acknowledged is safe in the journal.
        log_.error("stopped_with_work_under_way", "sessions", sessions_.size());
        std::_Exit(io::kExitFailed);
    }
    daemon_.finish();
}

Status Maild::close() {
    auto& engine = *engine_;
    engine.server.reset();
    engine.desk.reset();
    engine.hashers.reset();
    engine.workers.reset();
    auto closed = engine.store->close();
    if (closed) {
        log_.info("stopped");
    } else {
        log_.error("store_not_closed", "why", closed.error().to_string());
    }
    return closed;
}

}  // namespace quorate::mail
