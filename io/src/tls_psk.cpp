#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "io/errc.hpp"
#include "io/tls.hpp"
#include "tls_connection.hpp"

namespace quorate::io {
namespace {

constexpr const char* kSuite = "TLS_AES_256_GCM_SHA384";
constexpr unsigned char kSuiteId[] = {0x13, 0x02};
constexpr std::size_t kKeyMin = 32;
constexpr std::size_t kKeyMax = 256;
constexpr std::size_t kIdentityMax = 128;

const TlsContext::PresharedKey& key_of(SSL* ssl) {
    return *static_cast<const TlsContext::PresharedKey*>(
        SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

// The key in the only shape in which OpenSSL takes an external PSK for TLS 1.3.
SSL_SESSION* make_session(SSL* ssl) {
    const auto& psk = key_of(ssl);
    const auto* suite = SSL_CIPHER_find(ssl, kSuiteId);
    SSL_SESSION* session = SSL_SESSION_new();
    if (session == nullptr || suite == nullptr ||
        SSL_SESSION_set1_master_key(session, reinterpret_cast<const unsigned char*>(psk.key.data()),
                                    psk.key.size()) != 1 ||
        SSL_SESSION_set_cipher(session, suite) != 1 ||
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
        SSL_SESSION_free(session);
        return nullptr;
    }
    return session;
}

// Without a session the handshake goes on without PSK, and fails for want of a certificate.
int find_session(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
    const std::string_view offered(reinterpret_cast<const char*>(identity), size);
    *session = offered == key_of(ssl).identity ? make_session(ssl) : nullptr;
    return 1;
}

int use_session(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* size,
                SSL_SESSION** session) {
    const auto& psk = key_of(ssl);
    *identity = reinterpret_cast<const unsigned char*>(psk.identity.data());
    *size = psk.identity.size();
    *session = make_session(ssl);
    return *session == nullptr ? 0 : 1;
}

}  // namespace

Result<TlsContext> TlsContext::psk_server(PresharedKey key) {
    return with_psk(std::move(key), /*is_server=*/true);
}

Result<TlsContext> TlsContext::psk_client(PresharedKey key) {
    return with_psk(std::move(key), /*is_server=*/false);
}

Result<TlsContext> TlsContext::with_psk(PresharedKey key, bool is_server) {
    if (key.identity.empty() || key.identity.size() > kIdentityMax || key.key.size() < kKeyMin ||
        key.key.size() > kKeyMax) {
        return fail(Errc::kTls, "a preshared key has 32 to 256 octets, its identity 1 to 128");
    }
    ERR_clear_error();
    QUORATE_TRY(auto context,
                new_tls_context(is_server ? TLS_server_method() : TLS_client_method()));
    auto* raw = context.get();
    SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
    // Members are few and talk much: they keep their record buffers.
    SSL_CTX_clear_mode(raw, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_ciphersuites(raw, kSuite) != 1) {
        return fail(Errc::kTls, openssl_reason());
    }
    // Every connection proves the key again; a ticket would only cost a message.
    SSL_CTX_set_num_tickets(raw, 0);
    auto impl = std::make_unique<Impl>();
    impl->is_server = is_server;
    impl->psk = std::move(key);
    SSL_CTX_set_app_data(raw, &impl->psk);
    if (is_server) {
        SSL_CTX_set_psk_find_session_callback(raw, find_session);
    } else {
        SSL_CTX_set_psk_use_session_callback(raw, use_session);
        // A server without the key could only show a certificate: none is trusted.
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    }
    impl->context = context.release();
    return TlsContext(std::move(impl));
}

}  // namespace quorate::io
