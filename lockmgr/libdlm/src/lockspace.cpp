#include "lockspace.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace quorate::lockmgr::libdlm {

using flag::kAll;

namespace {

constexpr std::uint32_t kServerFlags = kAll & ~(LKF_CANCEL | LKF_CONVERT);

std::string socket_path() {
    const char* root = ::secure_getenv("QUORATE_ROOT");
    return std::string(root == nullptr ? "" : root) + "/run/quorate/lock.sock";
}

}  // namespace

// ---- opening

std::shared_ptr<Lockspace> Lockspace::open(const std::string& name) {
    if (name.empty() || name.size() > DLM_LOCKSPACE_LEN) {
        errno = EINVAL;
        return nullptr;
    }
    auto channel = Channel::open(socket_path());
    if (!channel) {
        errno = channel.error().code.value();
        return nullptr;
    }
    // Owned by its program, and by calls that are under way when it closes.
    std::shared_ptr<Lockspace> space(new Lockspace(name, std::move(*channel)));
    if (const int error = space->greet(); error != 0) {
        errno = error;
        return nullptr;
    }
    return space;
}

Lockspace::Lockspace(std::string name, Channel channel)
    : name_(std::move(name)), channel_(std::move(channel)), entries_(1) {}

Lockspace::~Lockspace() { stop_thread(); }

int Lockspace::greet() {
    link_.hello(0);
    flush();
    for (;;) {
        channel_.wait(/*block=*/true);
        const auto bytes = channel_.receive();
        if (!bytes) {
            return bytes.error().code.value();
        }
        link_.receive(*bytes);
        const auto answer = link_.next();
        if (!answer) {
            return EPROTO;
        }
        if (*answer) {
            const auto* welcome = std::get_if<wire::Welcome>(&**answer);
            requests_max_ = welcome == nullptr ? 0 : welcome->requests_max;
            return welcome == nullptr ? ECONNREFUSED : 0;
        }
    }
}

// ---- ids

std::uint32_t Lockspace::lkid_of(std::uint32_t number) const {
    return (entries_[number].generation << kNumberBits) | number;
}

Lockspace::Entry* Lockspace::find(std::uint32_t lkid) {
    const auto number = lkid & kNumberMask;
    return number != 0 && number < entries_.size() && entries_[number].used &&
                   lkid_of(number) == lkid
               ? &entries_[number]
               : nullptr;
}

void Lockspace::end(std::uint32_t number) {
    auto& entry = entries_[number];
    if (entry.parent != 0) {
        --entries_[entry.parent].sublocks;
    }
    const auto generation = entry.generation + 1;
    --in_use_;
    entry = Entry{};
    entry.generation = generation & kGenerationMask;
}

bool Lockspace::has_locks() {
    const Guard guard(mutex_);
    return std::ranges::any_of(entries_, &Entry::used);
}

// ---- what may be asked (Linux fs/dlm set_lock_args, validate_lock_args, set_unlock_args)

int Lockspace::check(const Request& request, bool wait) {
    const auto has = [&](std::uint32_t bits) { return (request.flags & bits) != 0; };
    const bool conversion = has(LKF_CONVERT);
    const bool sound = request.lksb != nullptr && request.mode <= LKM_EXMODE && !has(LKF_CANCEL) &&
                       (conversion || request.name_size <= DLM_RESNAME_MAXLEN) &&
                       (conversion || request.name_size == 0 || request.name != nullptr) &&
                       (conversion || !has(LKF_QUECVT | LKF_CONVDEADLK)) &&
                       !(has(LKF_CONVDEADLK) && has(LKF_NOQUEUE)) &&
                       !(has(LKF_EXPEDITE) &&
                         (has(LKF_CONVERT | LKF_QUECVT | LKF_NOQUEUE) || request.mode != 0)) &&
                       !(has(LKF_VALBLK) && request.lksb->sb_lvbptr == nullptr) &&
                       !(conversion && request.lksb->sb_lkid == 0) &&
                       !(has(LKF_ALTPR) && has(LKF_ALTCW)) && (wait || request.ast != nullptr);
    return sound ? 0 : EINVAL;
}

int Lockspace::check_conversion(const Entry* entry, const Request& request) const {
    if (entry == nullptr) {
        return ENOENT;
    }
    if (!entry->held || entry->pending) {
        return EBUSY;
    }
    const auto mode = static_cast<LockMode>(request.mode);
    return (request.flags & LKF_QUECVT) != 0 && !quecvt_allowed(entry->mode, mode) ? EINVAL : 0;
}

// ---- asking

int Lockspace::lock(const Request& request, bool wait) {
    if (const int error = check(request, wait); error != 0) {
        return error;
    }
    Guard guard(mutex_);
    if (lost_) {
        return ENOTCONN;
    }
    if (operations_.size() >= requests_max_) {
        return ENOMEM;
    }
    const bool adopts = (request.flags & LKF_ORPHAN) != 0;
    std::shared_ptr<Operation> operation;
    const bool conversion = (request.flags & LKF_CONVERT) != 0;
    const int error = conversion ? start_conversion(request, wait, operation)
                                 : start_lock(request, wait || adopts, operation);
    if (error != 0) {
        return error;
    }
    flush();
    if (wait || adopts) {
        wait_for(guard, *operation);
    }
    if (adopts) {  // without an AST: the call tells
        return status_of(operation->status);
    }
    return 0;
}

