#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "fault_volume.hpp"
#include "mail/store/errc.hpp"
#include "model.hpp"
#include "session.hpp"
#include "store_impl.hpp"

namespace quorate::mail::store {

// One node's store on a volume with faults, used by several sessions of several accounts, all drawn
// from a seed. Crashes, comes back, and is compared with the model at the LSN that the journal
// kept.
class Simulation {
public:
    explicit Simulation(std::uint64_t seed);
    ~Simulation();

    // Empty: every promise was kept. Otherwise what was broken, first.
    std::string run();

    struct Counts {
        std::uint64_t operations = 0;
        std::uint64_t refused = 0;
        std::uint64_t crashes = 0;
        std::uint64_t compared = 0;
    };
    const Counts& counts() const { return counts_; }

private:
    struct Snapshot {
        std::uint64_t lsn = 0;
        ModelAccount model;
    };
    struct Owner {
        AccountId id;
        QuotaLimits limits;
        ModelAccount model;
        std::deque<Snapshot> history;      // of changes not yet overtaken by the durable LSN
        std::uint64_t removed_at = 0;      // LSN of its removal, when that was tried
        std::shared_ptr<Account> account;  // as a session holds it
        std::vector<Session> sessions;
    };

    // ---- the life of the process (simulation.cpp)
    void start();
    void stop();
    void crash();
    void faulty_phase();
    void healed_phase();
    void draw_faults();
    void compare_all();
    void compare(Owner& owner, std::uint64_t lsn);
    void settle_everything();
    void check_space();

    // ---- operations (operations.cpp, mailbox_operations.cpp)
    void operate();
    void operate_on_store();
    void append(Owner& owner);
    void deliver();
    std::optional<BodyRef> put(const std::string& text, std::span<const AccountId> owners);
    void add(Owner& owner, const BodyRef& body, const std::string& text);
    void learn_email_id(Owner& owner, ModelMailbox& box);
    void change_flags(Owner& owner);
    void expunge(Owner& owner);
    void remove_messages(Owner& owner);
    void transfer(Owner& owner);
    void open_session(Owner& owner);
    void use_session(Owner& owner);
    void close_session(Owner& owner);
    void create(Owner& owner);
    void remove(Owner& owner);
    void rename(Owner& owner);
    void rename_inbox(ModelAccount& model, const std::string& to);
    void subscribe(Owner& owner);
    void remove_account();

    // ---- helpers
    Owner* any_owner();
    Account* hold(Owner& owner);
    std::string any_name();
    std::string text();
    std::vector<std::string> keywords();
    std::vector<std::uint32_t> positions(const Session& session);
    Session* any_session(Owner& owner);
    std::pair<const std::string, ModelMailbox>& any_mailbox(ModelAccount& model);
    bool learn_mailbox(Owner& owner, const std::string& name, std::size_t messages = 0);
    void changed(Owner& owner);
    void broken(std::string what);
    bool one_in(std::uint64_t n) { return random_.one_in(n); }
    // Whether a call did what the model says it must: `expected` is the only error that a healthy
    // store may give.
    template <class T>
    bool done(const Result<T>& result, std::error_code expected, const char* what);
    // The same for a read, which needs no room on the volume.
    template <class T>
    bool done_reading(const Result<T>& result, const char* what);
    static std::error_code none() { return {}; }

    Random random_;
    FaultVolume volume_;
    StoreOptions options_;
    std::int64_t now_ = 1'750'000'000;
    std::unique_ptr<StoreImpl> store_;
    std::deque<Owner> owners_;
    std::uint64_t next_account_ = 1;
    std::uint64_t durable_ = 0;  // as reported
    std::uint64_t next_text_ = 1;
    // Names that had a UIDVALIDITY which was kept, by account.
    std::map<AccountId, std::map<std::pair<std::string, std::uint32_t>, Id128>> given_;
    bool faulty_ = false;
    std::string broken_;
    std::vector<std::string> log_;
    Counts counts_;
};

template <class T>
bool Simulation::done(const Result<T>& result, std::error_code expected, const char* what) {
    ++counts_.operations;
    if (result) {
        if (expected) {
            broken(std::string(what) + " is done, should be refused: " + expected.message());
        }
        return !expected;
    }
    ++counts_.refused;
    if (getenv("SIM_LOG"))
        printf("refused %s: %s\n", what, result.error().to_string().c_str());
    const auto& error = result.error();
    const bool full = error.code == errc::volume_full || error.code == errc::account_busy;
    if (error.code != expected && !faulty_ && !full) {
        broken(std::string(what) + ": " + error.to_string());
    }
    return false;
}

template <class T>
bool Simulation::done_reading(const Result<T>& result, const char* what) {
    if (!result && result.error().code == errc::volume_full) {
        broken(std::string(what) + ": " + result.error().to_string());
    }
    return done(result, none(), what);
}

}  // namespace quorate::mail::store
