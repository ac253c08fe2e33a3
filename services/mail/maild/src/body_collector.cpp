#include "body_collector.hpp"

namespace quorate::mail {
namespace {

constexpr std::uint64_t kHeldMax = 256 * 1024;
// What one session may hold when all together hold more than kHeldByAllMax.
constexpr std::uint64_t kHeldWhenScarce = 16 * 1024;
constexpr std::uint64_t kHeldByAllMax = 128 << 20;
// Smaller pieces are put together, so that their number stays bounded.
constexpr std::size_t kPieceSmall = 512;
constexpr std::size_t kPieceMax = 64 * 1024;

}  // namespace

BodyCollector::~BodyCollector() { give_back(); }

bool BodyCollector::add(std::string bytes) {
    size_ += bytes.size();
    if (error_) {
        return false;
    }
    held_ += bytes.size();
    server_.collected_bytes += bytes.size();
    if (!pieces_.empty() && bytes.size() < kPieceSmall && pieces_.back().size() < kPieceMax) {
        pieces_.back() += bytes;
    } else {
        pieces_.push_back(std::move(bytes));
    }
    return held_ > (server_.collected_bytes > kHeldByAllMax ? kHeldWhenScarce : kHeldMax);
}

boost::asio::awaitable<void> BodyCollector::spill() {
    auto written = co_await server_.workers.run([this] { return write_pieces(); });
    if (!written) {
        error_ = std::move(written).error();
        file_.reset();
    }
    pieces_.clear();
    give_back();
}

boost::asio::awaitable<void> BodyCollector::clear() {
    if (file_) {
        // An unfinished one removes its file: not on this thread.
        auto removed = co_await server_.workers.run([this]() -> Status {
            file_.reset();
            return {};
        });
        static_cast<void>(removed);
    }
    file_.reset();
    std::vector<std::string>().swap(pieces_);
    give_back();
    size_ = 0;
    builder_.reset();
    error_.reset();
    stored_.reset();
    summary_ = {};
}

void BodyCollector::give_back() {
    server_.collected_bytes -= held_;
    held_ = 0;
}

Status BodyCollector::write_pieces() {
    if (!file_) {
        QUORATE_TRY(file_, server_.store.begin_large_body());
    }
    if (!builder_) {
        builder_.emplace();
    }
    for (const auto& piece : pieces_) {
        QUORATE_CHECK(file_->write(piece));
        builder_->feed(piece);
    }
    return {};
}

Result<store::BodyRef> BodyCollector::put_pieces(std::span<const store::AccountId> owners) {
    if (file_) {
        QUORATE_CHECK(write_pieces());
        pieces_.clear();
        summary_ = builder_->finish();
        return file_->finish(owners);
    }
    message::SummaryBuilder builder;
    for (const auto& piece : pieces_) {
        builder.feed(piece);
    }
    summary_ = builder.finish();
    return server_.store.put_body(std::move(pieces_), owners);
}

Result<imap::AppendBody::Stored> BodyCollector::store(std::span<const store::AccountId> owners) {
    if (error_) {
        return tl::unexpected<Error>(*error_);
    }
    if (!stored_) {
        auto put = put_pieces(owners);
        if (!put) {
            error_ = put.error();
            return tl::unexpected<Error>(std::move(put).error());
        }
        stored_ = *put;
    }
    return Stored{*stored_, &summary_};
}

}  // namespace quorate::mail
