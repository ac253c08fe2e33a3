#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace quorate::io {

// What a TLS connection agreed on.
struct TlsInfo {
    std::string protocol;     // "TLSv1.3"
    std::string cipher;       // "TLS_AES_256_GCM_SHA384"
    std::string server_name;  // SNI (RFC 6066 section 3); empty when the client sent none
    bool resumed = false;
};

// Certificate, key and settings shared by many connections: TLS 1.2 and 1.3, forward secret AEAD
// ciphers only, no compression, no renegotiation, stateless session tickets. Connections keep what
// they started with; reload() serves the next ones. One thread at a time.
class TlsContext {
public:
    struct ServerFiles {
        std::string certificate;  // PEM: the certificate, then its chain
        std::string key;          // PEM, unencrypted
    };
    struct ClientOptions {
        bool verify = true;       // chain and name; false only for tests and probes
        std::string ca_file;      // PEM; empty: the system's
        std::string server_name;  // for SNI, and compared with the certificate
    };

    // A secret that both ends have, in place of certificates (RFC 8446 2.2, external PSK; TLS 1.3
    // with a Diffie-Hellman exchange only). Ends that do not share identity and key refuse each
    // other in the handshake.
    struct PresharedKey {
        std::string identity;  // 1 to 128 octets; seen by eavesdroppers
        std::string key;       // 32 to 256 octets, uniformly random
    };

    // kTls with the file and OpenSSL's reason.
    static Result<TlsContext> server(ServerFiles files);
    static Result<TlsContext> client(ClientOptions options);
    static Result<TlsContext> psk_server(PresharedKey key);
    static Result<TlsContext> psk_client(PresharedKey key);

    TlsContext(TlsContext&& other) noexcept;
    TlsContext& operator=(TlsContext&& other) noexcept;
    ~TlsContext();

    // Server with files: reads them again. On an error nothing changes: the old certificate stays
    // in use.
    Status reload();

    bool is_server() const;
    // Server with files: when the certificate in use expires.
    WallTime expires() const;

private:
    friend class TlsConnection;
    struct Impl;
    explicit TlsContext(std::unique_ptr<Impl> impl);
    static Result<TlsContext> with_psk(PresharedKey key, bool is_server);
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::io
