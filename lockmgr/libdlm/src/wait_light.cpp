#include "abi.hpp"

namespace quorate::lockmgr::libdlm {

int outcome_of_wait(int result, const dlm_lksb* lksb) {
    if (result != 0) {
        return result;
    }
    errno = lksb->sb_status;
    return lksb->sb_status == 0 || lksb->sb_status == EUNLOCK ? 0 : -1;
}

}  // namespace quorate::lockmgr::libdlm
