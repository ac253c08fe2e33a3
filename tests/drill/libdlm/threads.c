/* libdlm with its thread: every call, the completions, the blocking ASTs, and what the kernel's gets wrong. */
#include <pthread.h>
#include <sched.h>

#include "program.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct one {
    struct dlm_lksb lksb;
    int completions;
    int blocked;
    char block[DLM_LVB_LEN];
};

static void count(int *what) {
    pthread_mutex_lock(&mutex);
    ++*what;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}
static void completed(void *argument) { count(&((struct one *)argument)->completions); }
static void blocks(void *argument) { count(&((struct one *)argument)->blocked); }
static void await(int *what, int times) {
    pthread_mutex_lock(&mutex);
    while (*what < times)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    CHECK(*what == times);
}

static void ask(struct one *one, const char *name, uint32_t mode, uint32_t flags) {
    one->lksb.sb_lvbptr = one->block;
    CHECK(dlm_lock(mode, &one->lksb, flags, name, size_of(name), 0, completed, one, blocks, NULL) == 0);
    CHECK(one->lksb.sb_lkid != 0);
}

static void give_back(struct one *one) {
    const int before = one->completions;
    CHECK(dlm_unlock(one->lksb.sb_lkid, 0, &one->lksb, one) == 0);
    await(&one->completions, before + 1);
    CHECK(one->lksb.sb_status == EUNLOCK);
}

static void simple_calls(void) {
    int lock = 0;
    CHECK(lock_resource("simple", LKM_EXMODE, 0, &lock) == 0 && lock != 0);
    int other = 0;
    FAILS(lock_resource("simple", LKM_PRMODE, LKF_NOQUEUE, &other), EAGAIN);
    CHECK(lock_resource("simple", LKM_NLMODE, LKF_CONVERT, &lock) == 0);
    CHECK(lock_resource("simple", LKM_PRMODE, LKF_NOQUEUE, &other) == 0);
    CHECK(unlock_resource(other) == 0 && unlock_resource(lock) == 0);
    FAILS(unlock_resource(lock), ENOENT);
    FAILS(lock_resource("simple", LKM_EXMODE, 0, NULL), EINVAL);
    FAILS(dlm_pthread_init(), EEXIST);
    uint32_t version[3];
    CHECK(dlm_kernel_version(&version[0], &version[1], &version[2]) == 0);
    CHECK(version[0] == 6 && version[1] == 0 && version[2] == 2);
}

static void completions_and_blocking(void) {
    struct one holder = {0}, waiter = {0};
    ask(&holder, "order", LKM_EXMODE, 0);
    await(&holder.completions, 1);
    CHECK(holder.lksb.sb_status == 0);
    ask(&waiter, "order", LKM_PRMODE, 0);
    await(&holder.blocked, 1);
    CHECK(waiter.lksb.sb_status == EINPROG && waiter.completions == 0);
    CHECK(holder.lksb.sb_status == 0);
    ask(&holder, "", LKM_CRMODE, LKF_CONVERT);
    await(&holder.completions, 2);
    await(&waiter.completions, 1);
    CHECK(holder.lksb.sb_status == 0 && waiter.lksb.sb_status == 0);
    give_back(&waiter);
    give_back(&holder);
    FAILS(dlm_unlock(holder.lksb.sb_lkid, 0, &holder.lksb, NULL), ENOENT);
}

