#include "strangers.hpp"

namespace quorate::cluster {
namespace {

constexpr std::size_t kUnknownMax = 64;
constexpr std::size_t kOfOneHost = 8;

}  // namespace

Strangers::Place Strangers::enter(std::string host, bool configured) {
    if (!configured && unknown_ >= kUnknownMax) {
        return {};
    }
    const auto here = of_host_.try_emplace(host, 0).first;
    if (here->second >= kOfOneHost) {
        return {};
    }
    ++here->second;
    unknown_ += configured ? 0 : 1;
    return {*this, std::move(host), configured};
}

Strangers::Place::~Place() {
    if (room_ == nullptr) {
        return;
    }
    room_->unknown_ -= configured_ ? 0 : 1;
    const auto here = room_->of_host_.find(host_);
    if (--here->second == 0) {
        room_->of_host_.erase(here);
    }
}

}  // namespace quorate::cluster
