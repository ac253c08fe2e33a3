#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "mail/imap/executor.hpp"
#include "mail/message/summary.hpp"
#include "mail/store/store.hpp"
#include "server_context.hpp"

namespace quorate::mail {

// The octets of a message while it arrives: in memory up to 256 KiB, in a file of the store beyond;
// earlier when all sessions together hold much. Its summary is computed on a worker thread, once,
// and it is stored once, whoever gets it.
//
//     if (body.add(bytes)) co_await body.spill();     for every BodyData
//     body.store(owners)                              on a worker thread, when all is there
//     co_await body.clear();                          ready for the next message
//
// A failure to spill is kept and given by store(): the protocol wants to be told at the end.
class BodyCollector final : public imap::AppendBody {
public:
    explicit BodyCollector(ServerContext& server) : server_(server) {}
    ~BodyCollector() override;
    BodyCollector(const BodyCollector&) = delete;
    BodyCollector& operator=(const BodyCollector&) = delete;

    // True when spill() must be awaited before more is added.
    [[nodiscard]] bool add(std::string bytes);
    boost::asio::awaitable<void> spill();
    boost::asio::awaitable<void> clear();
    bool empty() const { return size_ == 0; }

    // ---- on a worker thread
    std::uint64_t size() const override { return size_; }
    // The first call stores, further ones give the same again.
    Result<Stored> store(std::span<const store::AccountId> owners);
    Result<Stored> put(store::AccountId owner) override { return store({&owner, 1}); }

private:
    Status write_pieces();
    Result<store::BodyRef> put_pieces(std::span<const store::AccountId> owners);
    void give_back();

    ServerContext& server_;
    std::vector<std::string> pieces_;
    std::uint64_t held_ = 0;  // octets in pieces_
    std::uint64_t size_ = 0;
    std::unique_ptr<store::Store::LargeBody> file_;
    std::optional<message::SummaryBuilder> builder_;
    std::optional<Error> error_;
    std::optional<store::BodyRef> stored_;
    message::Summary summary_;
};

}  // namespace quorate::mail
