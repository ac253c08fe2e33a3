// Commands of two sessions on one account of a real store. A line of the input is the number of the
// session, a space and a command without tag; \x01 stands for the line end within a command. After
// an APPEND line the next one is its message.
//
// Whatever the commands are: responses follow the grammar, sequence numbers stay within what the
// client was told, no EXPUNGE comes where RFC 3501 7.4.1 forbids it, and in the end both sessions
// and the store agree on the number of messages.

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/imap/executor.hpp"
#include "mail/message/summary.hpp"
#include "mail/store/errc.hpp"
#include "mail/store/store.hpp"
#include "request.hpp"
#include "support/imap_grammar.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail;

constexpr std::size_t kCommandsMax = 64;
constexpr std::size_t kSessions = 2;

const std::vector<std::string> kMessages = {
    "Subject: one\r\nDate: Fri, 1 May 2020 10:00:00 +0000\r\nFrom: "
    "ann@example.test\r\n\r\nhello\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\npart\r\n--b\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext\r\n--b--\r\n",
    "",
    std::string("Subject: nul\r\n\r\na\0b", 19) + std::string(70'000, 'x'),
};

// One store for all runs; each run has an account of its own.
class Node {
public:
    Node() {
        auto name = (std::filesystem::temp_directory_path() / "quorate-fuzz-XXXXXX").string();
        QUORATE_ASSERT(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        auto volume = store::open_local_volume(name);
        QUORATE_ASSERT(volume.has_value());
        volume_ = std::move(*volume);
        Logger::set_level(LogLevel::kError);
        auto opened = store::Store::open(*volume_, {}, Logger());
        QUORATE_ASSERT(opened.has_value());
        store_ = std::move(*opened);
    }
    ~Node() {
        store_.reset();
        volume_.reset();
        std::filesystem::remove_all(folder_);
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    store::Store& store() { return *store_; }
    store::AccountId next_account() { return store::AccountId(++accounts_); }

private:
    std::filesystem::path folder_;
    std::unique_ptr<store::Volume> volume_;
    std::unique_ptr<store::Store> store_;
    std::uint64_t accounts_ = 0;
};

Node& node() {
    static Node instance;
    return instance;
}

class Body final : public imap::AppendBody {
public:
    explicit Body(std::string message)
        : message_(std::move(message)), summary_(message::summarize(message_)) {}

    std::uint64_t size() const override { return message_.size(); }
    Result<Stored> put(store::AccountId owner) override {
        std::vector<std::string> pieces{message_};
        QUORATE_TRY(const auto body,
                    node().store().put_body(std::move(pieces), std::span(&owner, 1)));
        return Stored{body, &summary_};
    }

private:
    std::string message_;
    message::Summary summary_;
};

void settle(store::Account& account) {
    for (int i = 0; node().store().durable() < account.last_lsn() && i < 10'000; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    QUORATE_ASSERT(node().store().settle(account).has_value());
}

// A client that keeps count.
class Client {
public:
    Client(store::Account& account, const imap::Executor::Options& options)
        : account_(account), executor_(options, [] {}) {}

    void run(const imap::Command& command, imap::AppendBody* body) {
        if (gone_) {
            return;
        }
        std::string all;
        auto piece = begin(command, body);
        for (int i = 0; !piece.done; ++i) {
            QUORATE_ASSERT(i < 1'000'000);
            all.append(piece.bytes);
            piece = executor_.next({account_, kNow, body});
        }
        all.append(piece.bytes);
        gone_ = !piece.executed.bye.empty();
        if (!gone_) {
            follow(command, all);
        }
        if (piece.executed.selected == imap::Executed::Selected::kNone) {
            size_ = 0;
        }
    }

    bool gone() const { return gone_; }
    std::uint64_t size() const { return size_; }

private:
    static constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

    imap::Piece begin(const imap::Command& command, imap::AppendBody* body) {
        auto piece = executor_.begin({account_, kNow, body}, command);
        while (!piece) {
            QUORATE_ASSERT(piece.error().code == make_error_code(store::errc::account_busy));
            settle(account_);
            piece = executor_.begin({account_, kNow, body}, command);
        }
        return std::move(*piece);
    }

    void follow(const imap::Command& command, const std::string& text) {
        using Kind = support::ImapEvent::Kind;
        std::vector<support::ImapEvent> events;
        QUORATE_ASSERT(!support::check_imap_responses(text, &events));
        const bool selects = std::holds_alternative<imap::Select>(command.what);
        if (selects) {
            size_ = 0;
        }
        for (const auto& event : events) {
            if (event.kind == Kind::kExists) {
                QUORATE_ASSERT(event.number >= size_);
                size_ = event.number;
            } else if (event.kind == Kind::kExpunge) {
                QUORATE_ASSERT(may_expunge(command) && event.number <= size_);
                --size_;
            } else {
                QUORATE_ASSERT(event.number <= size_);
            }
        }
    }

    // RFC 3501 7.4.1.
    static bool may_expunge(const imap::Command& command) {
        return command.name != "FETCH" && command.name != "STORE" && command.name != "SEARCH" &&
               command.name != "SELECT" && command.name != "EXAMINE" && command.name != "CLOSE";
    }

    store::Account& account_;
    imap::Executor executor_;
    std::uint64_t size_ = 0;
    bool gone_ = false;
};

std::string with_line_ends(std::string_view line) {
    std::string text;
    for (const char c : line) {
        text.append(c == '\x01' ? "\r\n" : std::string(1, c));
    }
    return text;
}

class Conversation {
public:
    Conversation(store::Account& account, const imap::Executor::Options& options) {
        for (std::size_t i = 0; i < kSessions; ++i) {
            clients_.push_back(std::make_unique<Client>(account, options));
        }
    }

    Client& client(std::size_t number) { return *clients_[number]; }

    void run(std::size_t session, const std::string& text) {
        auto request = imap::parse_request("a " + text, imap::kSelected);
        if (request.failure || !std::holds_alternative<imap::Work>(request.what)) {
            return;
        }
        imap::Command command;
        command.tag = "a";
        command.name = request.name;
        command.what = std::get<imap::Work>(std::move(request.what));
        clients_[session]->run(command, nullptr);
    }

    void append(std::size_t session, const std::string& text, std::string message) {
        auto head =
            imap::parse_append_head("a " + text + "{" + std::to_string(message.size()) + "}\r\n");
        if (head.kind != imap::AppendHead::Kind::kMessage) {
            return;
        }
        Body body(std::move(message));
        imap::Command command;
        command.tag = "a";
        command.name = "APPEND";
        command.what = std::move(head.append);
        clients_[session]->run(command, &body);
    }

private:
    std::vector<std::unique_ptr<Client>> clients_;
};

void converse(store::Account& account, fuzz::Input& input, Random random) {
    const std::size_t piece_bytes[] = {1, 50, 1000, 65'536};
    imap::Executor::Options options;
    options.piece_bytes = piece_bytes[random.below(4)];
    options.search_messages = 1 + random.below(3);
    Conversation conversation(account, options);
    for (const auto& message : kMessages) {
        conversation.append(0, "APPEND INBOX ", message);
    }
    conversation.run(0, "SELECT INBOX");
    conversation.run(1, "SELECT INBOX");
    for (std::size_t i = 0; i < kCommandsMax && !input.empty(); ++i) {
        const auto line = input.line();
        const std::size_t session = line.starts_with('1') ? 1 : 0;
        const auto text = with_line_ends(line.substr(std::min<std::size_t>(line.size(), 2)));
        if (text.starts_with("APPEND ")) {
            conversation.append(session, text, with_line_ends(input.line()));
        } else {
            conversation.run(session, text);
        }
    }
    for (std::size_t i = 0; i < kSessions; ++i) {
        conversation.run(i, "SELECT INBOX");
    }
    conversation.run(0, "NOOP");
    const auto info = account.mailbox("INBOX");
    QUORATE_ASSERT(info.has_value());
    for (std::size_t i = 0; i < kSessions; ++i) {
        QUORATE_ASSERT(conversation.client(i).gone() ||
                       conversation.client(i).size() == info->messages);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto id = node().next_account();
    {
        auto account = node().store().account(id, {});
        QUORATE_ASSERT(account.has_value());
        converse(**account, input, fuzz::choices(fuzz::as_text(data, size)));
        settle(**account);
    }
    QUORATE_ASSERT(node().store().remove_account(id).has_value());
    return 0;
}