int Lockspace::start_lock(const Request& request, bool wait,
                          std::shared_ptr<Operation>& operation) {
    auto* parent = find(request.parent);
    if (request.parent != 0 && parent == nullptr) {
        return EINVAL;
    }
    if (in_use_ >= kNumberMask) {
        return ENOMEM;  // numbers that are free come first: none is greater
    }
    wire::Enqueue enqueue;
    enqueue.mode = static_cast<LockMode>(request.mode);
    enqueue.flags =
        (request.flags & kServerFlags) | (request.blocking_ast != nullptr ? flag::BLOCKING : 0);
    enqueue.parent = request.parent & kNumberMask;
    enqueue.xid = request.xid;
    enqueue.deadline_ms = (request.flags & LKF_TIMEOUT) == 0
                              ? 0
                              : static_cast<std::uint32_t>(
                                    std::clamp<std::uint64_t>(request.timeout, 1, 400'000'00) * 10);
    enqueue.domain = name_;
    enqueue.name = {static_cast<const char*>(request.name), request.name_size};
    const auto begun = link_.enqueue(enqueue);
    if (begun.lock >= entries_.size()) {
        entries_.resize(begun.lock + 1);
    }
    auto& entry = entries_[begun.lock];
    entry.used = true;
    ++in_use_;
    entry.parent = enqueue.parent;
    if (entry.parent != 0) {
        ++entries_[entry.parent].sublocks;
    }
    entry.lksb = request.lksb;
    entry.ast = request.ast;
    entry.blocking_ast = request.blocking_ast;
    entry.argument = request.argument;
    operation = std::make_shared<Operation>();
    operation->kind = Operation::Kind::kLock;
    operation->lkid = lkid_of(begun.lock);
    operation->lksb = request.lksb;
    operation->waited = wait;
    entry.pending = operation;
    operations_.emplace(begun.request, operation);
    request.lksb->sb_status = EINPROG;
    request.lksb->sb_flags = 0;
    request.lksb->sb_lkid = operation->lkid;
    return 0;
}

// The half that these programs know of; written with SHORTBLK.
ValueBlock Lockspace::block_to_write(const dlm_lksb* lksb) {
    static_assert(DLM_LVB_LEN == kShortBlockSize);
    ValueBlock block{};
    if (lksb->sb_lvbptr != nullptr) {
        std::copy_n(lksb->sb_lvbptr, DLM_LVB_LEN, block.begin());
    }
    return block;
}

int Lockspace::start_conversion(const Request& request, bool wait,
                                std::shared_ptr<Operation>& operation) {
    const auto lkid = request.lksb->sb_lkid;
    auto* entry = find(lkid);
    if (const int error = check_conversion(entry, request); error != 0) {
        return error;
    }
    operation = std::make_shared<Operation>();
    operation->kind = Operation::Kind::kConvert;
    operation->lkid = lkid;
    operation->lksb = request.lksb;
    operation->waited = wait;
    operation->former_blocking_ast = entry->blocking_ast;
    const bool blocking = request.blocking_ast != nullptr || entry->blocking_ast != nullptr;
    entry->lksb = request.lksb;
    entry->ast = request.ast;
    entry->blocking_ast = request.blocking_ast;
    entry->argument = request.argument;
    entry->pending = operation;
    wire::Convert convert;
    convert.lock = lkid & kNumberMask;
    convert.mode = static_cast<LockMode>(request.mode);
    convert.flags =
        (request.flags & kServerFlags) | flag::SHORTBLK | (blocking ? flag::BLOCKING : 0);
    convert.deadline_ms = (request.flags & LKF_TIMEOUT) == 0
                              ? 0
                              : static_cast<std::uint32_t>(
                                    std::clamp<std::uint64_t>(request.timeout, 1, 400'000'00) * 10);
    convert.value = block_to_write(request.lksb);
    operations_.emplace(link_.ask(convert), operation);
    request.lksb->sb_status = EINPROG;
    request.lksb->sb_flags = 0;
    return 0;
}

