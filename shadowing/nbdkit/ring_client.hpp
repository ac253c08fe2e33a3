#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shadowing/data_ring.hpp"

namespace quorate::shadowing {

// A connection to shadowd through memory shared with it: docs/protocols/shadow-ring.md. Thread
// rule: any, also together; whoever asks waits. Errors: errno's values; `error` says where.
class RingClient {
public:
    static std::unique_ptr<RingClient> connect(const std::string& path, std::string& error);
    ~RingClient();
    RingClient(const RingClient&) = delete;
    RingClient& operator=(const RingClient&) = delete;

    std::uint64_t size() const { return size_; }
    std::uint32_t block() const { return block_; }

    // 0, or errno's value. `offset` and `octets`: multiples of the block.
    int read(void* into, std::uint32_t octets, std::uint64_t offset);
    int write(const void* data, std::uint32_t octets, std::uint64_t offset, bool fua);
    int zero(std::uint32_t octets, std::uint64_t offset, bool fua);
    int flush();
    // Octets, times two, and one more where they read as zeros.
    int extents(std::uint32_t octets, std::uint64_t offset, std::vector<std::uint64_t>& told);

private:
    RingClient() = default;
    bool open(const std::string& path);
    bool receive_hello();
    bool map(int memory);

    std::uint32_t take_slot();
    void give_back(std::uint32_t slot);
    void ask(std::uint32_t slot, const RingRequest& request);
    // 0, and how many octets of data were answered; or errno's value.
    int wait(std::uint32_t slot, std::uint32_t& octets);
    int call(const RingRequest& request, const void* data, void* into);
    bool is_alive() const;

    int socket_ = -1;
    int bell_ = -1;
    RingMemory* ring_ = nullptr;
    std::uint64_t size_ = 0;
    std::uint32_t block_ = 0;
    std::atomic<bool> gone_{false};

    std::mutex asking_;
    std::uint32_t tail_ = 0;
    std::mutex slots_;
    std::condition_variable slot_free_;
    std::vector<std::uint32_t> free_;
};

}  // namespace quorate::shadowing
