#pragma once

#include <memory>

#include "base/result.hpp"
#include "shadowing/data_ring.hpp"

namespace quorate::shadowing {

// A ring, and the file that its client maps. Nobody can make it shorter, which would be the end of
// whoever touches what is gone. Thread rule: any. Errors: errno's values.
class SharedRing {
public:
    static Result<std::shared_ptr<SharedRing>> make();
    ~SharedRing();
    SharedRing(const SharedRing&) = delete;
    SharedRing& operator=(const SharedRing&) = delete;

    int file() const { return file_; }
    RingMemory* get() const { return memory_; }

private:
    explicit SharedRing(int file) : file_(file) {}
    int file_;
    RingMemory* memory_ = nullptr;
};

}  // namespace quorate::shadowing
