#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "rados_library.hpp"
#include "shadowing/io/rados_member.hpp"
#include "shadowing/rados_header.hpp"

namespace quorate::shadowing {

// A client of a Ceph cluster with the pool of a member. The calls block; any thread, one at a time.
class RadosClient {
public:
    // Errors: those of parse_rados_place(), of loading the library, errno's values.
    static Result<std::shared_ptr<RadosClient>> connect(const std::string& place);
    ~RadosClient();
    RadosClient(const RadosClient&) = delete;
    RadosClient& operator=(const RadosClient&) = delete;

    const RadosLibrary& lib() const { return lib_; }
    rados_ioctx_t pool() const { return pool_; }
    const std::string& name() const { return place_.name; }

    Result<RadosHeader> read_header() const;
    Status write_header(const RadosHeader& header) const;
    // What is read stands in one object: blocks of labels and logs. What was never written reads as
    // zeros.
    Result<std::string> read(const RadosHeader& header, std::uint64_t offset,
                             std::size_t size) const;
    Status write(const RadosHeader& header, std::uint64_t offset, std::string_view bytes) const;
    // Where this client is, for the blocklist.
    Status note_address(const ServedOpener& opener) const;
    // Of openers that match: `process` 0 matches all of that life of the node, null everybody.
    struct Noted {
        std::string key;
        std::string address;
    };
    Result<std::vector<Noted>> noted(const ServedOpener* opener) const;
    Status blocklist(const Noted& noted) const;
    Status forget(const Noted& noted) const;
    // Until this client has the newest map of the cluster.
    Status take_latest_map() const;

private:
    RadosClient(const RadosLibrary& library, RadosPlace place, std::string text)
        : lib_(library), place_(std::move(place)), text_(std::move(text)) {}
    Status open();
    Status check(int result, const char* what) const;

    const RadosLibrary& lib_;
    RadosPlace place_;
    std::string text_;
    rados_t cluster_ = nullptr;
    rados_ioctx_t pool_ = nullptr;
};

}  // namespace quorate::shadowing
