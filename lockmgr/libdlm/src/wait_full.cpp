#include "abi.hpp"

namespace quorate::lockmgr::libdlm {

// 0 also when the request failed: sb_status says so.
int outcome_of_wait(int result, const dlm_lksb*) { return result; }

}  // namespace quorate::lockmgr::libdlm
