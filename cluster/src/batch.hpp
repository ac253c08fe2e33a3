#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/circuit.hpp"

namespace quorate::cluster {

// Frames for one write to a ring.
class Batch {
public:
    static constexpr std::size_t kFull = 256 * 1024;
    static constexpr std::size_t kOwnPiece = 16 * 1024;  // larger frames are not copied

    std::string& small() {
        if (pieces_.empty() || pieces_.back().frame) {
            pieces_.emplace_back();
        }
        return pieces_.back().bytes;
    }
    void add(const std::shared_ptr<const std::string>& frame) {
        size_ += frame->size();
        if (frame->size() > kOwnPiece) {
            pieces_.push_back({{}, frame});
        } else {
            small() += *frame;
        }
    }
    bool full() const { return size_ >= kFull; }
    bool empty() const { return pieces_.empty(); }
    std::vector<Piece> take() { return std::move(pieces_); }

private:
    std::vector<Piece> pieces_;
    std::size_t size_ = 0;
};

}  // namespace quorate::cluster
