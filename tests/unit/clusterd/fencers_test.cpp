#include "fencers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>

#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

const MemberId kLostLife{NodeId(3), Incarnation(0x77)};

class FencersTest : public ::testing::Test {
protected:
    FencersTest() {
        std::string pattern = ::testing::TempDir() + "quorate-fencers-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        EXPECT_TRUE(begin());
    }
    ~FencersTest() override {
        ::unlink((folder_ + "/fencers").c_str());
        ::rmdir(folder_.c_str());
    }

    // clusterd starts: what it fed the machine before is forgotten, the files stay.
    Status begin() {
        fed_.clear();
        fencers_ = std::make_shared<Fencers>(io_, disk_, folder_, events_, chronicle_);
        QUORATE_CHECK(fencers_->load());
        fencers_->start([this](const MachineInput& input) { note(input); });
        return {};
    }
    void note(const MachineInput& input) {
        if (const auto* added = std::get_if<AddFencer>(&input)) {
            fed_.push_back("add " + added->name);
        } else if (const auto* removed = std::get_if<RemoveFencer>(&input)) {
            fed_.push_back("remove " + removed->name);
        } else if (const auto* confirmed = std::get_if<FencerConfirmed>(&input)) {
            fed_.push_back("confirmed " + confirmed->name);
        }
    }

    template <class Value>
    Value wait(boost::asio::awaitable<Value> task) {
        std::optional<Value> result;
        boost::asio::co_spawn(io_, std::move(task),
                              [&](const std::exception_ptr& error, Value value) {
                                  EXPECT_FALSE(error);
                                  result = std::move(value);
                                  io_.stop();
                              });
        io_.restart();
        io_.run_for(std::chrono::seconds(30));
        return std::move(*result);
    }
    std::string events_of(const char* kind) const {
        std::string texts;
        for (const auto& event : events_.recent()) {
            if (event.at("kind") == kind) {
                texts += std::string(event.at("text").as_string()) + ";";
            }
        }
        return texts;
    }

    boost::asio::io_context io_{1};
    io::ThreadPool disk_{io_, {"disk", 1, 100}};
    EventLog events_{io_};
    io::ControlRouter peers_;
    Nodes nodes_{io_, nullptr, peers_, {"n1", ""}};
    Chronicle chronicle_{{NodeId(1), Incarnation(1)}, events_, nodes_};
    std::string folder_;
    std::vector<std::string> fed_;
    std::shared_ptr<Fencers> fencers_;
};

using Words = std::vector<std::string>;

TEST_F(FencersTest, ARegistrationIsToldToTheMachineAndKeptOverAStart) {
    EXPECT_TRUE(wait(fencers_->add("rados", 998)));
    EXPECT_EQ(fed_, Words{"add rados"});
    ASSERT_TRUE(begin());
    EXPECT_EQ(fed_, Words{"add rados"});
    EXPECT_EQ(fencers_->desk().find("rados")->uid, 998U);
    EXPECT_TRUE(wait(fencers_->remove("rados")));
    EXPECT_EQ(fed_, (Words{"add rados", "remove rados"}));
    ASSERT_TRUE(begin());
    EXPECT_EQ(fed_, Words{});
}

TEST_F(FencersTest, WhatCannotBeKeptIsNotRegistered) {
    const auto kept = folder_ + "/fencers.new";
    ::mkdir(kept.c_str(), 0700);
    EXPECT_FALSE(wait(fencers_->add("rados", 0)));
    EXPECT_EQ(fed_, Words{});
    EXPECT_EQ(fencers_->desk().find("rados"), nullptr);
    ::rmdir(kept.c_str());
    EXPECT_TRUE(wait(fencers_->add("rados", 0)));
}

TEST_F(FencersTest, ARemovalThatCannotBeKeptIsNone) {
    ASSERT_TRUE(wait(fencers_->add("rados", 0)));
    const auto kept = folder_ + "/fencers.new";
    ::mkdir(kept.c_str(), 0700);
    EXPECT_FALSE(wait(fencers_->remove("rados")));
    EXPECT_EQ(fed_, (Words{"add rados", "remove rados", "add rados"}));
    EXPECT_NE(fencers_->desk().find("rados"), nullptr);
    ::rmdir(kept.c_str());
}

