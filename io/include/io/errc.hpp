#pragma once

#include <system_error>

namespace quorate::io {

// What a caller of io/ may want to tell apart. Failures of the system keep errno's value in
// std::generic_category or std::system_category.
enum class Errc {
    kTimedOut = 1,  // the deadline passed; the object is still usable
    kClosed,        // closed on our side, or the peer closed in the middle of something
    kInterrupted,   // Stream::interrupt(): look at what changed, then wait again
    kCancelled,     // the coroutine's scope was cancelled: return
    kStopping,      // the scope, pool or listener takes nothing new
    kQueueFull,     // a bounded queue is full: try later or tell the peer so
    kLimit,         // the peer sent more than the limit
    kTls,           // handshake, certificate or record failure
    kConfig,        // the operator's configuration: exit 78
    kUsage,         // the operator's command line: exit 78
    kAddress,       // text that is not an address
    kHttp,          // malformed HTTP
};

const std::error_category& io_category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), io_category()};
}

}  // namespace quorate::io

template <>
struct std::is_error_code_enum<quorate::io::Errc> : std::true_type {};
