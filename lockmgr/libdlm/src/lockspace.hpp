#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "channel.hpp"
#include "lockmgr/protocol/client_link.hpp"

// The only names that the libraries show.
#pragma GCC visibility push(default)
#include "libdlm.h"
#pragma GCC visibility pop

namespace quorate::lockmgr::libdlm {

using Ast = void (*)(void*);

// One open lockspace of a program: a connection to clusterd, its locks by the 32-bit ids that
// libdlm's callers know, and the ASTs that wait to be dispatched.
//
// Any thread may call anything. Answers are read by one thread at a time: the one of
// start_thread(), one that dispatches, or one that waits for an answer of its own. ASTs run without
// any lock held, in the order of their causes, in the thread of start_thread() if there is one,
// else in who dispatches or waits.
//
// The calls return 0, or an errno value and then nothing comes of them.
class Lockspace : public std::enable_shared_from_this<Lockspace> {
public:
    // Null: errno says why.
    static std::shared_ptr<Lockspace> open(const std::string& name);
    ~Lockspace();

    struct Request {
        std::uint32_t mode = 0;
        dlm_lksb* lksb = nullptr;
        std::uint32_t flags = 0;
        const void* name = nullptr;
        std::uint32_t name_size = 0;
        std::uint32_t parent = 0;
        Ast ast = nullptr;  // null: a caller who waits
        void* argument = nullptr;
        Ast blocking_ast = nullptr;
        std::uint64_t xid = 0;
        std::uint64_t timeout = 0;  // centiseconds, with LKF_TIMEOUT
    };
    // With `wait`, returns when lksb has the outcome.
    int lock(const Request& request, bool wait);
    int unlock(std::uint32_t lkid, std::uint32_t flags, dlm_lksb* lksb, void* argument, bool wait);
    int deadlock_cancel(std::uint32_t lkid);
    int purge(std::uint32_t node, std::uint32_t pid);
    // `fresh`: EEXIST if a program that created it is connected.
    int create(mode_t mode, bool fresh);

    int descriptor() const { return channel_.poll_descriptor(); }
    // Runs the ASTs that are due.
    void dispatch();
    int start_thread();
    void stop_thread();
    // Of one that this program created: when it returns, it is gone.
    void close();
    bool has_locks();
    const std::string& name() const { return name_; }

private:
    struct Operation {
        enum class Kind { kLock, kConvert, kUnlock, kCancel, kOther } kind = Kind::kOther;
        std::uint32_t lkid = 0;
        dlm_lksb* lksb = nullptr;
        bool waited = false;  // by a thread, in place of an AST
        bool silent = false;  // another one's AST tells of it
        bool deadlock = false;
        bool done = false;
        LockStatus status{};
        // Of a conversion that fails, Linux keeps the blocking AST that was.
        Ast former_blocking_ast = nullptr;
        std::vector<std::shared_ptr<Operation>> cancels;  // of it, that a thread waits for
    };
    // Of an lkid. The rest tells the number's locks apart: a program may still name an old one.
    static constexpr unsigned kNumberBits = 20;
    static constexpr std::uint32_t kNumberMask = (1U << kNumberBits) - 1;
    static constexpr std::uint32_t kGenerationMask = UINT32_MAX >> kNumberBits;
    struct Entry {
        std::uint32_t generation = 0;
        bool used = false;
        bool held = false;
        std::uint32_t parent = 0;  // number
        std::uint32_t sublocks = 0;
        LockMode mode = LockMode::NL;
        dlm_lksb* lksb = nullptr;
        Ast ast = nullptr;
        Ast blocking_ast = nullptr;
        void* argument = nullptr;
        std::shared_ptr<Operation> pending;
    };
    struct Due {
        Ast ast = nullptr;
        void* argument = nullptr;
        std::uint32_t blocked_lkid = 0;  // a blocking AST of it: it may be of no use any more
        LockMode blocked_mode = LockMode::NL;
    };
    using Guard = std::unique_lock<std::mutex>;

    Lockspace(std::string name, Channel channel);
    int greet();

    static int check(const Request& request, bool wait);
    int check_conversion(const Entry* entry, const Request& request) const;
    int start_lock(const Request& request, bool wait, std::shared_ptr<Operation>& operation);
    int start_conversion(const Request& request, bool wait, std::shared_ptr<Operation>& operation);
    int start_unlock(Entry& entry, std::uint32_t lkid, std::uint32_t flags, dlm_lksb* lksb,
                     void* argument, std::shared_ptr<Operation>& operation);
    int start_cancel(Entry& entry, std::uint32_t lkid, dlm_lksb* lksb, void* argument,
                     const std::shared_ptr<Operation>& operation);
    int finish_call(Guard& guard, const std::shared_ptr<Operation>& operation);
    Entry* find(std::uint32_t lkid);
    std::uint32_t lkid_of(std::uint32_t number) const;
    static int status_of(LockStatus status);
    static ValueBlock block_to_write(const dlm_lksb* lksb);

    void wait_for(Guard& guard, const Operation& operation);
    void read(Guard& guard, bool block);
    void run_due(Guard& guard);
    bool may_run_asts() const;
    bool still_wanted(const Due& due);
    void flush();
    static void thread_loop(const std::shared_ptr<Lockspace>& space);

    void hear(const wire::Completion& completion);
    void hear(const wire::Blocking& blocking);
    void hear(const wire::Revoked&) { lose(); }
    void hear(const wire::Refused&) { lose(); }
    template <class Other>
    void hear(const Other&) {}
    void settle(Operation& operation, const lockmgr::Completion& outcome);
    void settle_lock(Operation& operation, Entry& entry, const lockmgr::Completion& outcome);
    void settle_cancel(Operation& operation);
    void tell(Operation& operation, const Entry& entry, int status);
    void queue(Due due);
    void end(std::uint32_t number);
    void lose();

    const std::string name_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Channel channel_;
    ClientLink link_;
    std::vector<Entry> entries_;  // by number
    std::uint32_t in_use_ = 0;    // of them
    std::unordered_map<wire::RequestNumber, std::shared_ptr<Operation>> operations_;
    std::deque<Due> due_;
    std::uint32_t requests_max_ = 0;
    bool reading_ = false;
    bool lost_ = false;
    bool created_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace quorate::lockmgr::libdlm
