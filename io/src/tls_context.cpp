#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <ctime>
#include <utility>

#include <fmt/core.h>

#include "io/errc.hpp"
#include "io/tls.hpp"
#include "tls_connection.hpp"

namespace quorate::io {
namespace {

// For TLS 1.2; those of 1.3 are all good.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Accept resumption only in our own listeners.
constexpr std::string_view kSessionContext = "quorate";

}  // namespace

Result<ContextPtr> new_tls_context(const SSL_METHOD* method) {
    ContextPtr context(SSL_CTX_new(method));
    if (!context) {
        return fail(Errc::kTls, openssl_reason());
    }
    auto* raw = context.get();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(raw, kCiphers) != 1) {
        return fail(Errc::kTls, openssl_reason());
    }
    SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // One recv() per record instead of two; the connection asks peek(), never the socket, whether
    // there is something to read.
    SSL_CTX_set_read_ahead(raw, 1);
    // Tickets carry the session; a cache here would hold memory for every connection.
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    return context;
}

namespace {

// A key that needs a passphrase is refused, not asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

WallTime certificate_expiry(SSL_CTX* context) {
    const auto* certificate = SSL_CTX_get0_certificate(context);
    std::tm when = {};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) {
        return {};
    }
    return WallTime(std::chrono::seconds(timegm(&when)));
}

Result<ContextPtr> load_server(const TlsContext::ServerFiles& files) {
    ERR_clear_error();
    QUORATE_TRY(auto context, new_tls_context(TLS_server_method()));
    auto* raw = context.get();
    SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
        return fail(Errc::kTls, fmt::format("{}: no usable certificate: {}", files.certificate,
                                            openssl_reason()));
    }
    if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fail(Errc::kTls, fmt::format("{}: no usable private key for {}: {}", files.key,
                                            files.certificate, openssl_reason()));
    }
    if (SSL_CTX_check_private_key(raw) != 1) {
        return fail(Errc::kTls, fmt::format("{}: not the key of {}: {}", files.key,
                                            files.certificate, openssl_reason()));
    }
    SSL_CTX_set_session_id_context(raw,
                                   reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                   static_cast<unsigned>(kSessionContext.size()));
    return context;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext> TlsContext::server(ServerFiles files) {
    auto impl = std::make_unique<Impl>();
    impl->is_server = true;
    impl->files = std::move(files);
    TlsContext made(std::move(impl));
    QUORATE_CHECK(made.reload());
    return made;
}

Result<TlsContext> TlsContext::client(ClientOptions options) {
    ERR_clear_error();
    QUORATE_TRY(auto context, new_tls_context(TLS_client_method()));
    if (options.verify) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
        const bool loaded =
            options.ca_file.empty()
                ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                : SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) == 1;
        if (!loaded) {
            return fail(Errc::kTls, fmt::format("{}: no usable authority: {}", options.ca_file,
                                                openssl_reason()));
        }
    }
    auto impl = std::make_unique<Impl>();
    impl->context = context.release();
    impl->options = std::move(options);
    return TlsContext(std::move(impl));
}

Status TlsContext::reload() {
    QUORATE_TRY(auto fresh, load_server(impl_->files));
    SSL_CTX_free(impl_->context);
    impl_->context = fresh.release();
    impl_->expires = certificate_expiry(impl_->context);
    return {};
}

bool TlsContext::is_server() const { return impl_->is_server; }

WallTime TlsContext::expires() const { return impl_->expires; }

}  // namespace quorate::io
