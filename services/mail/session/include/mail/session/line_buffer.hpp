#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::mail {

// Bytes received and not yet consumed, with cheap consumption from the front. Gives its memory back
// when empty, because an idle session must cost next to nothing.
class InputBuffer {
public:
    void append(std::string_view bytes) {
        if (begin_ > 0 && begin_ == bytes_.size()) {
            clear();
        }
        bytes_.append(bytes);
    }
    std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
    bool empty() const { return begin_ == bytes_.size(); }
    std::size_t size() const { return bytes_.size() - begin_; }
    void consume(std::size_t count) {
        begin_ += count;
        if (begin_ == bytes_.size()) {
            clear();
        } else if (begin_ > kCompactAt) {
            bytes_.erase(0, begin_);
            begin_ = 0;
        }
    }
    void clear() {
        begin_ = 0;
        if (bytes_.capacity() > kKeep) {
            std::string().swap(bytes_);
        } else {
            bytes_.clear();
        }
    }

private:
    static constexpr std::size_t kCompactAt = 64 * 1024;
    static constexpr std::size_t kKeep = 256;

    std::string bytes_;
    std::size_t begin_ = 0;
};

}  // namespace quorate::mail