static void value_blocks(void) {
    struct one keeper = {0}, writer = {0}, reader = {0};
    ask(&keeper, "value", LKM_NLMODE, LKF_VALBLK);
    await(&keeper.completions, 1);
    CHECK(keeper.block[0] == 0 && (keeper.lksb.sb_flags & DLM_SBF_VALNOTVALID) == 0);
    ask(&writer, "value", LKM_EXMODE, LKF_VALBLK);
    await(&writer.completions, 1);
    memset(writer.block, 'w', DLM_LVB_LEN);
    ask(&writer, "", LKM_CRMODE, LKF_CONVERT | LKF_VALBLK);
    await(&writer.completions, 2);
    ask(&reader, "value", LKM_PRMODE, LKF_VALBLK);
    await(&reader.completions, 1);
    CHECK(reader.block[0] == 'w' && reader.block[DLM_LVB_LEN - 1] == 'w');
    give_back(&reader);
    /* NL to EX returns the block as it is now: device 6.0.1 did not. */
    ask(&keeper, "", LKM_EXMODE, LKF_CONVERT | LKF_VALBLK);
    struct dlm_lksb gone = {0};
    CHECK(dlm_unlock_wait(writer.lksb.sb_lkid, 0, &gone) == 0 && gone.sb_status == EUNLOCK);
    await(&keeper.completions, 2);
    CHECK(keeper.block[0] == 'w');
    ask(&reader, "value", LKM_NLMODE, 0);
    await(&reader.completions, 3);
    CHECK(dlm_unlock_wait(keeper.lksb.sb_lkid, LKF_IVVALBLK, &gone) == 0 && gone.sb_status == EUNLOCK);
    ask(&reader, "", LKM_PRMODE, LKF_CONVERT | LKF_VALBLK);
    await(&reader.completions, 4);
    CHECK(reader.lksb.sb_flags == DLM_SBF_VALNOTVALID && reader.block[0] == 'w');
    give_back(&reader);
}

static void refusals(void) {
    struct one one = {0}, two = {0};
    struct dlm_lksb *lksb = &one.lksb;
    FAILS(dlm_lock(6, lksb, 0, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, 0, "x", 65, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, NULL, 0, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_CANCEL, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_QUECVT, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_CONVDEADLK, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_EXPEDITE, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_NLMODE, lksb, LKF_EXPEDITE | LKF_NOQUEUE, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_VALBLK, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_CONVERT, "x", 1, 0, completed, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, 0, "x", 1, 0, NULL, &one, NULL, NULL), EINVAL);
    FAILS(dlm_lock(LKM_EXMODE, lksb, 0, "x", 1, 0, completed, &one, NULL, &one), ENOSYS);
    FAILS(dlm_unlock(0, 0, lksb, NULL), EINVAL);
    FAILS(dlm_ls_lock(NULL, LKM_EXMODE, lksb, 0, "x", 1, 0, completed, &one, NULL, NULL), ENOTCONN);
    one.lksb.sb_lkid = 77;
    FAILS(dlm_lock(LKM_EXMODE, lksb, LKF_CONVERT, "x", 1, 0, completed, &one, NULL, NULL), ENOENT);
    ask(&one, "refusals", LKM_EXMODE, 0);
    await(&one.completions, 1);
    ask(&two, "refusals", LKM_EXMODE, 0);
    FAILS(dlm_lock(LKM_PRMODE, &two.lksb, LKF_CONVERT, "", 0, 0, completed, &two, NULL, NULL), EBUSY);
    FAILS(dlm_unlock(two.lksb.sb_lkid, 0, &two.lksb, NULL), EBUSY);
    FAILS(dlm_unlock(two.lksb.sb_lkid, LKF_NOQUEUE, &two.lksb, NULL), EINVAL);
    FAILS(dlm_unlock(two.lksb.sb_lkid, LKF_CANCEL | LKF_FORCEUNLOCK, &two.lksb, NULL), EINVAL);
    FAILS(dlm_lock(LKM_NLMODE, lksb, LKF_CONVERT | LKF_QUECVT, "", 0, 0, completed, &one, NULL, NULL), EINVAL);
    /* Forced: one completion, of the unlock. */
    CHECK(dlm_unlock(two.lksb.sb_lkid, LKF_FORCEUNLOCK, &two.lksb, &two) == 0);
    await(&two.completions, 1);
    CHECK(two.lksb.sb_status == EUNLOCK);
    give_back(&one);
}

static void *wait_for_it(void *argument) {
    struct dlm_lksb *lksb = argument;
    CHECK(dlm_lock_wait(LKM_EXMODE, lksb, 0, "cancel", 6, 0, NULL, NULL, NULL) == 0);
    return NULL;
}

