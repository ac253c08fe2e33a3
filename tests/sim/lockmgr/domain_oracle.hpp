#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lockmgr/lock_manager.hpp"
#include "oracle.hpp"
#include "sim/time.hpp"

namespace quorate::lockmgr::simulator {

// Who may do what in which domain, as far as the clients of the whole cluster know. A domain is its
// first user's, until somebody defines it otherwise; who has a lock in it or has defined it and is
// connected keeps it so, until its node may be taken over. What an answer is explained by are the
// protections that may have been in force on its node then.
class DomainOracle {
public:
    explicit DomainOracle(const Oracle& locks) : locks_(locks) {}

    // A client's connection.
    struct Who {
        cluster::MemberId life;
        std::uint64_t connection = 0;
        std::uint32_t uid = 0;
        std::vector<std::uint32_t> gids;
    };

    // ---- what clients do
    void asked(const std::string& domain, const Who& who, sim::Time now);
    void granted(LockKey root, const std::string& domain, std::uint32_t uid);
    void defines(const Domain& domain, const Who& who, RequestId request, sim::Time now);
    void gone(const Who& who, sim::Time now);  // its definitions with it; not the locks it leaves
    void lost(cluster::MemberId life) { lost_.insert(life); }
    void taken_over(cluster::MemberId life, sim::Time now);

    // ---- answers: empty, or what is wrong
    // To who asked for a lock at `since`.
    std::string lock_answer(const std::string& domain, const Who& who, bool refused,
                            sim::Time since) const;
    void look(const std::string& domain, sim::Time now);  // before each answer
    std::string definition_answer(const Who& who, RequestId request, LockStatus status,
                                  sim::Time now);
    // What all nodes know, once all is quiet.
    std::string agreed(const Domain& domain) const;
    const std::map<std::string, std::uint64_t>& refusals() const { return refusals_; }

private:
    struct Protection {
        Domain domain;
        Who who;
        RequestId request;  // 0: by first use
        bool fresh = false;
        sim::Time asked{};
        std::optional<sim::Time> acknowledged{};
        bool connected = true;
    };
    struct Known {
        std::vector<Protection> protections;
        std::set<LockKey> roots;  // of who is not root
        std::vector<Who> askers;
    };

    bool surely_used(Known& known) const;
    static bool allows(const Domain& domain, const Who& who);
    // By one that `node`, or every node, has heard of before `since`.
    static bool superseded(const Known& known, const Protection& old, cluster::MemberId node,
                           sim::Time since);
    void may_be_first(Known& known, const std::string& name, const Who& who, sim::Time now);

    const Oracle& locks_;
    std::map<std::string, Known> known_;
    std::set<cluster::MemberId> lost_;  // their clients are connected to nobody
    std::map<std::string, std::uint64_t> refusals_;
};

}  // namespace quorate::lockmgr::simulator
