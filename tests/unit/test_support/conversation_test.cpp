// The driver is shown a small machine with one fault at a time: it must notice each.

#include "support/conversation.hpp"

#include <functional>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "mail/session/line_buffer.hpp"

namespace quorate::support {
namespace {

using namespace std::chrono_literals;

struct Lookup {
    std::string word;
};
struct Found {
    std::string meaning;
};

enum class Fault {
    kNone,
    kSplitsMatter,      // answers pieces, not lines
    kTalksToTheDead,    // sends after PeerClosed
    kStaysWithTheDead,  // does not end when the peer has gone
    kIgnoresTimer,      // the deadline stays
    kIgnoresShutdown,   // goes on
    kWorksAfterClose,   // acts after Close
    kActsAfterQuestion  // does not wait
};

// Answers "what WORD" after a question, "quit" with good-bye; one minute between commands.
class Dictionary {
public:
    using Action = std::variant<mail::Send, mail::StartTls, Lookup, mail::Note, mail::Close>;
    using Input = std::variant<mail::Received, mail::TlsStarted, Found, mail::TimerExpired,
                               mail::PeerClosed, mail::Shutdown>;

    Dictionary(Fault fault, MonoTime now) : fault_(fault), deadline_(now + 60s) {}

    std::vector<Action> start(MonoTime) { return list(mail::Send{"hello\r\n"}); }

    std::vector<Action> step(MonoTime now, Input input) {
        if (std::holds_alternative<mail::PeerClosed>(input)) {
            return fault_ == Fault::kTalksToTheDead     ? list(mail::Send{"?\r\n"})
                   : fault_ == Fault::kStaysWithTheDead ? std::vector<Action>{}
                                                        : list(mail::Close{});
        }
        if (std::holds_alternative<mail::TimerExpired>(input)) {
            return fault_ == Fault::kIgnoresTimer ? std::vector<Action>{}
                                                  : list(mail::Send{"too slow\r\n"}, mail::Close{});
        }
        if (std::holds_alternative<mail::Shutdown>(input)) {
            return fault_ == Fault::kIgnoresShutdown ? std::vector<Action>{} : list(mail::Close{});
        }
        deadline_ = now + 60s;
        if (const auto* found = std::get_if<Found>(&input)) {
            auto actions = list(mail::Send{found->meaning + "\r\n"});
            append(actions, lines());
            return actions;
        }
        if (const auto* received = std::get_if<mail::Received>(&input)) {
            buffer_.append(received->bytes);
            if (fault_ == Fault::kSplitsMatter) {
                return list(mail::Send{std::to_string(received->bytes.size()) + "\r\n"});
            }
        }
        return lines();
    }

    std::optional<MonoTime> deadline() const { return deadline_; }

private:
    template <class... T>
    static std::vector<Action> list(T... actions) {
        std::vector<Action> out;
        (out.emplace_back(std::move(actions)), ...);
        return out;
    }
    static void append(std::vector<Action>& to, std::vector<Action> more) {
        std::move(more.begin(), more.end(), std::back_inserter(to));
    }

    std::vector<Action> lines() {
        std::vector<Action> actions;
        while (true) {
            const auto end = buffer_.view().find("\r\n");
            if (end == std::string_view::npos) {
                return actions;
            }
            const std::string line(buffer_.view().substr(0, end));
            buffer_.consume(end + 2);
            append(actions, command(line));
            if (!actions.empty() && !std::holds_alternative<mail::Send>(actions.back())) {
                return actions;
            }
        }
    }

    std::vector<Action> command(const std::string& line) {
        if (line == "quit") {
            return fault_ == Fault::kWorksAfterClose ? list(mail::Close{}, mail::Note{})
                                                     : list(mail::Send{"bye\r\n"}, mail::Close{});
        }
        if (line == "tls") {
            buffer_.clear();
            return list(mail::StartTls{});
        }
        if (!line.starts_with("what ")) {
            return list(mail::Send{"pardon\r\n"});
        }
        return fault_ == Fault::kActsAfterQuestion
                   ? list(Lookup{line.substr(5)}, mail::Send{"wait\r\n"})
                   : list(Lookup{line.substr(5)});
    }