static void cancels(void) {
    struct one holder = {0}, waiter = {0};
    ask(&holder, "cancel", LKM_EXMODE, 0);
    await(&holder.completions, 1);
    ask(&waiter, "cancel", LKM_PRMODE, 0);
    CHECK(dlm_unlock(waiter.lksb.sb_lkid, LKF_CANCEL, &waiter.lksb, NULL) == 0);
    await(&waiter.completions, 1);
    CHECK(waiter.lksb.sb_status == (int)ECANCEL);
    /* A conversion that is cancelled leaves the lock as it was. */
    struct one reader = {0};
    ask(&holder, "", LKM_CRMODE, LKF_CONVERT);
    await(&holder.completions, 2);
    ask(&reader, "cancel", LKM_CRMODE, 0);
    await(&reader.completions, 1);
    ask(&reader, "", LKM_EXMODE, LKF_CONVERT);
    CHECK(dlm_unlock(reader.lksb.sb_lkid, LKF_CANCEL, &reader.lksb, NULL) == 0);
    await(&reader.completions, 2);
    CHECK(reader.lksb.sb_status == (int)ECANCEL);
    give_back(&reader);
    ask(&holder, "", LKM_EXMODE, LKF_CONVERT);
    await(&holder.completions, 3);
    /* Both who waits and who cancels that wait come back: the kernel's leaves the first one waiting. */
    struct dlm_lksb waits = {0}, other = {0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_it, &waits) == 0);
    await(&holder.blocked, 3); /* by the waiter, the conversion, and now */
    const uint32_t lkid = __atomic_load_n(&waits.sb_lkid, __ATOMIC_SEQ_CST);
    CHECK(dlm_unlock_wait(lkid, LKF_CANCEL, &other) == 0 && other.sb_status == (int)ECANCEL);
    CHECK(pthread_join(thread, NULL) == 0 && waits.sb_status == (int)ECANCEL);
    /* Nothing to cancel is no error, and does not hang. */
    CHECK(dlm_unlock_wait(holder.lksb.sb_lkid, LKF_CANCEL, &other) == 0 && other.sb_status == 0);
    give_back(&holder);
}

static void deadlocks_and_timeouts(void) {
    struct one one = {0}, two = {0};
    ask(&one, "dead", LKM_PRMODE, 0);
    ask(&two, "dead", LKM_PRMODE, 0);
    await(&one.completions, 1);
    await(&two.completions, 1);
    ask(&one, "", LKM_EXMODE, LKF_CONVERT);
    ask(&two, "", LKM_EXMODE, LKF_CONVERT);
    await(&two.completions, 2);
    CHECK(two.lksb.sb_status == EDEADLK);
    give_back(&two);
    await(&one.completions, 2);
    CHECK(one.lksb.sb_status == 0);
    dlm_lshandle_t space = dlm_open_lockspace("timed");
    CHECK(space != NULL && dlm_ls_pthread_init(space) == 0);
    FAILS(dlm_ls_pthread_init(space), EEXIST);
    struct one holder = {0}, late = {0};
    uint64_t centiseconds = 3, xid = 9;
    CHECK(dlm_ls_lockx(space, LKM_EXMODE, &holder.lksb, 0, "t", 1, 0, completed, &holder, NULL, &xid, NULL) == 0);
    await(&holder.completions, 1);
    CHECK(dlm_ls_lockx(space, LKM_EXMODE, &late.lksb, LKF_TIMEOUT, "t", 1, 0, completed, &late, NULL, &xid,
                       &centiseconds) == 0);
    await(&late.completions, 1);
    CHECK(late.lksb.sb_status == ETIMEDOUT);
    CHECK(dlm_ls_lock(space, LKM_EXMODE, &late.lksb, 0, "t", 1, 0, completed, &late, NULL, NULL) == 0);
    CHECK(dlm_ls_deadlock_cancel(space, late.lksb.sb_lkid, 0) == 0);
    await(&late.completions, 2);
    CHECK(late.lksb.sb_status == EDEADLK);
    FAILS(dlm_release_lockspace("timed", space, 0), EBUSY);
    FAILS(dlm_release_lockspace("other", space, 1), EINVAL);
    CHECK(dlm_release_lockspace("timed", space, 1) == 0);
    give_back(&one);
}