TEST_F(FencersTest, ADamagedListStopsTheStartAndIsNamed) {
    std::ofstream(folder_ + "/fencers") << "quorate-fencers 1\nrados 0\n";
    const auto begun = begin();
    ASSERT_FALSE(begun);
    EXPECT_NE(begun.error().detail.find(folder_ + "/fencers: "), std::string::npos);
}

TEST_F(FencersTest, OfSeveralAtOnceEachIsKeptAndNoneTwice) {
    std::size_t done = 0;
    std::size_t registered = 0;
    for (const auto* name : {"one", "two", "one"}) {
        boost::asio::co_spawn(io_, fencers_->add(name, 0),
                              [&](const std::exception_ptr&, const Status& status) {
                                  registered += status ? 1U : 0U;
                                  if (++done == 3) {
                                      io_.stop();
                                  }
                              });
    }
    io_.restart();
    io_.run_for(std::chrono::seconds(30));
    EXPECT_EQ(done, 3U);
    EXPECT_EQ(registered, 2U);
    ASSERT_TRUE(begin());
    EXPECT_EQ(fed_, (Words{"add one", "add two"}));
}

TEST_F(FencersTest, AStreamGreetsTellsAndEnds) {
    ASSERT_TRUE(wait(fencers_->add("rados", 0)));
    fencers_->ask({"rados", kLostLife, Epoch(9)});
    const auto stream = wait(fencers_->attach("rados", 4711));
    ASSERT_NE(stream, nullptr);
    const auto first = wait(stream->next());
    EXPECT_TRUE(first.starts_with(R"({"session":")")) << first;
    EXPECT_TRUE(first.ends_with(
        "\n"
        R"({"node":"node 3","node_id":3,"incarnation":"0000000000000077","epoch":9})"
        "\n"))
        << first;
    fencers_->ask({"rados", kLostLife, Epoch(10)});
    EXPECT_NE(wait(stream->next()).find(R"("epoch":10)"), std::string::npos);
    EXPECT_EQ(wait(stream->next()), "\n") << "a second without news";
    ASSERT_TRUE(wait(fencers_->remove("rados")));
    EXPECT_EQ(wait(stream->next()), "{\"removed\":true}\n");
    EXPECT_EQ(wait(stream->next()), "");
    EXPECT_NE(events_of("fencer_removed").find("had not confirmed node 3"), std::string::npos);
}

TEST_F(FencersTest, OneProgramAtATime) {
    ASSERT_TRUE(wait(fencers_->add("rados", 0)));
    auto first = wait(fencers_->attach("rados", 1));
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(wait(fencers_->attach("rados", 2)), nullptr);
    EXPECT_EQ(wait(fencers_->attach("other", 2)), nullptr) << "not registered";
    first.reset();
    EXPECT_EQ(events_of("fencer_absent"), "fencer rados: its program is gone;");
    EXPECT_NE(wait(fencers_->attach("rados", 2)), nullptr);
}

TEST_F(FencersTest, ConfirmedOnceAndByWhom) {
    ASSERT_TRUE(wait(fencers_->add("rados", 0)));
    fencers_->ask({"rados", kLostLife, Epoch(9)});
    EXPECT_TRUE(fencers_->confirm("rados", kLostLife, 7));
    EXPECT_FALSE(fencers_->confirm("rados", kLostLife, 7));
    EXPECT_EQ(fed_, (Words{"add rados", "confirmed rados"}));
    EXPECT_EQ(events_of("fencer_confirmed"), "fencer rados: node 3 is fenced, says the fencer;");
    fencers_->ask({"rados", kLostLife, Epoch(10)});
    EXPECT_TRUE(fencers_->confirm("rados", kLostLife, 0));
    EXPECT_NE(events_of("fencer_confirmed").find("says the operator;"), std::string::npos);
}

TEST_F(FencersTest, AtTheEndStreamsEndAndMayOutliveIt) {
    ASSERT_TRUE(wait(fencers_->add("rados", 0)));
    const auto stream = wait(fencers_->attach("rados", 1));
    wait(stream->next());
    fencers_->close();
    EXPECT_EQ(wait(stream->next()), "");
    EXPECT_EQ(wait(fencers_->attach("rados", 2)), nullptr);
    fencers_.reset();
    EXPECT_EQ(wait(stream->next()), "");
}

}  // namespace
}  // namespace quorate::cluster
