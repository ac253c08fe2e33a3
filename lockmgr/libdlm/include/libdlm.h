/*
 * The interface of libdlm 4.2, served by Quorate's lock manager: programs
 * written for the Linux DLM compile, link and run unchanged. A lockspace is a
 * resource domain; clusterd must run on this node. lockmgr/libdlm/README.md
 * says what is better here, and what a program should know.
 */
#ifndef QUORATE_LIBDLM_H
#define QUORATE_LIBDLM_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DLM_LVB_LEN 32
#define DLM_LOCKSPACE_LEN 64
#define DLM_RESNAME_MAXLEN 64

/* Written when a request completes, before its AST runs; never by a blocking AST. */
struct dlm_lksb {
    int sb_status;    /* 0, an errno value, or one of ECANCEL, EUNLOCK, EINPROG */
    uint32_t sb_lkid; /* set before the call returns */
    char sb_flags;    /* DLM_SBF_... */
    char* sb_lvbptr;  /* value block, DLM_LVB_LEN octets, where LKF_VALBLK is said */
};

#define DLM_SBF_DEMOTED 0x01     /* LKF_CONVDEADLK lowered the granted mode to NL */
#define DLM_SBF_VALNOTVALID 0x02 /* the value block's last writer died */
#define DLM_SBF_ALTMODE 0x04     /* granted in the mode of LKF_ALTPR or LKF_ALTCW */

#define DLM_LSFL_TIMEWARN 0x00000002
#define DLM_LSFL_FS 0x00000004
#define DLM_LSFL_NEWEXCL 0x00000008

#define LKM_NLMODE 0
#define LKM_CRMODE 1
#define LKM_CWMODE 2
#define LKM_PRMODE 3
#define LKM_PWMODE 4
#define LKM_EXMODE 5

#define LKF_NOQUEUE 0x00000001
#define LKF_CANCEL 0x00000002
#define LKF_CONVERT 0x00000004
#define LKF_VALBLK 0x00000008
#define LKF_QUECVT 0x00000010
#define LKF_IVVALBLK 0x00000020
#define LKF_CONVDEADLK 0x00000040
#define LKF_PERSISTENT 0x00000080
#define LKF_NODLCKWT 0x00000100
#define LKF_NODLCKBLK 0x00000200
#define LKF_EXPEDITE 0x00000400
#define LKF_NOQUEUEBAST 0x00000800
#define LKF_HEADQUE 0x00001000
#define LKF_NOORDER 0x00002000
#define LKF_ORPHAN 0x00004000
#define LKF_ALTPR 0x00008000
#define LKF_ALTCW 0x00010000
#define LKF_FORCEUNLOCK 0x00020000
#define LKF_TIMEOUT 0x00040000
#define LKF_WAIT 0x80000000

#define ECANCEL 0x10001
#define EUNLOCK 0x10002
#define EINPROG 0x10003

typedef void* dlm_lshandle_t;

extern int dlm_kernel_version(uint32_t* maj, uint32_t* min, uint32_t* patch);
extern void dlm_library_version(uint32_t* maj, uint32_t* min, uint32_t* patch);

/* ---- the default lockspace */

#ifdef _REENTRANT
extern int lock_resource(const char* resource, int mode, int flags, int* lockid);
extern int unlock_resource(int lockid);
#endif

extern int dlm_lock(uint32_t mode, struct dlm_lksb* lksb, uint32_t flags, const void* name,
                    unsigned int namelen, uint32_t parent, void (*astaddr)(void* astarg),
                    void* astarg, void (*bastaddr)(void* astarg), void* range);
extern int dlm_unlock(uint32_t lkid, uint32_t flags, struct dlm_lksb* lksb, void* astarg);
extern int dlm_lock_wait(uint32_t mode, struct dlm_lksb* lksb, uint32_t flags, const void* name,
                         unsigned int namelen, uint32_t parent, void* bastarg,
                         void (*bastaddr)(void* bastarg), void* range);
extern int dlm_unlock_wait(uint32_t lkid, uint32_t flags, struct dlm_lksb* lksb);
extern int dlm_get_fd(void);
extern int dlm_dispatch(int fd);

/* ---- lockspaces */

extern dlm_lshandle_t dlm_create_lockspace(const char* name, mode_t mode);
extern dlm_lshandle_t dlm_new_lockspace(const char* name, mode_t mode, uint32_t flags);
extern dlm_lshandle_t dlm_open_lockspace(const char* name);
extern int dlm_close_lockspace(dlm_lshandle_t ls);
extern int dlm_release_lockspace(const char* name, dlm_lshandle_t ls, int force);
extern int dlm_ls_get_fd(dlm_lshandle_t ls);

extern int dlm_ls_lock(dlm_lshandle_t lockspace, uint32_t mode, struct dlm_lksb* lksb,
                       uint32_t flags, const void* name, unsigned int namelen, uint32_t parent,
                       void (*astaddr)(void* astarg), void* astarg, void (*bastaddr)(void* astarg),
                       void* range);
extern int dlm_ls_lockx(dlm_lshandle_t lockspace, uint32_t mode, struct dlm_lksb* lksb,
                        uint32_t flags, const void* name, unsigned int namelen, uint32_t parent,
                        void (*astaddr)(void* astarg), void* astarg, void (*bastaddr)(void* astarg),
                        uint64_t* xid, uint64_t* timeout);
extern int dlm_ls_unlock(dlm_lshandle_t lockspace, uint32_t lkid, uint32_t flags,
                         struct dlm_lksb* lksb, void* astarg);
extern int dlm_ls_lock_wait(dlm_lshandle_t lockspace, uint32_t mode, struct dlm_lksb* lksb,
                            uint32_t flags, const void* name, unsigned int namelen, uint32_t parent,
                            void* bastarg, void (*bastaddr)(void* bastarg), void* range);
extern int dlm_ls_unlock_wait(dlm_lshandle_t lockspace, uint32_t lkid, uint32_t flags,
                              struct dlm_lksb* lksb);
extern int dlm_ls_deadlock_cancel(dlm_lshandle_t ls, uint32_t lkid, uint32_t flags);
extern int dlm_ls_purge(dlm_lshandle_t lockspace, int nodeid, int pid);

/* ---- a thread that runs the ASTs */

#ifdef _REENTRANT
extern int dlm_pthread_init(void);
extern int dlm_ls_pthread_init(dlm_lshandle_t lockspace);
extern int dlm_pthread_cleanup(void);
#endif

#ifdef __cplusplus
}
#endif

#endif
