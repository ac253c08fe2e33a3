#pragma once

namespace quorate::cluster {

// clusterd(8), to its end: returns the exit code.
int run(int argc, char** argv);

}  // namespace quorate::cluster
