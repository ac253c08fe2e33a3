#pragma once

namespace quorate::shadowing {

// shadowd, from its command line to its exit code.
int run_shadowd(int argc, char** argv);

}  // namespace quorate::shadowing
