#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "io/tls.hpp"

namespace quorate::io {

// One connection's OpenSSL state over a non-blocking socket, without waiting: every call does what
// it can and says what it needs. OpenSSL's own socket BIO is not used, because it raises SIGPIPE
// and cannot be handed bytes read too early.
class TlsConnection {
public:
    enum class Step { kDone, kWantRead, kWantWrite, kEnd, kFailed };

    // `early`: bytes already taken from the socket, consumed first.
    TlsConnection(TlsContext& context, int fd, std::string early);
    ~TlsConnection();
    TlsConnection(const TlsConnection&) = delete;
    TlsConnection& operator=(const TlsConnection&) = delete;

    Step handshake();
    Step read(std::span<char> buffer, std::size_t& count);
    // The last read took all there was: the next one is to be waited for. Asked once.
    bool take_drained();
    // kDone when read() has at least one byte.
    Step peek();
    Step write(std::string_view bytes, std::size_t& count);
    void send_close_notify();

    // Why the last call returned kFailed.
    Error error() const { return error_; }
    TlsInfo info() const;

private:
    friend struct SocketBio;
    Step judge(int result);

    SSL* ssl_;
    int fd_;
    bool socket_end_ = false;
    bool drained_ = false;
    int socket_errno_ = 0;
    std::string early_;
    Error error_;
};

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

// With the settings that every connection of ours has.
Result<ContextPtr> new_tls_context(const SSL_METHOD* method);

// Everything in OpenSSL's error queue, as one text; empties the queue.
std::string openssl_reason();

struct TlsContext::Impl {
    SSL_CTX* context = nullptr;
    bool is_server = false;
    ServerFiles files;
    ClientOptions options;
    PresharedKey psk;
    WallTime expires{};

    Impl() = default;
    ~Impl() { SSL_CTX_free(context); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

}  // namespace quorate::io
