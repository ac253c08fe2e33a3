#pragma once

#include <dlfcn.h>

namespace quorate::io {

// A function of a library that was loaded when it was needed.
template <class Function>
bool find_symbol(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

// Loads a library for the rest of the process's life; false: it is not there, or lacks something
// that `find` wants.
template <class Table>
bool load_library(const char* name, bool (*find)(void*, Table&), Table& table) {
    void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && find(library, table);
}

}  // namespace quorate::io
