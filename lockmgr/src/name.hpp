#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace quorate::lockmgr {

// Up to 255 octets of its own: short ones within the record, so that a million of them need no
// memory besides; room for longer ones is kept when the record is reused.
class Name {
public:
    Name() = default;
    ~Name() { free_room(); }
    Name(Name&& other) noexcept { take(other); }
    Name& operator=(Name&& other) noexcept {
        if (this != &other) {
            free_room();
            take(other);
        }
        return *this;
    }

    std::string_view view() const {
        return {short_.room == 0 ? short_.text.data() : long_.text, short_.size};
    }
    void assign(std::string_view text) {
        const auto size = static_cast<std::uint8_t>(text.size());
        if (size > std::max(short_.text.size(), std::size_t{short_.room})) {
            free_room();
            const auto room = static_cast<std::uint8_t>(std::min((size + 15) / 16 * 16, 255));
            long_ = {size, room, new char[room]};
        }
        short_.size = size;
        std::copy(text.begin(), text.end(), short_.room == 0 ? short_.text.data() : long_.text);
    }

private:
    struct Short {
        std::uint8_t size;
        std::uint8_t room;  // 0: it is short
        std::array<char, 30> text;
    };
    struct Long {
        std::uint8_t size;
        std::uint8_t room;
        char* text;
    };

    void take(Name& other) {
        if (other.short_.room != 0) {
            long_ = other.long_;
        } else {
            short_ = other.short_;
        }
        other.short_ = Short{};
    }
    void free_room() {
        if (short_.room != 0) {
            delete[] long_.text;
        }
    }

    union {
        Short short_{};
        Long long_;
    };
};

}  // namespace quorate::lockmgr
