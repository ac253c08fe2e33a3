#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "opener_note.hpp"
#include "shadowing/cluster/cluster_set.hpp"
#include "shadowing/mount_plan.hpp"
#include "shadowing/served/export_name.hpp"
#include "unit_file.hpp"

namespace quorate::shadowing {

// What a mount would do.
struct ClusterPlan {
    MountPlan plan;  // if nobody had it mounted
    std::vector<std::string> mounted_on;
};

// The sets that this shadowd shares with those of other nodes: the node in its cluster, the
// witnesses, and what an opener that ends owes the others. Thread rule: io thread.
class ClusterPart {
public:
    struct Handlers {
        std::function<void()> joined;
        // As of ClusterNode.
        std::function<void(cluster::MemberId lost, std::uint64_t epoch, std::function<void()> done)>
            fence;
        std::function<void(OpenerSlot slot, cluster::MemberId lost)> lost;
        std::function<void()> lease_changed;
        // Nothing of that opener takes effect any more on what this node serves or has open. False:
        // it may yet; ask again.
        std::function<boost::asio::awaitable<bool>(ServedOpener lost)> drop;
    };
    ClusterPart(boost::asio::io_context& io, const std::string& state_folder,
                WitnessFiles& witness_files, LocalDisks& local, Handlers handlers);

    // Of served disks, once it has joined.
    const std::string& psk_file() const { return psk_file_; }
    std::uint64_t epoch() const;

    // Joins, makes an end of what an earlier process of this node left, then calls `joined`.
    // `files`: the sets that are to be mounted.
    void start(std::vector<UnitFile> files);
    bool joined() const { return ready_; }
    const std::string& waits_for() const;

    // Once it has joined. Errors: errc::refused; errno's values.
    boost::asio::awaitable<Result<std::unique_ptr<MountedSet>>> open(UnitFile file,
                                                                     bool accept_loss);
    boost::asio::awaitable<Result<ClusterPlan>> plan(UnitFile file, bool accept_loss);
    // A disk of another node is labelled as a new member, unless it is one of the set already.
    // `body`: what control_cluster.cpp reads.
    boost::asio::awaitable<Status> prepare(DiskPlace place, boost::json::object body);
    // All other nodes that have the set mounted know it from now on.
    boost::asio::awaitable<Status> tell_of_disk(Id128 set, std::string disk);
    const std::string& node_name() const { return node_.name(); }
    // Nothing of this opener takes effect any more: the others are told, so that its locks may go.
    // False: somebody could not be told.
    boost::asio::awaitable<bool> tell_end(Id128 set);
    // After all of them.
    boost::asio::awaitable<void> leave();

private:
    Status make_psk_file();
    ClusterSetOptions options_of(const UnitFile& file) const;
    boost::asio::awaitable<void> join(std::vector<UnitFile> files);
    boost::asio::awaitable<Status> end_predecessor(const OpenerNote& note,
                                                   const std::vector<UnitFile>& files);
    boost::asio::awaitable<void> await_last_io(const UnitFile& file);
    boost::asio::awaitable<std::vector<std::string>> who_has_mounted(std::string unit);
    boost::json::object life() const;
    boost::asio::awaitable<bool> tell_all(std::string target, boost::json::object body);
    boost::asio::awaitable<bool> tell_one(std::string node, std::string target,
                                          boost::json::object body);

    boost::asio::io_context& io_;
    Handlers handlers_;
    LocalDisks& local_;
    std::string note_file_;
    std::string psk_file_;
    ClusterNode node_;
    std::unique_ptr<WitnessKeeper> node_witness_;
    std::unique_ptr<WitnessKeeper> disk_witness_;
    OpenerNote note_;
    std::string waits_for_;
    bool ready_ = false;
};

}  // namespace quorate::shadowing
