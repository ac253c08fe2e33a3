/* libdlm_lt: no threads; the program polls a descriptor, or waits, and the calls that wait tell what came of it. */
#include "program.h"

static int completions, blocked;
static void completed(void *argument) { (void)argument, ++completions; }
static void blocks(void *argument) { (void)argument, ++blocked; }

static void dispatch_until(dlm_lshandle_t space, const int *what, int times) {
    while (*what < times) {
        struct pollfd pfd = {.fd = dlm_ls_get_fd(space), .events = POLLIN};
        CHECK(poll(&pfd, 1, 20000) == 1);
        CHECK(dlm_dispatch(pfd.fd) == 0);
    }
    CHECK(*what == times);
}

int main(void) {
    struct dlm_lksb lksb = {0}, other = {0}, third = {0};
    CHECK(dlm_lock_wait(LKM_EXMODE, &lksb, 0, "light", 5, 0, NULL, NULL, NULL) == 0);
    FAILS(dlm_lock_wait(LKM_PRMODE, &other, LKF_NOQUEUE, "light", 5, 0, NULL, NULL, NULL), EAGAIN);
    CHECK(other.sb_status == EAGAIN);
    CHECK(dlm_unlock_wait(lksb.sb_lkid, 0, &lksb) == 0 && errno == (int)EUNLOCK);
    FAILS(dlm_dispatch(-1), EBADF);
    CHECK(dlm_get_fd() >= 0);

    dlm_lshandle_t space = dlm_open_lockspace("light");
    CHECK(space != NULL);
    CHECK(dlm_ls_lock(space, LKM_EXMODE, &lksb, 0, "a", 1, 0, completed, NULL, blocks, NULL) == 0);
    dispatch_until(space, &completions, 1);
    CHECK(dlm_ls_lock(space, LKM_PRMODE, &other, 0, "a", 1, 0, completed, NULL, NULL, NULL) == 0);
    dispatch_until(space, &blocked, 1);
    /* A blocking AST leaves the lksb alone, also one that comes while a conversion is under way. */
    CHECK(lksb.sb_status == 0 && other.sb_status == (int)EINPROG);
    /* A call that waits runs what is due; nothing is left over that poll would not tell. */
    CHECK(dlm_ls_lock(space, LKM_EXMODE, &third, 0, "b", 1, 0, completed, NULL, NULL, NULL) == 0);
    CHECK(dlm_ls_lock_wait(space, LKM_CRMODE, &lksb, LKF_CONVERT, "", 0, 0, NULL, NULL, NULL) == 0);
    dispatch_until(space, &completions, 3);
    CHECK(other.sb_status == 0 && third.sb_status == 0);
    /* A hundred at once, then their ASTs. */
    static struct dlm_lksb many[100];
    for (int i = 0; i < 100; ++i) {
        char name[16];
        snprintf(name, sizeof name, "many/%d", i);
        CHECK(dlm_ls_lock(space, LKM_EXMODE, &many[i], 0, name, size_of(name), 0, completed, NULL, NULL, NULL) == 0);
    }
    dispatch_until(space, &completions, 103);
    CHECK(dlm_close_lockspace(space) == 0);
    puts("all well");
    return 0;
}
