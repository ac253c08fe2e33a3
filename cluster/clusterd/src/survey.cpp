#include "survey.hpp"

#include <utility>

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::milliseconds kFresh{500};
constexpr std::chrono::milliseconds kPatience{500};

Result<Survey::Findings> ask(std::uint32_t self, const std::vector<std::uint32_t>& others) {
    Survey::Findings findings;
    if (auto votes = query_votes(self)) {
        findings.votes = std::move(*votes);
    }
    for (const auto node : others) {
        if (auto links = query_links(node)) {
            findings.links.emplace(node, std::move(*links));
        }
    }
    return findings;
}

}  // namespace

awaitable<void> Survey::refresh() {
    if (self_ == 0 || (looked_ != MonoTime() && io::mono_now() - looked_ < kFresh)) {
        co_return;
    }
    if (!looking_) {
        looking_ = true;
        done_.reset();
        scope_.spawn(look());
    }
    auto answered = co_await done_.wait(io::after(kPatience));
    static_cast<void>(answered);
}

awaitable<void> Survey::look() {
    std::vector<std::uint32_t> others;
    for (const auto& node : nodes_.configured()) {
        if (node.id != self_) {
            others.push_back(node.id);
        }
    }
    auto found = co_await workers_.run([&] { return ask(self_, others); });
    if (found) {
        findings_ = std::move(*found);
    }
    looked_ = io::mono_now();
    looking_ = false;
    done_.set();
}

}  // namespace quorate::cluster