int Lockspace::unlock(std::uint32_t lkid, std::uint32_t flags, dlm_lksb* lksb, void* argument,
                      bool wait) {
    constexpr std::uint32_t kAllowed = LKF_CANCEL | LKF_VALBLK | LKF_IVVALBLK | LKF_FORCEUNLOCK;
    const bool cancel = (flags & LKF_CANCEL) != 0;
    if (lkid == 0 || (flags & ~kAllowed) != 0 || (cancel && (flags & LKF_FORCEUNLOCK) != 0) ||
        (wait && lksb == nullptr)) {
        return EINVAL;
    }
    Guard guard(mutex_);
    auto* entry = find(lkid);
    if (lost_ || entry == nullptr) {
        return lost_ ? ENOTCONN : ENOENT;
    }
    auto operation = std::make_shared<Operation>();
    operation->lkid = lkid;
    operation->waited = wait;
    operation->lksb = lksb == nullptr ? entry->lksb : lksb;
    const int error = cancel ? start_cancel(*entry, lkid, lksb, argument, operation)
                             : start_unlock(*entry, lkid, flags, lksb, argument, operation);
    if (error != 0) {
        return error;
    }
    flush();
    if (wait) {
        wait_for(guard, *operation);
    }
    return 0;
}

int Lockspace::start_unlock(Entry& entry, std::uint32_t lkid, std::uint32_t flags, dlm_lksb* lksb,
                            void* argument, std::shared_ptr<Operation>& operation) {
    if (entry.pending && (flags & LKF_FORCEUNLOCK) == 0) {
        return entry.pending->kind == Operation::Kind::kUnlock ? EINPROGRESS : EBUSY;
    }
    if (entry.sublocks != 0) {
        return ENOTEMPTY;
    }
    if (entry.pending && !entry.pending->waited) {
        entry.pending->silent = true;  // one completion: of the unlock
    }
    operation->kind = Operation::Kind::kUnlock;
    entry.pending = operation;
    entry.argument = argument == nullptr ? entry.argument : argument;
    wire::Dequeue dequeue;
    dequeue.lock = lkid & kNumberMask;
    dequeue.flags = (flags & kServerFlags) | flag::SHORTBLK;
    if (lksb == nullptr || lksb->sb_lvbptr == nullptr) {
        dequeue.flags &= ~flag::VALBLK;
    } else {
        dequeue.value = block_to_write(lksb);
    }
    operations_.emplace(link_.ask(dequeue), operation);
    operation->lksb->sb_status = EINPROG;
    return 0;
}

// What is cancelled completes as it would have, its status ECANCEL; whoever waits for the cancel
// hears it too.
int Lockspace::start_cancel(Entry& entry, std::uint32_t lkid, dlm_lksb* lksb, void* argument,
                            const std::shared_ptr<Operation>& operation) {
    operation->kind = Operation::Kind::kCancel;
    if (!entry.pending || entry.pending->kind == Operation::Kind::kUnlock) {
        operation->done = true;  // nothing to cancel: done, and no AST
        operation->lksb->sb_status = 0;
        return 0;
    }
    entry.argument = argument == nullptr ? entry.argument : argument;
    if (operation->waited || (lksb != nullptr && lksb != entry.pending->lksb)) {
        operation->lksb->sb_status = EINPROG;
        entry.pending->cancels.push_back(operation);
    }
    link_.ask(wire::Cancel{0, lkid & kNumberMask});
    return 0;
}

int Lockspace::deadlock_cancel(std::uint32_t lkid) {
    if (lkid == 0) {
        return EINVAL;
    }
    const Guard guard(mutex_);
    auto* entry = find(lkid);
    if (lost_ || entry == nullptr) {
        return lost_ ? ENOTCONN : ENOENT;
    }
    if (entry->pending) {
        entry->pending->deadlock = true;
        link_.ask(wire::Cancel{0, lkid & kNumberMask});
        flush();
    }
    return 0;
}

int Lockspace::purge(std::uint32_t node, std::uint32_t pid) {
    Guard guard(mutex_);
    auto operation = std::make_shared<Operation>();
    operation->waited = true;
    operations_.emplace(link_.ask(wire::Purge{0, NodeId(node), pid}), operation);
    return finish_call(guard, operation);
}

// A file mode that lets somebody open the device lets him use the domain.
int Lockspace::create(mode_t mode, bool fresh) {
    wire::DefineDomain define;
    define.mode = fresh ? right::kNewDomain : 0;
    define.uid = ::getuid();
    define.gid = ::getgid();
    for (const unsigned shift : {6U, 3U, 0U}) {
        const bool open = ((mode >> shift) & 6) == 6;
        define.mode = static_cast<std::uint16_t>(define.mode | ((open ? 7U : 0U) << shift));
    }
    define.name = name_;
    Guard guard(mutex_);
    auto operation = std::make_shared<Operation>();
    operation->waited = true;
    operations_.emplace(link_.ask(define), operation);
    const int error = finish_call(guard, operation);
    created_ = error == 0;
    return error;
}

int Lockspace::finish_call(Guard& guard, const std::shared_ptr<Operation>& operation) {
    if (lost_) {
        return ENOTCONN;
    }
    flush();
    wait_for(guard, *operation);
    const auto status = operation->status;
    return status == LockStatus::kGranted    ? 0
           : status == LockStatus::kNoRights ? EPERM
           : status == LockStatus::kExists   ? EEXIST
           : status == LockStatus::kRevoked  ? ENOTCONN
                                             : EINVAL;
}

}  // namespace quorate::lockmgr::libdlm
