#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

namespace quorate::cluster {

// How many connections at once may have yet to prove the cluster key: 64, of one address 8, and
// besides these 8 of each address of a configured node. So whoever takes all the room that
// strangers have, and for as long as it likes, keeps no member out. Thread rule: io thread.
class Strangers {
public:
    // A connection's place, until it is destroyed. The room outlives it.
    class Place {
    public:
        Place() = default;
        Place(Place&& other) noexcept
            : room_(std::exchange(other.room_, nullptr)),
              host_(std::move(other.host_)),
              configured_(other.configured_) {}
        Place& operator=(Place&&) = delete;
        ~Place();
        explicit operator bool() const { return room_ != nullptr; }

    private:
        friend class Strangers;
        Place(Strangers& room, std::string host, bool configured)
            : room_(&room), host_(std::move(host)), configured_(configured) {}
        Strangers* room_ = nullptr;
        std::string host_;
        bool configured_ = false;
    };

    // False in a condition: there is no room.
    Place enter(std::string host, bool configured);

private:
    std::size_t unknown_ = 0;
    std::unordered_map<std::string, std::size_t> of_host_;
};

}  // namespace quorate::cluster