/* A conversion that gave its mode up for another's and then ended otherwise holds NL, and says so. */
static void demotions(void) {
    struct one one = {0}, two = {0};
    ask(&one, "demoted", LKM_PRMODE, 0);
    ask(&two, "demoted", LKM_PRMODE, 0);
    await(&one.completions, 1);
    await(&two.completions, 1);
    ask(&one, "", LKM_EXMODE, LKF_CONVERT);
    ask(&two, "", LKM_EXMODE, LKF_CONVERT | LKF_CONVDEADLK);
    await(&one.completions, 2);
    CHECK(one.lksb.sb_status == 0 && one.lksb.sb_flags == 0);
    CHECK(dlm_unlock(two.lksb.sb_lkid, LKF_CANCEL, &two.lksb, NULL) == 0);
    await(&two.completions, 2);
    CHECK(two.lksb.sb_status == (int)ECANCEL && two.lksb.sb_flags == DLM_SBF_DEMOTED);
    /* Of NL the library lets this through: PR to PR it would refuse. */
    ask(&two, "", LKM_PRMODE, LKF_CONVERT | LKF_QUECVT);
    give_back(&one);
    await(&two.completions, 3);
    CHECK(two.lksb.sb_status == 0 && two.lksb.sb_flags == 0);
    give_back(&two);
}

static void sublocks(void) {
    struct one parent = {0}, child = {0};
    ask(&parent, "parent", LKM_CRMODE, 0);
    await(&parent.completions, 1);
    CHECK(dlm_lock(LKM_EXMODE, &child.lksb, 0, "child", 5, parent.lksb.sb_lkid, completed, &child, NULL, NULL) == 0);
    await(&child.completions, 1);
    CHECK(child.lksb.sb_status == 0);
    FAILS(dlm_unlock(parent.lksb.sb_lkid, 0, &parent.lksb, NULL), ENOTEMPTY);
    give_back(&child);
    give_back(&parent);
}

/* The number of a lock that is gone is another lock's only after many: who still has it means nobody. */
static void lock_ids(void) {
    struct one first = {0}, next = {0};
    ask(&first, "ids", LKM_EXMODE, 0);
    await(&first.completions, 1);
    const uint32_t gone = first.lksb.sb_lkid;
    give_back(&first);
    for (int i = 0; i < 100; ++i) {
        ask(&next, "ids", LKM_EXMODE, 0);
        await(&next.completions, 2 * i + 1);
        CHECK(next.lksb.sb_lkid != gone);
        FAILS(dlm_unlock(gone, 0, &first.lksb, NULL), ENOENT);
        first.lksb.sb_lkid = gone;
        FAILS(dlm_lock(LKM_NLMODE, &first.lksb, LKF_CONVERT, "", 0, 0, completed, &first, NULL, NULL), ENOENT);
        FAILS(dlm_unlock(gone, LKF_CANCEL, &first.lksb, NULL), ENOENT);
        give_back(&next);
    }
    /* All at once they are different. */
    static struct one many[300];
    for (int i = 0; i < 300; ++i)
        ask(&many[i], "ids", LKM_NLMODE, 0);
    for (int i = 0; i < 300; ++i) {
        await(&many[i].completions, 1);
        for (int other = 0; other < i; ++other)
            CHECK(many[i].lksb.sb_lkid != many[other].lksb.sb_lkid);
        CHECK(many[i].lksb.sb_lkid != gone);
    }
    for (int i = 0; i < 300; ++i)
        give_back(&many[i]);
}

static int in_ast_status = -1;
static void waits_in_an_ast(void *argument) {
    struct dlm_lksb lksb = {0};
    if (dlm_lock_wait(LKM_EXMODE, &lksb, 0, "nested", 6, 0, NULL, NULL, NULL) == 0 && lksb.sb_status == 0 &&
        dlm_unlock_wait(lksb.sb_lkid, 0, &lksb) == 0)
        in_ast_status = lksb.sb_status;
    completed(argument);
}

