#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "exporter.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "shadowing/io/data_server.hpp"
#include "shadowing/io/solo_set.hpp"
#include "unit_file.hpp"

namespace quorate::shadowing {

// A unit that is mounted or waits for that.
struct Unit {
    UnitFile file;
    std::unique_ptr<MountedSet> set;
    std::unique_ptr<DataServer> server;
    std::unique_ptr<Exporter> exporter;
    std::string nbd_socket;
};

// The daemon, wired. Thread rule: io thread.
class Shadowd {
public:
    explicit Shadowd(io::Daemon& daemon) : daemon_(daemon) {}

    // Errors: the operator's (a wrong file), errno's values.
    Status open();
    void stop();

    // Remembered, and mounted again when shadowd starts.
    Status mount(UnitFile file);
    Status dismount(const std::string& name);
    // Null: there is none.
    Unit* find(const std::string& name);
    const std::map<std::string, Unit>& units() const { return units_; }

private:
    Status begin(UnitFile file);
    void serve(const std::string& name);
    boost::asio::awaitable<void> watch_exporters();

    io::Daemon& daemon_;
    std::map<std::string, Unit> units_;
    std::unique_ptr<io::ControlServer> control_;
    bool stopping_ = false;
};

void add_control_routes(io::ControlServer& server, Shadowd& shadowd);

}  // namespace quorate::shadowing
