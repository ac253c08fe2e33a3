#include "member_filters.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/post.hpp>

namespace quorate::shadowing::testing {

// ---- errors

bool ErrorFilter::fails(Call call, std::uint64_t offset, const Done& done) {
    const auto outcome = rule_ ? rule_(call, offset) : std::nullopt;
    if (outcome) {
        boost::asio::post(io_, [done, outcome] { done(*outcome); });
    }
    return outcome.has_value();
}

void ErrorFilter::read(std::uint64_t offset, std::span<char> into, Done done) {
    if (!fails(Call::kRead, offset, done)) {
        below().read(offset, into, std::move(done));
    }
}
void ErrorFilter::write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) {
    if (!fails(Call::kWrite, offset, done)) {
        below().write(offset, from, fua, std::move(done));
    }
}
void ErrorFilter::zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) {
    if (!fails(Call::kZero, offset, done)) {
        below().zero(offset, octets, fua, std::move(done));
    }
}
void ErrorFilter::compare(std::uint64_t offset, std::span<const char> with, Done done) {
    if (!fails(Call::kCompare, offset, done)) {
        below().compare(offset, with, std::move(done));
    }
}
void ErrorFilter::flush(Done done) {
    if (!fails(Call::kFlush, 0, done)) {
        below().flush(std::move(done));
    }
}

// ---- delay

void DelayFilter::pass(std::function<void()> call) {
    if (holds_) {
        held_.push_back(std::move(call));
    } else {
        call();
    }
}

void DelayFilter::let_go() {
    holds_ = false;
    for (const auto& call : std::exchange(held_, {})) {
        call();
    }
}

void DelayFilter::write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) {
    pass([=, this] { below().write(offset, from, fua, done); });
}
void DelayFilter::zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) {
    pass([=, this] { below().zero(offset, octets, fua, done); });
}
void DelayFilter::flush(Done done) {
    pass([=, this] { below().flush(done); });
}
void DelayFilter::fence(std::function<void()> done) {
    pass([=, this] { below().fence(done); });
}

// ---- torn

void TornFilter::write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) {
    const auto after = std::exchange(after_, std::nullopt);
    if (!after) {
        below().write(offset, from, fua, std::move(done));
        return;
    }
    auto part = std::make_shared<io::AlignedBuffer>(std::string_view(from.data(), *after));
    below().write(offset, part->span(), fua,
                  [part, done = std::move(done)](Outcome) { done(Outcome::kFailed); });
}

// ---- cache

void CacheFilter::lose_power() {
    cached_.clear();
    ++lives_;
}

void CacheFilter::lay_over(std::uint64_t offset, std::span<char> into) const {
    for (auto it = cached_.lower_bound(offset);
         it != cached_.end() && it->first < offset + into.size(); ++it) {
        std::ranges::copy(it->second, into.data() + (it->first - offset));
    }
}

void CacheFilter::read(std::uint64_t offset, std::span<char> into, Done done) {
    below().read(offset, into, [=, this](Outcome outcome) {
        lay_over(offset, into);
        done(outcome);
    });
}

void CacheFilter::write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) {
    for (std::size_t at = 0; at < from.size(); at += kBlock) {
        cached_[offset + at] = std::string(from.data() + at, kBlock);
    }
    if (fua) {
        flush(std::move(done));
    } else {
        boost::asio::post(io_, [done = std::move(done)] { done(Outcome::kOk); });
    }
}

void CacheFilter::zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) {
    const std::string zeros(octets, '\0');
    write(offset, zeros, fua, std::move(done));
}

void CacheFilter::compare(std::uint64_t offset, std::span<const char> with, Done done) {
    auto buffer = std::make_shared<io::AlignedBuffer>(with.size());  // of the read and the end
    read(offset, buffer->span(), [buffer, with, done = std::move(done)](Outcome outcome) {
        const bool same = std::memcmp(buffer->data(), with.data(), with.size()) == 0;
        done(outcome == Outcome::kOk && !same ? Outcome::kDiffers : outcome);
    });
}

void CacheFilter::flush(Done done) { write_back(Outcome::kOk, std::move(done)); }

void CacheFilter::write_back(Outcome so_far, Done done) {
    if (so_far != Outcome::kOk || cached_.empty()) {
        so_far == Outcome::kOk ? below().flush(std::move(done)) : done(so_far);
        return;
    }
    const auto node = cached_.extract(cached_.begin());
    auto block = std::make_shared<io::AlignedBuffer>(node.mapped());
    below().write(
        node.key(), block->span(), false,
        [this, block, done = std::move(done)](Outcome outcome) { write_back(outcome, done); });
}

}  // namespace quorate::shadowing::testing
