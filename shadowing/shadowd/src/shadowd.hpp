#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "cluster_part.hpp"
#include "exporter.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "io/thread_pool.hpp"
#include "served_disks.hpp"
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
    bool opening = false;
    bool accept_loss = false;  // the operator's word, until it is mounted
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
    boost::asio::awaitable<Status> mount(UnitFile file, bool accept_loss);
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
    // Nothing of that opener, or of all of that life, takes effect any more on disks that this node
    // serves or has open; `done` when that is so. `floor`: of served disks.
    void drop(ServedOpener lost, std::uint64_t floor, std::function<void()> done);
    // What a mount would do. Errors: errc::refused.
    boost::asio::awaitable<Result<ClusterPlan>> plan(UnitFile file, bool accept_loss);

    // ---- changes.cpp: what the operator asks of a unit that is mounted. False: it is begun, and
    // goes on. Errors: errc::refused; errno's values.
    boost::asio::awaitable<Result<bool>> add(std::string name, std::string disk, bool force);
    boost::asio::awaitable<Result<bool>> remove(std::string name, std::string disk,
                                                bool keep_changes);
    boost::asio::awaitable<Result<bool>> expand(std::string name);
    // One that waits because what is there may be old is mounted all the same.
    boost::asio::awaitable<Status> accept_loss(std::string name);
    // Asked by other nodes: a disk of this one is labelled as a new member; a set has another disk.
    boost::asio::awaitable<Status> prepare(std::string path, Label like, bool force);
    Status know(Id128 set, const std::string& disk);

private:
    Unit& place(UnitFile file);
    Status begin(Unit& unit);
    void try_to_begin(Unit& unit);
    void begin_all();
    boost::asio::awaitable<Status> begin_shared(std::string name);
    boost::asio::awaitable<void> try_to_begin_shared(std::string name);
    void took_over(Unit& unit, std::unique_ptr<MountedSet> set);
    // False: the daemon ends before.
    boost::asio::awaitable<bool> drop_everywhere(ServedOpener lost, std::uint64_t floor);
    boost::asio::awaitable<void> drop_and_tell(ServedOpener lost, std::uint64_t floor,
                                               std::function<void()> done);
    std::set<std::string> rados_places() const;
    MountedSet* mounted(const std::string& name);
    boost::asio::awaitable<Status> make_ready(std::string name, std::string disk, bool force);
    Status remember(Unit& unit, const std::string& disk);
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
    io::ThreadPool tools_;  // what is done to disks that no set uses
    bool stopping_ = false;
};

void add_control_routes(io::ControlServer& server, Shadowd& shadowd);
void add_disk_routes(io::ControlServer& server, Shadowd& shadowd);
void add_peer_routes(io::ControlServer& server, Shadowd& shadowd);

}  // namespace quorate::shadowing
