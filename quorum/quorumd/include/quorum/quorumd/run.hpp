#pragma once

namespace quorate::quorum {

// quorumd, from its command line to its exit code: see quorumd(8).
int run(int argc, char** argv);

}  // namespace quorate::quorum
