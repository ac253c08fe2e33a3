/* holder NAME MODE: takes it with its value block, says what it was granted, and on a line of input writes the line
 * there and gives it back. */
#include "program.h"

int main(int argc, char **argv) {
    char block[DLM_LVB_LEN + 1] = {0};
    struct dlm_lksb lksb = {.sb_lvbptr = block};
    CHECK(argc == 3);
    CHECK(dlm_pthread_init() == 0);
    CHECK(dlm_lock_wait((uint32_t)atoi(argv[2]), &lksb, LKF_VALBLK, argv[1], size_of(argv[1]), 0, NULL, NULL, NULL) == 0);
    printf("%d %d %s\n", lksb.sb_status, lksb.sb_flags, block);
    fflush(stdout);
    memset(block, 0, sizeof block);
    if (fgets(block, DLM_LVB_LEN, stdin) == NULL)
        return 0;
    block[strcspn(block, "\n")] = '\0';
    CHECK(dlm_unlock_wait(lksb.sb_lkid, LKF_VALBLK, &lksb) == 0);
    printf("%d\n", lksb.sb_status == (int)EUNLOCK);
    return 0;
}