    Fault fault_;
    MonoTime deadline_;
    mail::InputBuffer buffer_;
};

template <Fault fault>
struct DictionaryAdapter {
    using Machine = Dictionary;
    explicit DictionaryAdapter(const ScriptCommand&) {}
    Machine make(const FakeClock& clock) { return {fault, clock.mono()}; }
    std::string describe(const Lookup& question) { return "lookup " + question.word; }
    Machine::Input answer(const Lookup&, std::string_view text) { return Found{std::string(text)}; }
};

ScriptCommand conversation(std::string transcript) {
    ScriptCommand command;
    command.file = "test.txt";
    command.line = 1;
    command.expected = std::move(transcript);
    return command;
}

constexpr auto* kTranscript =
    "S: hello\n"
    "C: what lock\n"
    "C: nothing\n"
    "? lookup lock\n"
    "! a promise\n"
    "S: a promise\n"
    "S: pardon\n"
    "# In two pieces.\n"
    "C: qu\\\n"
    "> advance 59s\n"
    "C: it\n"
    "S: bye\n"
    ". close\n";

TEST(Conversation, ASoundMachineGivesTheSameTranscriptHoweverItIsFed) {
    EXPECT_EQ(run_conversation<DictionaryAdapter<Fault::kNone>>(conversation(kTranscript)),
              kTranscript);
}

TEST(Conversation, OutputsAreFilledInFromTheInputsAlone) {
    const auto inputs =
        "C: what lock\nC: nothing\n! a promise\n# In two pieces.\nC: qu\\\n> advance 59s\nC: it\n";
    EXPECT_EQ(run_conversation<DictionaryAdapter<Fault::kNone>>(conversation(inputs)), kTranscript);
}

TEST(Conversation, TimersGoOffWhileTimePasses) {
    const auto transcript = "S: hello\n> advance 10m\nS: too slow\n. close\n";
    EXPECT_EQ(run_conversation<DictionaryAdapter<Fault::kNone>>(conversation(transcript)),
              transcript);
}

TEST(Conversation, WhatWasSentBeforeTlsStartedIsDropped) {
    const auto transcript =
        "S: hello\nC: tls\nC: quit\n? start-tls\n! tls TLSv1.3 X\nC: quit\nS: bye\n. close\n";
    EXPECT_EQ(run_conversation<DictionaryAdapter<Fault::kNone>>(conversation(transcript)),
              transcript);
}

// The messages of all failures of a run.
template <Fault fault>
std::string failures(const std::string& transcript = kTranscript) {
    ::testing::TestPartResultArray results;
    {
        ::testing::ScopedFakeTestPartResultReporter reporter(
            ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
        run_conversation<DictionaryAdapter<fault>>(conversation(transcript));
    }
    std::string messages;
    for (int i = 0; i < results.size(); ++i) {
        messages += results.GetTestPartResult(i).message();
    }
    return messages;
}

void expect_in(const std::string& part, const std::string& text) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in:\n" << text;
}

TEST(Conversation, AMachineThatCaresForPiecesIsNoticed) {
    expect_in("octet by octet (+) differ", failures<Fault::kSplitsMatter>());
    expect_in("cut after octet 1 (+) differ", failures<Fault::kSplitsMatter>());
}

TEST(Conversation, AMachineThatSendsAfterPeerClosedIsNoticed) {
    expect_in("peer closing after step 0: Send after PeerClosed",
              failures<Fault::kTalksToTheDead>());
}

TEST(Conversation, AMachineThatOutlivesItsPeerIsNoticed) {
    expect_in("peer closing after step 0: no Close after PeerClosed",
              failures<Fault::kStaysWithTheDead>());
}

TEST(Conversation, AMachineWhoseTimerStaysDueIsNoticed) {
    expect_in("timer going off after step 0: the deadline is still due",
              failures<Fault::kIgnoresTimer>());
}

TEST(Conversation, AMachineThatDoesNotStopIsNoticed) {
    expect_in("daemon stopping after step 0: no Close", failures<Fault::kIgnoresShutdown>());
}

TEST(Conversation, AnActionAfterCloseIsNoticed) {
    expect_in("in one piece: an action after Close", failures<Fault::kWorksAfterClose>());
}

TEST(Conversation, AnActionAfterAQuestionIsNoticed) {
    expect_in("in one piece: an action after a question", failures<Fault::kActsAfterQuestion>());
}

TEST(Conversation, MistakesInTheScriptAreNoticed) {
    expect_in("not a line of a transcript", failures<Fault::kNone>("X: a\n"));
    expect_in("bad escape", failures<Fault::kNone>("C: \\q\n"));
    expect_in("line 3: answer without a question", failures<Fault::kNone>("! a\n"));
    expect_in("unknown event: sing", failures<Fault::kNone>("> sing\n"));
    expect_in("not a duration", failures<Fault::kNone>("> advance soon\n"));
    expect_in("input after close", failures<Fault::kNone>("C: quit\nS:\nC: more\n"));
}

}  // namespace
}  // namespace quorate::support
