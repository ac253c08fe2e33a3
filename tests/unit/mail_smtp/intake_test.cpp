#include "intake.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

struct Taken {
    std::string given;      // all BodyData, also what was discarded
    std::string discarded;  // how much of it, as text
    int refusal = 0;
    std::uint64_t received = 0;

    bool operator==(const Taken&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Taken& outcome) {
    return out << ::testing::PrintToString(outcome.given) << " discarded " << outcome.discarded
               << " refusal " << outcome.refusal << " received " << outcome.received;
}

struct IntakeSetting {
    Intake::Limits limits{.message_bytes = 1000, .header_bytes = 500, .received_hops = 2};
    bool fill = false;
};

Taken take_in(const IntakeSetting& setting, const std::string& message, std::size_t piece) {
    std::optional<Intake::Missing> missing;
    if (setting.fill) {
        missing = Intake::Missing{"Date: now\r\n", "Message-ID: <1>\r\n"};
    }
    Intake intake(setting.limits, "Trace: x\r\n", missing);
    std::vector<Action> actions;
    for (std::size_t at = 0; at < message.size(); at += piece) {
        intake.add(message.substr(at, piece), actions);
    }
    intake.finish(actions);
    Taken outcome;
    for (const auto& action : actions) {
        if (const auto* data = std::get_if<BodyData>(&action)) {
            EXPECT_FALSE(data->bytes.empty());
            outcome.given += data->bytes;
        } else {
            EXPECT_TRUE(std::holds_alternative<BodyDiscard>(action));
            EXPECT_EQ(outcome.discarded, "");
            outcome.discarded = std::to_string(outcome.given.size());
        }
    }
    outcome.refusal = intake.refusal() ? intake.refusal()->code : 0;
    outcome.received = intake.received();
    EXPECT_EQ(intake.stored(), outcome.given.size());
    return outcome;
}

Taken take_in_every_way(const IntakeSetting& setting, const std::string& message) {
    const auto whole = take_in(setting, message, message.size() + 1);
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
        EXPECT_EQ(take_in(setting, message, piece), whole) << piece;
    }
    return whole;
}

TEST(SmtpIntake, PutsTheTraceHeaderInFrontAndNothingElse) {
    for (const std::string message : {"", "\r\n", "A: b\r\n\r\nbody\r\n", "no header at all\r\n"}) {
        EXPECT_EQ(take_in_every_way({}, message),
                  (Taken{"Trace: x\r\n" + message, "", 0, message.size()}));
    }
}

TEST(SmtpIntake, GivesTheOctetsOutAtOnce) {
    Intake intake(IntakeSetting().limits, "Trace: x\r\n", std::nullopt);
    std::vector<Action> actions;
    intake.add("A", actions);
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(std::get<BodyData>(actions[0]).bytes, "Trace: x\r\n");
    EXPECT_EQ(std::get<BodyData>(actions[1]).bytes, "A");
}

TEST(SmtpIntake, AddsMissingFieldsWithoutTouchingTheMessageRfc6409Section8) {
    const IntakeSetting fill{.fill = true};
    const auto given = [&](const std::string& message) {
        return take_in_every_way(fill, message).given;
    };
    EXPECT_EQ(given("A: b\r\n\r\nx\r\n"),
              "Trace: x\r\nDate: now\r\nMessage-ID: <1>\r\nA: b\r\n\r\nx\r\n");
    EXPECT_EQ(given("Date: d\r\n\r\nx\r\n"), "Trace: x\r\nMessage-ID: <1>\r\nDate: d\r\n\r\nx\r\n");
    EXPECT_EQ(given("message-id: m\r\n\r\n"), "Trace: x\r\nDate: now\r\nmessage-id: m\r\n\r\n");
    EXPECT_EQ(given("Date: d\r\nMessage-ID: m\r\n"), "Trace: x\r\nDate: d\r\nMessage-ID: m\r\n");
    EXPECT_EQ(given(""), "Trace: x\r\nDate: now\r\nMessage-ID: <1>\r\n");
}

TEST(SmtpIntake, RefusesWhatIsBiggerThanAllowedAndGivesItUpThere) {
    IntakeSetting setting;
    setting.limits.message_bytes = 12;
    EXPECT_EQ(take_in_every_way(setting, "A: b\r\n\r\n1234"),
              (Taken{"Trace: x\r\nA: b\r\n\r\n1234", "", 0, 12}));
    EXPECT_EQ(take_in_every_way(setting, "A: b\r\n\r\n12345 and more"),
              (Taken{"Trace: x\r\nA: b\r\n\r\n1234", "22", 552, 12}));
}

TEST(SmtpIntake, RefusesAHeaderThatIsTooBig) {
    IntakeSetting setting;
    setting.limits.header_bytes = 8;
    EXPECT_EQ(take_in_every_way(setting, "A: b\r\n\r\nbody"),
              (Taken{"Trace: x\r\nA: b\r\n\r\nbody", "", 0, 12}));
    EXPECT_EQ(take_in_every_way(setting, "A: bc\r\n\r\nbody"),
              (Taken{"Trace: x\r\nA: bc\r\n\r", "18", 552, 8}));
    setting.fill = true;
    EXPECT_EQ(take_in_every_way(setting, "A: bc\r\n\r\nbody"), (Taken{"", "", 552, 8}));
}

TEST(SmtpIntake, RefusesALoop) {
    const std::string hop = "Received: x\r\n";
    EXPECT_EQ(take_in_every_way({}, hop + hop + "\r\n").refusal, 0);
    EXPECT_EQ(take_in_every_way({}, hop + hop + hop + "\r\n"),
              (Taken{"Trace: x\r\n" + hop + hop + hop, "49", 554, 39}));
}

TEST(SmtpIntake, TheLimitThatIsMetFirstDecides) {
    IntakeSetting setting;
    setting.limits = {.message_bytes = 20, .header_bytes = 10, .received_hops = 0};
    EXPECT_EQ(take_in_every_way(setting, std::string(40, 'x')).refusal, 552);
    EXPECT_EQ(take_in_every_way(setting, "received:\r\n" + std::string(40, 'x')).refusal, 552);
    setting.limits.header_bytes = 30;
    EXPECT_EQ(take_in_every_way(setting, "received:\r\n" + std::string(40, 'x')).refusal, 554);
}

}  // namespace
}  // namespace quorate::mail::smtp
