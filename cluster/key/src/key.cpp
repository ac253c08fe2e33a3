#include "cluster/key.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "base/text.hpp"

namespace quorate::cluster {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kFileMax = 200;
constexpr std::size_t kAuthkeyMax = 4096;
constexpr std::size_t kDerivedMax = 1024;
constexpr std::string_view kWord = "quorate-key ";
constexpr std::string_view kVersion = "1 ";

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

tl::unexpected<Error> bad_key(std::string_view file, std::string_view what) {
    return fail(std::make_error_code(std::errc::invalid_argument),
                fmt::format("{}: {}", file, what));
}

// A file that nobody else may read.
Result<std::string> read_secret(const std::string& path, const char* advice) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
        const int error = errno;
        return fail_errno(error, error == ENOENT ? path + advice : path);
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return fail(std::make_error_code(std::errc::permission_denied),
                    fmt::format("{}: others may read the cluster key; repair with: chmod 400 {}",
                                path, path));
    }
    std::array<char, kAuthkeyMax + 1> buffer{};
    const auto size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0) {
        return fail_errno(errno, path);
    }
    return std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace

Result<ClusterKey> ClusterKey::generate() {
    std::string secret(kSecretBytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), kSecretBytes) != 1) {
        return fail(std::make_error_code(std::errc::io_error), "no random numbers from the system");
    }
    return ClusterKey(std::move(secret));
}

Result<ClusterKey> ClusterKey::load(const std::string& path) {
    QUORATE_TRY(const auto text,
                read_secret(path,
                            ": no cluster key; make one with: clusterctl key generate, or copy "
                            "that of another node"));
    return parse(text, path);
}

Result<ClusterKey> ClusterKey::of_authkey(const std::string& path) {
    QUORATE_TRY(auto secret,
                read_secret(path, ": no key of Corosync's; make one: corosync-keygen"));
    if (secret.size() < kSecretBytes || secret.size() > kAuthkeyMax) {
        return bad_key(path, "not a key of Corosync's");
    }
    return ClusterKey(std::move(secret));
}

Result<ClusterKey> ClusterKey::parse(std::string_view text, std::string_view file) {
    if (text.size() > kFileMax || !text.starts_with(kWord)) {
        return bad_key(file, "not a cluster key; make one with: clusterctl key generate");
    }
    text.remove_prefix(kWord.size());
    if (!text.starts_with(kVersion)) {
        return bad_key(file, "a cluster key of a newer version than this program knows");
    }
    text.remove_prefix(kVersion.size());
    auto secret = base64_decode(trim(text));
    if (!secret || secret->size() != kSecretBytes) {
        return bad_key(file, "the cluster key is damaged; copy it again from another node");
    }
    return ClusterKey(std::move(*secret));
}

Status ClusterKey::save(const std::string& path) const {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
    if (file.get() < 0) {
        const int error = errno;
        return fail_errno(
            error, error == EEXIST ? path + ": exists, and a key is never overwritten" : path);
    }
    const auto content = text();
    if (::write(file.get(), content.data(), content.size()) !=
            static_cast<ssize_t>(content.size()) ||
        ::fsync(file.get()) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        return fail_errno(error, path);
    }
    return {};
}

std::string ClusterKey::text() const {
    return fmt::format("{}{}{}\n", kWord, kVersion, base64_encode(secret_));
}

std::string ClusterKey::derive(std::string_view purpose, std::size_t size) const {
    QUORATE_ASSERT(size > 0 && size <= kDerivedMax);
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
        EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
        EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
    std::string digest = "SHA256";
    std::string key = secret_;
    std::string info(purpose);
    const std::array<OSSL_PARAM, 4> parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end()};
    std::string out(size, '\0');
    const int done = EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                                    size, parameters.data());
    QUORATE_ASSERT(done == 1);
    return out;
}

std::string ClusterKey::fingerprint() const {
    std::string hex;
    for (const char octet : derive("quorate fingerprint", 8)) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(octet));
    }
    return hex;
}

}  // namespace quorate::cluster
