#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "cluster_part.hpp"
#include "exporter.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "served_disks.hpp"
#include "shadowing/io/data_server.hpp"
#include "shadowing/io/ring_server.hpp"
#include "shadowing/io/solo_set.hpp"
#include "unit_file.hpp"

namespace quorate::shadowing {

// A unit that is mounted or waits for that.
struct Unit {
    UnitFile file;
    std::unique_ptr<MountedSet> set;  // null: it cannot be opened yet
    std::string problem;              // why
    bool leaving = false;             // it is dismounted
    std::unique_ptr<DataServer> server;
    std::unique_ptr<RingServer> ring;
    std::unique_ptr<Exporter> exporter;
    std::string nbd_socket;
};

// The daemon, wired. Thread rule: io thread.
class Shadowd {
public:
    explicit Shadowd(io::Daemon& daemon);

    // Errors: the operator's (a wrong file), errno's values.
    Status open();
    void stop();

    // Remembered, and mounted again when shadowd starts.
    Status mount(UnitFile file);
    boost::asio::awaitable<Status> dismount(std::string name);
    // Null: there is none.
    Unit* find(const std::string& name);
    const std::map<std::string, Unit>& units() const { return units_; }
    // Of all sets that other nodes tell of, those that are not mounted here too.
    WitnessFiles& witness_files() { return witness_files_; }
    ServedDisks& served() { return served_; }
    boost::asio::io_context& io() { return daemon_.io(); }
    // For what the cluster alone allows: units of several nodes, served disks.
    void join_if_wanted();
    // Why a unit without a set has none.
    std::string waits_for(const Unit& unit) const;
    // A word of another node's shadowd: that opener of the set has ended.
    void opener_lost(Id128 set, OpenerSlot slot, cluster::MemberId opener);

private:
    Unit& place(UnitFile file);
    Status begin(Unit& unit);
    void try_to_begin(Unit& unit);
    void begin_all();
    void join();
    boost::asio::awaitable<void> leave();
    boost::asio::awaitable<void> retire(std::string name);
    void serve(const std::string& name);
    boost::asio::awaitable<void> look_after_all();

    io::Daemon& daemon_;
    std::map<std::string, Unit> units_;
    WitnessFiles witness_files_;
    LocalDisks local_;
    ServedDisks served_;
    std::unique_ptr<ClusterPart> cluster_;
    std::unique_ptr<io::ControlServer> control_;
    bool stopping_ = false;
};

void add_control_routes(io::ControlServer& server, Shadowd& shadowd);
void add_peer_routes(io::ControlServer& server, Shadowd& shadowd);

}  // namespace quorate::shadowing
