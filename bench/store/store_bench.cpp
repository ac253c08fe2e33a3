// mail_store alone: durable deliveries, cold and warm opening, scans. Numbers, no peer:
// bench/mail.py has those.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "base/log.hpp"
#include "mail/message/summary.hpp"
#include "mail/store/store.hpp"

namespace quorate::mail::store {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        fmt::print(stderr, "store: {}\n", result.error().to_string());
        std::exit(1);
    }
    return std::move(*result);
}

void must(const Status& status) {
    if (!status) {
        fmt::print(stderr, "store: {}\n", status.error().to_string());
        std::exit(1);
    }
}

std::string message(std::size_t size, std::uint64_t number) {
    auto text = fmt::format(
        "Return-Path: <sender@example.test>\r\nReceived: from a (a [192.0.2.1]) by b; Mon, 1 Jan "
        "2024 00:00:00 +0000\r\nFrom: \"A Sender\" <sender@example.test>\r\nTo: \"A Recipient\" "
        "<recipient@example.test>\r\nSubject: message number {} of the benchmark\r\nDate: Mon, 1 "
        "Jan 2024 00:00:00 +0000\r\nMessage-ID: <{}@example.test>\r\nMIME-Version: "
        "1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        number, number);
    while (text.size() < size) {
        text += "The quick brown fox jumps over the lazy dog, again and again.\r\n";
    }
    return text;
}

// Accounts with the lock that a strand would be.
struct Slot {
    std::mutex strand;
    std::shared_ptr<Account> account;
    MailboxId inbox;
};

class Bench {
public:
    explicit Bench(const std::string& folder)
        : volume_(must(open_local_volume(folder))), store_(must(Store::open(*volume_, {}, {}))) {
        store_->on_durable([this](Lsn durable, bool) {
            std::lock_guard lock(mutex_);
            durable_ = durable.value();
            progress_.notify_all();
        });
    }

    void deliver(unsigned sessions, unsigned accounts, std::size_t size, double seconds);
    void large_mailbox(std::uint32_t messages);

private:
    void add(Slot& slot, const std::string& text, const message::Summary& summary);
    void wait_durable(std::uint64_t lsn) {
        std::unique_lock lock(mutex_);
        progress_.wait(lock, [&] { return durable_ >= lsn; });
    }

    std::unique_ptr<Volume> volume_;
    std::unique_ptr<Store> store_;
    std::mutex mutex_;
    std::condition_variable progress_;
    std::uint64_t durable_ = 0;
};

void Bench::add(Slot& slot, const std::string& text, const message::Summary& summary) {
    const AccountId owner = slot.account->id();
    NewMessage added;
    added.body = must(store_->put_body({text}, {&owner, 1}));
    added.internal_date = {1'700'000'000, 0};
    added.summary = &summary;
    must(slot.account->append(slot.inbox, added));
}

void Bench::deliver(unsigned sessions, unsigned accounts, std::size_t size, double seconds) {
    std::vector<std::unique_ptr<Slot>> slots;
    for (unsigned i = 0; i < accounts; ++i) {
        auto slot = std::make_unique<Slot>();
        slot->account = must(store_->account(AccountId(1000 + i), {}));
        slot->inbox = must(slot->account->mailbox("INBOX")).id;
        slots.push_back(std::move(slot));
    }
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> delivered{0};
    const auto session = [&](unsigned number) {
        const auto text = message(size, number);
        for (std::uint64_t i = number; !stop; ++i) {
            auto& slot = *slots[(i * 7919) % slots.size()];
            const auto summary = message::summarize(text);
            std::uint64_t lsn = 0;
            {
                std::lock_guard strand(slot.strand);
                add(slot, text, summary);
                lsn = slot.account->last_lsn().value();
            }
            wait_durable(lsn);
            ++delivered;
        }
    };
    const auto settle = [&] {
        while (!stop) {
            std::this_thread::sleep_for(std::chrono::milliseconds(250));
            for (const auto& account : store_->unsettled()) {
                std::lock_guard strand(slots.at(account->id().value() - 1000)->strand);
                must(store_->settle(*account));
            }
        }
    };
    const auto before = store_->statistics();
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < sessions; ++i) {
        threads.emplace_back(session, i);
    }
    threads.emplace_back(settle);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    for (auto& thread : threads) {
        thread.join();
    }
    const auto took = seconds_since(start);
    const auto after = store_->statistics();
    fmt::print(
        "deliver {} octets, {} sessions, {} accounts: {:.0f}/s, {:.3f} flushes each\n", size,
        sessions, accounts, static_cast<double>(delivered) / took,
        static_cast<double>(after.flushes - before.flushes) / static_cast<double>(delivered));
}

void Bench::large_mailbox(std::uint32_t messages) {
    const AccountId id(1);
    {
        Slot slot;
        slot.account = must(store_->account(id, {}));
        slot.inbox = must(slot.account->mailbox("INBOX")).id;
        for (auto i = must(slot.account->mailbox("INBOX")).messages; i < messages; ++i) {
            const auto text = message(1000, i);
            add(slot, text, message::summarize(text));
            if (i % 500 == 499) {
                wait_durable(slot.account->last_lsn().value());
                must(store_->settle(*slot.account));
            }
        }
        wait_durable(slot.account->last_lsn().value());
        must(store_->settle(*slot.account));
    }
    must(store_->close());
    store_.reset();
    auto start = Clock::now();
    store_ = must(Store::open(*volume_, {}, {}));
    fmt::print("open the store: {:.2f} ms\n", seconds_since(start) * 1e3);
    start = Clock::now();
    const auto account = must(store_->account(id, {}));
    const auto inbox = must(account->mailbox("INBOX")).id;
    auto cold = must(account->open(inbox, false, {}));
    fmt::print("open {} messages, account not loaded: {:.2f} ms\n", cold->size(),
               seconds_since(start) * 1e3);
    start = Clock::now();
    auto view = must(account->open(inbox, false, {}));
    fmt::print("open again: {:.4f} ms\n", seconds_since(start) * 1e3);
    std::vector<BodyId> bodies;
    for (std::uint32_t i = 0; i < view->size(); ++i) {
        bodies.push_back(view->at(i).body);
    }
    for (int pass = 0; pass < 2; ++pass) {
        start = Clock::now();
        std::size_t octets = 0;
        must(account->for_each(bodies, Account::Field::kEnvelope,
                               [&](std::size_t, std::string_view text) {
                                   octets += text.size();
                                   return true;
                               }));
        fmt::print("all envelopes ({} octets): {:.1f} ms\n", octets, seconds_since(start) * 1e3);
    }
    std::vector<std::uint32_t> all(view->size());
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        all[i] = i;
    }
    FlagChange change;
    change.action = FlagAction::kAdd;
    change.system_flags = kSeen;
    start = Clock::now();
    must(account->change_flags(*view, all, change));
    fmt::print("a flag on all: {:.2f} ms\n", seconds_since(start) * 1e3);
    start = Clock::now();
    while (store_->durable() < account->last_lsn()) {
        std::this_thread::yield();
    }
    must(store_->settle(*account));
    fmt::print("settled: {:.2f} ms\n", seconds_since(start) * 1e3);
}

}  // namespace
}  // namespace quorate::mail::store

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: bench_store FOLDER [SECONDS [MESSAGES]]\n");
        return 2;
    }
    quorate::Logger::set_level(quorate::LogLevel::kWarn);
    const std::string folder = argv[1];
    const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
    const auto messages = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 100'000);
    {
        quorate::mail::store::Bench bench(folder + "/deliver");
        for (const unsigned sessions : {1U, 20U}) {
            bench.deliver(sessions, 500, 4096, seconds);
            bench.deliver(sessions, 500, 51'200, seconds);
        }
    }
    quorate::mail::store::Bench bench(folder + "/mailbox");
    bench.large_mailbox(messages);
    return 0;
}
