#include "tls_connection.hpp"

#include <fmt/core.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "io/errc.hpp"

namespace quorate::io {

// The BIO below an SSL: recv(2) and send(2) on the connection's socket.
struct SocketBio {
    static TlsConnection& owner(BIO* bio) {
        return *static_cast<TlsConnection*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* out, int size) {
        auto& connection = owner(bio);
        BIO_clear_retry_flags(bio);
        if (!connection.early_.empty()) {
            const auto count = std::min(connection.early_.size(), static_cast<std::size_t>(size));
            std::memcpy(out, connection.early_.data(), count);
            connection.early_.erase(0, count);
            return static_cast<int>(count);
        }
        // The last read took all there was. What has come since wakes the wait that follows.
        if (std::exchange(connection.drained_, false)) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const auto got = recv(connection.fd_, out, static_cast<std::size_t>(size), 0);
        connection.drained_ = got > 0 && got < size;
        if (got == 0) {
            connection.socket_end_ = true;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            BIO_set_retry_read(bio);
        } else if (got < 0) {
            connection.socket_errno_ = errno;
        }
        return static_cast<int>(got);
    }

    static int write(BIO* bio, const char* bytes, int size) {
        auto& connection = owner(bio);
        BIO_clear_retry_flags(bio);
        const auto sent = send(connection.fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            BIO_set_retry_write(bio);
        } else if (sent < 0) {
            connection.socket_errno_ = errno;
        }
        return static_cast<int>(sent);
    }

    static long control(BIO* bio, int command, long, void*) {
        switch (command) {
            case BIO_CTRL_FLUSH:
                return 1;
            case BIO_CTRL_EOF:
                return owner(bio).socket_end_ ? 1 : 0;
            default:
                return 0;
        }
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const instance = [] {
            auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quorate socket");
            QUORATE_ASSERT(made != nullptr);
            BIO_meth_set_read(made, read);
            BIO_meth_set_write(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }();
        return instance;
    }
};

// What others of this thread left behind would be taken for ours. Clearing costs more than a look.
void forget_errors() {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

std::string openssl_reason() {
    std::string text;
    for (auto code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        std::string reason;
        if (ERR_SYSTEM_ERROR(code)) {
            reason = std::generic_category().message(ERR_GET_REASON(code));
        } else if (const char* known = ERR_reason_error_string(code)) {
            reason = known;
        }
        // "PEM lib" only says through which layer an earlier error went.
        if (reason.empty() || (!text.empty() && reason.ends_with(" lib"))) {
            continue;
        }
        text += text.empty() ? "" : ", ";
        text += reason;
    }
    return text.empty() ? "no reason given" : text;
}

TlsConnection::TlsConnection(TlsContext& context, int fd, std::string early)
    : ssl_(SSL_new(context.impl_->context)), fd_(fd), early_(std::move(early)) {
    QUORATE_ASSERT(ssl_ != nullptr);
    auto* bio = BIO_new(SocketBio::method());
    QUORATE_ASSERT(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    if (context.is_server()) {
        SSL_set_accept_state(ssl_);
        return;
    }
    SSL_set_connect_state(ssl_);
    const auto& options = context.impl_->options;
    if (!options.server_name.empty()) {
        SSL_set_tlsext_host_name(ssl_, options.server_name.c_str());
        SSL_set1_host(ssl_, options.server_name.c_str());
    }
}

TlsConnection::~TlsConnection() { SSL_free(ssl_); }

TlsConnection::Step TlsConnection::judge(int result) {
    if (result > 0) {
        return Step::kDone;
    }
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
            return Step::kWantRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::kWantWrite;
        case SSL_ERROR_ZERO_RETURN:
            return Step::kEnd;
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            if (socket_errno_ != 0) {
                error_ = fail_errno(socket_errno_, "TLS connection").value();
            } else {
                error_ = fail(Errc::kClosed, "the peer closed inside TLS").value();
            }
            return Step::kFailed;
        default: {
            auto reason = openssl_reason();
            const auto verdict = SSL_get_verify_result(ssl_);
            if (!SSL_is_server(ssl_) && verdict != X509_V_OK) {
                reason += fmt::format(" ({})", X509_verify_cert_error_string(verdict));
            }
            error_ = fail(Errc::kTls, std::move(reason)).value();
            return Step::kFailed;
        }
    }
}

TlsConnection::Step TlsConnection::handshake() {
    ERR_clear_error();
    const auto step = judge(SSL_do_handshake(ssl_));
    if (step == Step::kEnd) {
        error_ = fail(Errc::kClosed, "the peer closed during the TLS handshake").value();
        return Step::kFailed;
    }
    return step;
}

TlsConnection::Step TlsConnection::read(std::span<char> buffer, std::size_t& count) {
    forget_errors();
    return judge(SSL_read_ex(ssl_, buffer.data(), buffer.size(), &count));
}

bool TlsConnection::take_drained() {
    if (!drained_ || SSL_has_pending(ssl_) == 1) {
        return false;
    }
    drained_ = false;
    return true;
}

TlsConnection::Step TlsConnection::peek() {
    char byte;
    std::size_t count = 0;
    forget_errors();
    return judge(SSL_peek_ex(ssl_, &byte, 1, &count));
}

TlsConnection::Step TlsConnection::write(std::string_view bytes, std::size_t& count) {
    forget_errors();
    return judge(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count));
}

void TlsConnection::send_close_notify() {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

TlsInfo TlsConnection::info() const {
    TlsInfo info;
    info.protocol = SSL_get_version(ssl_);
    info.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_));
    if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
        info.server_name = name;
    }
    info.resumed = SSL_session_reused(ssl_) == 1;
    return info;
}

}  // namespace quorate::io
