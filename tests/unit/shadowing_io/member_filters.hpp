#pragma once

#include <deque>
#include <map>
#include <optional>

#include "shadowing/io/member.hpp"

// Members between a set and its disk that go wrong when a test says so. Each owns the one below.
namespace quorate::shadowing::testing {

enum class Call : std::uint8_t { kRead, kWrite, kZero, kCompare, kFlush };

// Hands everything on.
class MemberFilter : public Member {
public:
    explicit MemberFilter(std::unique_ptr<Member> below) : below_(std::move(below)) {}

    std::uint64_t octets() const override { return below_->octets(); }
    std::uint64_t life() const override { return below_->life(); }
    void read(std::uint64_t offset, std::span<char> into, Done done) override {
        below_->read(offset, into, std::move(done));
    }
    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override {
        below_->write(offset, from, fua, std::move(done));
    }
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override {
        below_->zero(offset, octets, fua, std::move(done));
    }
    void compare(std::uint64_t offset, std::span<const char> with, Done done) override {
        below_->compare(offset, with, std::move(done));
    }
    void flush(Done done) override { below_->flush(std::move(done)); }
    void fence(std::function<void()> done) override { below_->fence(std::move(done)); }

protected:
    Member& below() { return *below_; }

private:
    std::unique_ptr<Member> below_;
};

// Calls end as the test says, without a trace below.
class ErrorFilter final : public MemberFilter {
public:
    ErrorFilter(std::unique_ptr<Member> below, boost::asio::io_context& io)
        : MemberFilter(std::move(below)), io_(io) {}

    // Nothing: it is carried out.
    using Rule = std::function<std::optional<Outcome>(Call call, std::uint64_t offset)>;
    void fail(Rule rule) { rule_ = std::move(rule); }

    void read(std::uint64_t offset, std::span<char> into, Done done) override;
    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override;
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override;
    void compare(std::uint64_t offset, std::span<const char> with, Done done) override;
    void flush(Done done) override;

private:
    bool fails(Call call, std::uint64_t offset, const Done& done);

    boost::asio::io_context& io_;
    Rule rule_;
};

// Writes, zeroings and flushes wait until the test lets them go, in their order. So does a fence
// for those before it.
class DelayFilter final : public MemberFilter {
public:
    using MemberFilter::MemberFilter;

    void hold() { holds_ = true; }
    void let_go();
    std::size_t held() const { return held_.size(); }

    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override;
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override;
    void flush(Done done) override;
    void fence(std::function<void()> done) override;

private:
    void pass(std::function<void()> call);

    bool holds_ = false;
    std::deque<std::function<void()>> held_;
};

// A write that the power failed over: its first octets are on the disk, and it fails.
class TornFilter final : public MemberFilter {
public:
    using MemberFilter::MemberFilter;

    // The next write.
    void tear_after(std::size_t octets) { after_ = octets; }

    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override;

private:
    std::optional<std::size_t> after_;
};

// A volatile cache: what is not flushed goes with the power, and the member has another life.
class CacheFilter final : public MemberFilter {
public:
    CacheFilter(std::unique_ptr<Member> below, boost::asio::io_context& io)
        : MemberFilter(std::move(below)), io_(io) {}

    void lose_power();
    std::size_t unflushed() const { return cached_.size(); }

    std::uint64_t life() const override { return MemberFilter::life() + lives_; }
    void read(std::uint64_t offset, std::span<char> into, Done done) override;
    void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) override;
    void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) override;
    void compare(std::uint64_t offset, std::span<const char> with, Done done) override;
    void flush(Done done) override;

private:
    static constexpr std::size_t kBlock = 512;
    void lay_over(std::uint64_t offset, std::span<char> into) const;
    void write_back(Outcome so_far, Done done);

    boost::asio::io_context& io_;
    std::uint64_t lives_ = 0;
    std::map<std::uint64_t, std::string> cached_;  // by offset, kBlock octets each
};

}  // namespace quorate::shadowing::testing
