#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "cluster/lease_page.hpp"

namespace quorate::cluster {

// The mapped file. Its words are a seqlock: an odd sequence means that a writer is within; readers
// take the words again until the sequence is even and has not moved.
class SharedPage {
public:
    static Result<std::unique_ptr<SharedPage>> open(const std::string& path, bool writable);
    ~SharedPage();
    SharedPage(const SharedPage&) = delete;
    SharedPage& operator=(const SharedPage&) = delete;

    void store(const LeaseWords& words);
    // Nothing: a writer is within, and stays there (it died).
    std::optional<LeaseWords> load() const;

private:
    explicit SharedPage(std::uint64_t* words) : words_(words) {}
    std::uint64_t* words_;
};

}  // namespace quorate::cluster