static void waiting_within_an_ast(void) {
    struct one one = {0};
    CHECK(dlm_lock(LKM_EXMODE, &one.lksb, 0, "outer", 5, 0, waits_in_an_ast, &one, NULL, NULL) == 0);
    await(&one.completions, 1);
    CHECK(in_ast_status == (int)EUNLOCK);
    CHECK(dlm_unlock_wait(one.lksb.sb_lkid, 0, &one.lksb) == 0);
}

static void orphans(void) {
    dlm_lshandle_t space = dlm_create_lockspace("orphans", 0600);
    CHECK(space != NULL);
    struct dlm_lksb lksb = {0};
    CHECK(dlm_ls_lock_wait(space, LKM_EXMODE, &lksb, LKF_PERSISTENT, "o", 1, 0, NULL, NULL, NULL) == 0);
    CHECK(lksb.sb_status == 0 && dlm_close_lockspace(space) == 0);
    space = dlm_open_lockspace("orphans");
    CHECK(space != NULL && dlm_ls_pthread_init(space) == 0);
    struct one one = {0};
    const uint32_t flags = LKF_PERSISTENT | LKF_ORPHAN;
    FAILS(dlm_ls_lock(space, LKM_PRMODE, &one.lksb, flags, "o", 1, 0, completed, &one, NULL, NULL), EAGAIN);
    FAILS(dlm_ls_lock(space, LKM_EXMODE, &one.lksb, flags, "none", 4, 0, completed, &one, NULL, NULL), ENOENT);
    FAILS(dlm_ls_lock(space, LKM_EXMODE, &one.lksb, LKF_ORPHAN, "o", 1, 0, completed, &one, NULL, NULL), EINVAL);
    CHECK(dlm_ls_lock(space, LKM_EXMODE, &one.lksb, flags, "o", 1, 0, completed, &one, NULL, NULL) == 0);
    CHECK(one.completions == 0);
    CHECK(dlm_ls_unlock_wait(space, one.lksb.sb_lkid, 0, &lksb) == 0 && lksb.sb_status == (int)EUNLOCK);
    CHECK(dlm_ls_purge(space, 0, 0) == 0 || errno == EPERM);
    CHECK(dlm_close_lockspace(space) == 0);
    FAILS(dlm_close_lockspace(NULL), EINVAL);
}

/* Exclusively new: not while a program that created it has it open, and again when it has left. */
static void new_lockspaces(void) {
    dlm_lshandle_t space = dlm_new_lockspace("fresh", 0600, DLM_LSFL_NEWEXCL);
    CHECK(space != NULL);
    errno = 0;
    CHECK(dlm_new_lockspace("fresh", 0600, DLM_LSFL_NEWEXCL) == NULL && errno == EEXIST);
    dlm_lshandle_t shared = dlm_new_lockspace("fresh", 0600, 0);
    CHECK(shared != NULL && dlm_close_lockspace(space) == 0);
    CHECK(dlm_new_lockspace("fresh", 0600, DLM_LSFL_NEWEXCL) == NULL && errno == EEXIST);
    CHECK(dlm_release_lockspace("fresh", shared, 0) == 0);
    for (int i = 0; i < 20; ++i) {
        space = dlm_new_lockspace("fresh", 0600, DLM_LSFL_NEWEXCL | DLM_LSFL_FS);
        CHECK(space != NULL && dlm_ls_pthread_init(space) == 0 && dlm_close_lockspace(space) == 0);
    }
    CHECK(dlm_new_lockspace("a name that is longer than a lockspace may have, by one octet - now", 0600, 0) == NULL &&
          errno == EINVAL);
}

int main(void) {
    CHECK(dlm_pthread_init() == 0);
    simple_calls();
    completions_and_blocking();
    value_blocks();
    refusals();
    cancels();
    deadlocks_and_timeouts();
    demotions();
    sublocks();
    lock_ids();
    waiting_within_an_ast();
    orphans();
    new_lockspaces();
    CHECK(dlm_pthread_cleanup() == 0);
    struct dlm_lksb lksb = {0};
    FAILS(dlm_unlock(1, 0, &lksb, NULL), ENOTCONN);
    CHECK(dlm_pthread_init() == 0 && dlm_pthread_cleanup() == 0);
    puts("all well");
    return 0;
}
