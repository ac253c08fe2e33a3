#pragma once

namespace quorate::quorum {

// Locks what is mapped and what will be, when it is used. False: not permitted.
bool lock_memory();

// Gives back what only the start needed: locked memory is never paged out, and a library that reads
// its own configuration and connects goes through most of its code once. Code and constants come
// back from the file when they are used again, locked as before; free memory of the heap goes.
// Takes a few milliseconds. Both: one thread.
void release_unused_memory();

}  // namespace quorate::quorum
