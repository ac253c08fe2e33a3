#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "io/scope.hpp"
#include "mail_listener.hpp"
#include "server_context.hpp"

namespace quorate::mail {

// Everything the daemon consists of, wired: opened in order, drained and closed in the reverse one.
//
//     Maild maild(daemon, config, "etc/quorate/quorate.toml");
//     maild.open();                binds, drops privileges, recovers the store, starts listening
//     daemon.run([&] { maild.stop(); }, [&] { maild.reload(); });
//     maild.close();
//
// Thread rule: io thread.
class Maild {
public:
    Maild(io::Daemon& daemon, Config config, std::string config_path);
    ~Maild();

    // Errors: io::Errc::kTls, kAddress: the operator's; errno's values; the store's and the
    // directory's.
    Status open();
    // Takes nothing new, lets sessions finish within drain_seconds, ends the daemon's run().
    void stop();
    // After run(): closes the store.
    Status close();
    // Reads the configuration again and applies what can be applied; a bad one changes nothing.
    void reload();

private:
    struct Engine;

    Status load_certificate(const Config& config, std::optional<io::TlsContext>& tls) const;
    Status open_sockets();
    Status open_engine();
    Status open_control();
    void open_server();
    Config merge(const Config& wanted) const;
    void apply(Config merged);
    void warn_of_postmasters() const;
    boost::asio::awaitable<void> drain();

    io::Daemon& daemon_;
    Config config_;
    std::string config_path_;
    Logger log_{};
    std::optional<io::TlsContext> tls_;
    std::vector<MailListener> listeners_;
    io::Metrics metrics_;
    io::Scope background_;
    io::Scope sessions_;
    io::Event stopping_;
    std::unique_ptr<Engine> engine_;  // what exists only after privileges were dropped
    std::unique_ptr<io::ControlServer> control_;
};

}  // namespace quorate::mail
