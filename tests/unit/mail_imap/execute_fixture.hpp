#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faulty_account.hpp"
#include "mail/imap/executor.hpp"
#include "mail/store/errc.hpp"
#include "mail/store/store.hpp"

// The executor on a real store in a temporary directory, driven by the text of commands.
namespace quorate::mail::imap {

// A store with one account.
class Mail {
public:
    explicit Mail(store::QuotaLimits limits = {});
    ~Mail();
    Mail(const Mail&) = delete;
    Mail& operator=(const Mail&) = delete;

    FaultyAccount& account() { return *account_; }
    store::Store& store() { return *store_; }
    const std::filesystem::path& folder() const { return folder_; }

    struct Delivery {
        store::FlagBits flags = 0;
        std::vector<std::string> keywords;
        store::ZonedTime date{1'000'000'000, 120};  // 09-Sep-2001 03:46:40 +0200
    };
    store::Uid deliver(std::string_view message, std::string_view mailbox = "INBOX");
    store::Uid deliver(std::string_view message, std::string_view mailbox,
                       const Delivery& delivery);
    // `count` small messages.
    void fill(unsigned count, std::string_view mailbox = "INBOX");
    std::string uid_validity(std::string_view mailbox);
    // What the shell does between calls: waits for the journal, commits.
    void settle();

private:
    std::filesystem::path folder_;
    std::unique_ptr<store::Volume> volume_;
    std::unique_ptr<store::Store> store_;
    std::shared_ptr<store::Account> own_;
    std::unique_ptr<FaultyAccount> account_;
};

// One session. Every response is checked against the grammar.
class Client {
public:
    explicit Client(Mail& mail, Executor::Options options = {});

    // Runs "FETCH 1 FLAGS" with the tag "a" and returns all responses.
    std::string operator()(std::string_view command);
    // The same; true when it is answered OK.
    bool ok(std::string_view command);
    // "INBOX (\\Seen) \"date\" ": what stands between APPEND and the message.
    std::string append(std::string_view arguments, std::string_view message);
    std::string append_check(std::string_view mailbox, std::uint64_t size);
    std::string poll();
    std::string run(const Command& command, AppendBody* body = nullptr);
    // The executor's own answer, without retries.
    Result<Piece> begin(const Command& command);
    Piece next();
    void close() { executor_.close(); }

    const Executed& executed() const { return executed_; }
    std::size_t pieces() const { return pieces_; }
    std::size_t largest_piece() const { return largest_piece_; }
    unsigned wake_ups() const { return *wake_ups_; }

private:
    RunContext context(AppendBody* body);
    Command parse(std::string_view command);

    Mail& mail_;
    std::shared_ptr<unsigned> wake_ups_;
    Executor executor_;
    Executed executed_;
    std::size_t pieces_ = 0;
    std::size_t largest_piece_ = 0;
};

// An APPEND's message that goes to this store. `store` outlives it.
std::unique_ptr<AppendBody> make_append_body(store::Store& store, std::string_view message);

// Every LF becomes CRLF.
std::string crlf(std::string_view text);

}  // namespace quorate::mail::imap
