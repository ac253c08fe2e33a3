#include "execute_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "request.hpp"
#include "support/imap_grammar.hpp"

namespace quorate::mail::imap {
namespace {

constexpr store::AccountId kAccount{7};
constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};
constexpr unsigned kPiecesMax = 100'000;

std::filesystem::path make_folder() {
    auto name = (std::filesystem::temp_directory_path() / "quorate-imap-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        ADD_FAILURE() << "no temporary directory";
    }
    return name;
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        ADD_FAILURE() << result.error().to_string();
        std::abort();
    }
    return std::move(*result);
}

class TestBody final : public AppendBody {
public:
    TestBody(store::Store& store, std::string_view message)
        : store_(store), message_(message), summary_(message::summarize(message)) {}

    std::uint64_t size() const override { return message_.size(); }
    Result<Stored> put(store::AccountId owner) override {
        std::vector<std::string> pieces{message_};
        QUORATE_TRY(const auto body, store_.put_body(std::move(pieces), std::span(&owner, 1)));
        return Stored{body, &summary_};
    }

private:
    store::Store& store_;
    std::string message_;
    message::Summary summary_;
};

}  // namespace

Mail::Mail(store::QuotaLimits limits) : folder_(make_folder()) {
    volume_ = must(store::open_local_volume(folder_.string()));
    store::StoreOptions options;
    options.random_seed = 1;
    options.now = [] { return kNow.time_since_epoch() / std::chrono::seconds(1); };
    store_ = must(store::Store::open(*volume_, options, Logger()));
    own_ = must(store_->account(kAccount, limits));
    account_ = std::make_unique<FaultyAccount>(own_);
}

Mail::~Mail() {
    settle();
    account_.reset();
    own_.reset();
    EXPECT_TRUE(store_->close().has_value());
    store_.reset();
    volume_.reset();
    std::filesystem::remove_all(folder_);
}

store::Uid Mail::deliver(std::string_view message, std::string_view mailbox) {
    return deliver(message, mailbox, Delivery());
}

store::Uid Mail::deliver(std::string_view message, std::string_view mailbox,
                         const Delivery& delivery) {
    TestBody body(*store_, message);
    const auto stored = must(body.put(kAccount));
    store::NewMessage added;
    added.body = stored.body;
    added.summary = stored.summary;
    added.system_flags = delivery.flags;
    added.keywords = delivery.keywords;
    added.internal_date = delivery.date;
    const auto info = must(own_->mailbox(mailbox));
    auto appended = own_->append(info.id, added);
    if (!appended && appended.error().code == make_error_code(store::errc::account_busy)) {
        settle();
        appended = own_->append(info.id, added);
    }
    return must(std::move(appended)).uid;
}

void Mail::fill(unsigned count, std::string_view mailbox) {
    for (unsigned i = 1; i <= count; ++i) {
        deliver(crlf("Subject: number " + std::to_string(i) + "\n\ntext\n"), mailbox);
    }
}

std::string Mail::uid_validity(std::string_view mailbox) {
    return std::to_string(must(own_->mailbox(mailbox)).uid_validity);
}

void Mail::settle() {
    for (int i = 0; store_->durable() < own_->last_lsn() && i < 60'000; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(store_->durable(), own_->last_lsn());
    EXPECT_TRUE(store_->settle(*own_).has_value());
}

Client::Client(Mail& mail, Executor::Options options)
    : mail_(mail),
      wake_ups_(std::make_shared<unsigned>(0)),
      executor_(options, [wake_ups = wake_ups_] { ++*wake_ups; }) {}

RunContext Client::context(AppendBody* body) { return {mail_.account(), kNow, body}; }

Command Client::parse(std::string_view command) {
    auto request = parse_request("a " + std::string(command), kSelected);
    EXPECT_FALSE(request.failure.has_value()) << command;
    Command parsed;
    parsed.tag = "a";
    parsed.name = request.name;
    parsed.what = std::get<Work>(std::move(request.what));
    return parsed;
}

std::string Client::operator()(std::string_view command) { return run(parse(command)); }

bool Client::ok(std::string_view command) {
    const auto text = (*this)(command);
    EXPECT_TRUE(executed_.ok) << command << " -> " << text;
    return executed_.ok;
}

std::string Client::append(std::string_view arguments, std::string_view message) {
    const auto text =
        "a APPEND " + std::string(arguments) + "{" + std::to_string(message.size()) + "}\r\n";
    auto head = parse_append_head(text);
    EXPECT_EQ(head.kind, AppendHead::Kind::kMessage) << text;
    auto refusal = append_check(head.append.mailbox, message.size());
    if (!refusal.empty()) {
        return refusal;
    }
    TestBody body(mail_.store(), message);
    Command command;
    command.tag = "a";
    command.name = "APPEND";
    command.what = std::move(head.append);
    return run(command, &body);
}

std::string Client::append_check(std::string_view mailbox, std::uint64_t size) {
    Command command;
    command.tag = "a";
    command.name = "APPEND";
    command.what = AppendCheck{std::string(mailbox), size};
    return run(command);
}

std::string Client::poll() {
    Command command;
    command.what = Poll{};
    return run(command);
}

Result<Piece> Client::begin(const Command& command) {
    return executor_.begin(context(nullptr), command);
}

Piece Client::next() { return executor_.next(context(nullptr)); }

std::string Client::run(const Command& command, AppendBody* body) {
    std::string all;
    pieces_ = 0;
    largest_piece_ = 0;
    auto piece = executor_.begin(context(body), command);
    for (int i = 0; !piece && i < 100; ++i) {
        EXPECT_EQ(piece.error().code, make_error_code(store::errc::account_busy));
        mail_.settle();
        piece = executor_.begin(context(body), command);
    }
    while (piece) {
        ++pieces_;
        largest_piece_ = std::max(largest_piece_, piece->bytes.size());
        EXPECT_EQ(piece->wait_for, mail_.account().last_lsn());
        all.append(piece->bytes);
        if (piece->done || pieces_ > kPiecesMax) {
            break;
        }
        piece = executor_.next(context(body));
    }
    EXPECT_TRUE(piece && piece->done);
    executed_ = piece ? piece->executed : Executed();
    if (executed_.bye.empty()) {
        EXPECT_EQ(support::check_imap_responses(all), std::nullopt);
    }
    return all;
}

std::unique_ptr<AppendBody> make_append_body(store::Store& store, std::string_view message) {
    return std::make_unique<TestBody>(store, message);
}

std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out.append(c == '\n' ? "\r\n" : std::string(1, c));
    }
    return out;
}

}  // namespace quorate::mail::imap
