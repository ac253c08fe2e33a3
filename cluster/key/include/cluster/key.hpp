#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::cluster {

// The secret that makes a machine a member: one file, the same on all nodes, readable by its owner
// alone. What each use needs is derived from it (HKDF-SHA256, RFC 5869), so no two uses share a
// key.
//
// The file is one line: "quorate-key 1 " and 32 random octets in base64. Errors: `detail` names the
// file and what to do. Thread rule: a value.
class ClusterKey {
public:
    static Result<ClusterKey> generate();
    // Refuses a file that others may read or that is not a key; unknown versions too.
    static Result<ClusterKey> load(const std::string& path);
    static Result<ClusterKey> parse(std::string_view text, std::string_view file);
    // What all nodes of a cluster have in common already: Corosync's authkey. Refuses a file that
    // others may read, and one of fewer than 32 octets.
    static Result<ClusterKey> of_authkey(const std::string& path);

    // Creates the file, mode 0400, durable. Fails if it exists: a key is never overwritten.
    Status save(const std::string& path) const;
    std::string text() const;

    // 1 to 1,024 octets for one purpose.
    std::string derive(std::string_view purpose, std::size_t size) const;
    // 16 hexadecimal digits that tell keys apart and give nothing away.
    std::string fingerprint() const;

private:
    explicit ClusterKey(std::string secret) : secret_(std::move(secret)) {}
    std::string secret_;
};

}  // namespace quorate::cluster
