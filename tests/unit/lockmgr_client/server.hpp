#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "event_log.hpp"
#include "io/metrics.hpp"
#include "io/scope.hpp"
#include "io/time.hpp"
#include "lock_clients.hpp"
#include "lock_shell.hpp"
#include "messages.hpp"

namespace quorate::lockmgr {

// clusterd's part of the lock manager on a socket, alone, on the test's own thread.
class Server {
public:
    explicit Server(boost::asio::io_context& io)
        : scope_(io),
          events_(io),
          messages_(io, self(), [](auto...) { return Status(); }),
          shell_(io, messages_, options(), 64 * 1024),
          clients_(io, scope_, shell_, events_, {path(), 100, {}, welcome()}) {
        clients_.add_metrics(metrics_);
        cluster::LockShell::Limbs limbs;
        limbs.tell_client = [this](MonoTime now, LockOutput& output) {
            clients_.tell(now, output);
        };
        limbs.flush_clients = [this] { clients_.flush(); };
        shell_.start(std::move(limbs));
        EXPECT_TRUE(clients_.open());
        commit(1, true);
    }
    ~Server() { std::filesystem::remove_all(folder_); }

    void commit(std::uint64_t epoch, bool quorate) {
        cluster::View view;
        view.epoch = cluster::Epoch(epoch);
        view.members.push_back({self(), "n1", "", {}, 1, 1, {}, false});
        view.quorate = quorate;
        shell_.set_lease(cluster::kLeaseForEver);
        messages_.tell(cluster::Event(cluster::ViewCommitted{view}));
    }
    void lose_quorum(std::chrono::milliseconds lease) {
        shell_.set_lease(io::boot_now() + lease);
        tell(cluster::QuorumLost{cluster::Epoch(1)});
    }
    void tell(const cluster::Event& event) { messages_.tell(event); }
    void stop() {
        clients_.stop();
        scope_.stop();
    }

    std::string path() const { return folder_ + "/lock.sock"; }
    std::size_t locks() const { return shell_.manager().counts().locks; }
    std::size_t clients() const { return clients_.count(); }
    std::size_t children() const { return scope_.size(); }

private:
    static cluster::MemberId self() { return {NodeId(1), cluster::Incarnation(7)}; }
    static LockManagerOptions options() {
        LockManagerOptions options;
        options.self = self();
        return options;
    }
    static wire::Welcome welcome() {
        wire::Welcome welcome;
        welcome.node = NodeId(1);
        welcome.node_name = "n1";
        return welcome;
    }
    static std::string make_folder() {
        std::string folder = std::filesystem::temp_directory_path() / "lock_client_XXXXXX";
        return ::mkdtemp(folder.data());
    }

    std::string folder_ = make_folder();
    io::Metrics metrics_;
    io::Scope scope_;
    cluster::EventLog events_;
    cluster::Messages messages_;
    cluster::LockShell shell_;
    cluster::LockClients clients_;
};

}  // namespace quorate::lockmgr
