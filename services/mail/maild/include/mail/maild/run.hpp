#pragma once

// The mail daemon as a function: maild(8). Returns the exit code of the process.
namespace quorate::mail {

int run(int argc, char** argv);

}  // namespace quorate::mail
