#pragma once

#include <dlfcn.h>

namespace quorate::shadowing {

// A function of a library that was loaded when it was needed.
template <class Function>
bool find_symbol(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace quorate::shadowing
