// CANCEL, answers and forks that race each other, on networks that lose, double and reorder: what both ends agree on in
// the end. The messages on the way there are the weather's.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "location/table.hpp"
#include "phone.hpp"
#include "stranger.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::Contains;

/// alice calls bob, who has some phones, in a house that asks nobody for a password: the call begins at once.
struct Race {
  explicit Race(const World::Options& options, const std::vector<std::string>& contact_parameters = {""})
      : world(options), alice(world, "alice", "127.0.0.2:5060") {
    for (const std::string& parameters : contact_parameters) {
      bobs.emplace_back(world, "bob", fmt::format("127.0.0.{}:5060", 3 + bobs.size()));
      bobs.back().register_contact(3600, parameters);
    }
    world.run_for(seconds(40));
    EXPECT_EQ(world.table().bindings(), bobs.size());
    (void)world.arrows();
  }
  void call() { alice.call("sip:bob@example.test"); }
  Phone& bob() { return bobs.front(); }
  /// From now on it neither hears nor is it known to be gone.
  void silence(Phone& phone) { world.net().set_silent(phone.endpoint().address, true); }
  /// When all is said: the caller and the callees that answered have the call, or nobody has; a callee that answered
  /// was heard; it can hang up; and nothing remains. How many answered.
  std::size_t expect_agreement() {
    world.run_for(seconds(150));
    SCOPED_TRACE(fmt::format("{}", fmt::join(world.arrows(), "\n")));
    std::vector<Phone*> answered;
    for (Phone& phone : bobs)
      if (phone.in_call()) answered.push_back(&phone);
    EXPECT_EQ(alice.in_call(), !answered.empty());
    EXPECT_EQ(alice.last_status("INVITE") == 200, !answered.empty());
    EXPECT_GE(alice.last_status("INVITE"), 200);
    expect_empty(world);
    for (Phone* phone : answered) {
      EXPECT_GE(phone->count_requests("ACK"), 1u);
      phone->hang_up();
      world.run_for(seconds(70));
      EXPECT_EQ(phone->last_status("BYE"), 200);
    }
    expect_empty(world);
    return answered.size();
  }
  World world;
  Phone alice;
  std::deque<Phone> bobs;
};

class Races : public InEveryWeather {
 protected:
  static constexpr unsigned runs = 13;
  /// One of several runs, each in a weather of its own.
  [[nodiscard]] World::Options run(unsigned number, std::string_view more = {}) const {
    World::Options chosen = options(World::open_house(more));
    chosen.seed = chosen.seed * 100 + number;
    return chosen;
  }
  /// From before to after `middle`, as far apart as the network is slow.
  [[nodiscard]] Duration about(Duration middle, unsigned number) const {
    const Duration step = stormy() ? milliseconds(30) : microseconds(500);
    return middle + step * (static_cast<int>(number) - static_cast<int>(runs / 2));
  }
  /// A race that one side always wins is none. Storms decide by themselves how often.
  void expect_both_outcomes(unsigned first) const {
    if (stormy()) return;
    EXPECT_GT(first, 0u);
    EXPECT_LT(first, runs);
  }
};
INSTANTIATE_TEST_SUITE_P(Weather, Races, testing::ValuesIn(weathers()), weather_name);

// ---- CANCEL

// [RFC3261 9.1, RFC3261 16.10] CANCEL crosses the 200: both have the call or neither has
TEST_P(Races, CancelCrossesTheAnswer) {
  unsigned answered = 0;
  for (unsigned i = 0; i < runs; ++i) {
    SCOPED_TRACE(i);
    Race race(run(i));
    race.bob().script.answers = {{milliseconds(10), 180}, {seconds(1), 200}};
    race.call();
    race.world.run_for(about(milliseconds(1001), i));
    race.alice.cancel();
    if (race.expect_agreement() == 1) {
      ++answered;
    } else {
      EXPECT_EQ(race.alice.last_status("INVITE"), 487);
    }
  }
  expect_both_outcomes(answered);
}

// [RFC3261 9.2] CANCEL after the 200: it is answered, and changes nothing
TEST_P(Races, CancelAfterTheAnswer) {
  Race race(run(0));
  race.call();
  race.world.run_for(seconds(10));
  ASSERT_TRUE(race.alice.in_call());
  const auto cancel = [&](std::string_view answer) {
    for (int i = 0; i < 8; ++i) {
      race.alice.send_raw(cancel_of(race.alice.last_sent("INVITE")));
      race.world.run_for(milliseconds(200));
    }
    EXPECT_FALSE(race.world.times_of(fmt::format("alice <- {} CANCEL", answer)).empty());
    EXPECT_EQ(race.bob().count_requests("CANCEL"), 0u);
  };
  cancel("200");
  race.world.run_for(seconds(60));
  cancel("481");
  EXPECT_EQ(race.expect_agreement(), 1u);
}

// [RFC3261 9.2] A caller that does not wait for a 1xx before its CANCEL: one that overtakes the INVITE finds nothing,
// its repeat ends the call
TEST_P(Races, CancelBesideItsInvite) {
  for (unsigned i = 0; i < runs; ++i) {
    SCOPED_TRACE(i);
    Race race(run(i));
    race.bob().script.answers = {{milliseconds(10), 180}};
    Stranger hasty(race.world, Transport::udp);
    const std::string invite = hasty.draft().text();
    for (int turn = 0; turn < 60 && hasty.count("SIP/2.0 487") == 0; ++turn) {
      hasty.send(cancel_of(invite));
      hasty.send(invite);
      race.world.run_for(milliseconds(500));
    }
    ASSERT_GE(hasty.count("SIP/2.0 487"), 1u);
    for (int turn = 0; turn < 8; ++turn) {
      hasty.send(ack_of(invite, hasty.last("SIP/2.0 487")));
      race.world.run_for(milliseconds(200));
    }
    race.world.run_for(seconds(150));
    EXPECT_EQ(race.bob().count_requests("INVITE"), 1u);
    EXPECT_EQ(race.bob().count_requests("CANCEL"), 1u);
    EXPECT_FALSE(race.bob().in_call());
    expect_empty(race.world);
  }
}

// [RFC3261 9.1, RFC3261 17.1.1.3, RFC3261 17.2.1] The 487 and its ACK are lost twice on either hop: each is sent again
TEST_P(Races, LostEndOfACancelledCall) {
  Race race(run(0));
  lose_first(race.world, 2, {"SIP/2.0 487", "ACK "});
  race.bob().script.answers = {{milliseconds(10), 180}};
  race.call();
  race.world.run_for(seconds(2));
  race.alice.cancel();
  EXPECT_EQ(race.expect_agreement(), 0u);
  EXPECT_EQ(race.alice.last_status("INVITE"), 487);
  EXPECT_EQ(race.alice.count_responses("487 INVITE"), 1u);
  EXPECT_GE(race.world.times_of("bob <- ACK").size(), 3u) << "the third arrives";
  EXPECT_GE(race.world.times_of("alice <- 487 INVITE").size(), 3u);
}

// ---- forks

// [RFC3261 16.7] Two phones answer at once: the second is cancelled in time, or its 200 reaches the caller too
TEST_P(Races, BothPhonesAnswer) {
  unsigned both = 0;
  for (unsigned i = 0; i < runs; ++i) {
    SCOPED_TRACE(i);
    Race race(run(i), {"", ""});
    race.bobs[0].script.answers = {{milliseconds(10), 180}, {seconds(1), 200}};
    race.bobs[1].script.answers = {{milliseconds(10), 180}, {about(milliseconds(1001), i), 200}};
    race.call();
    const std::size_t answered = race.expect_agreement();
    EXPECT_GE(answered, 1u);
    if (answered == 2) ++both;
    for (Phone& phone : race.bobs) EXPECT_TRUE(phone.in_call() || phone.count_requests("CANCEL") == 1);
  }
  expect_both_outcomes(both);
}

// [RFC3261 16.7] A 6xx ends the search, but a 200 that was on its way reaches the caller
TEST_P(Races, DeclinedByOneAndAnsweredByTheOther) {
  unsigned answered = 0;
  for (unsigned i = 0; i < runs; ++i) {
    SCOPED_TRACE(i);
    Race race(run(i), {"", "", ";q=0.1"});
    race.bobs[0].script.answers = {{seconds(1), 603}};
    race.bobs[1].script.answers = {{milliseconds(10), 180}, {about(milliseconds(1001), i), 200}};
    race.call();
    if (race.expect_agreement() == 1) {
      ++answered;
    } else {
      EXPECT_EQ(race.alice.last_status("INVITE"), 603);
    }
    EXPECT_EQ(race.bobs[2].count_requests("INVITE"), 0u);
  }
  expect_both_outcomes(answered);
}

// [RFC3261 16.6, RFC3261 16.10] CANCEL crosses the refusal after which the next phone would ring: it rings and is
// cancelled, or never rings
TEST_P(Races, CancelBetweenTwoGroups) {
  unsigned rang = 0;
  for (unsigned i = 0; i < runs; ++i) {
    SCOPED_TRACE(i);
    Race race(run(i), {";q=1.0", ";q=0.5"});
    race.bobs[0].script.answers = {{milliseconds(10), 180}, {seconds(1), 486}};
    race.bobs[1].script.answers = {{milliseconds(10), 180}};
    race.call();
    race.world.run_for(about(milliseconds(1001), i));
    race.alice.cancel();
    EXPECT_EQ(race.expect_agreement(), 0u);
    EXPECT_EQ(race.alice.last_status("INVITE"), 487);
    EXPECT_EQ(race.bobs[1].count_requests("INVITE"), race.bobs[1].count_requests("CANCEL"));
    if (race.bobs[1].count_requests("INVITE") == 1) ++rang;
  }
  expect_both_outcomes(rang);
}

// [RFC3261 16.6] Phones of one q ring together, those of the next when all of them refused, were silent or are gone
TEST_P(Races, GroupsRingInTurn) {
  Race race(run(0), {";q=1.0", ";q=1.0", ";q=1.0", ";q=0.5", ";q=0.5"});
  race.bobs[0].script.answers = {{milliseconds(10), 180}, {seconds(2), 486}};
  race.bobs[1].script.answers = {{milliseconds(10), 480}};
  race.silence(race.bobs[2]);
  race.bobs[3].script.answers = {{milliseconds(10), 180}};
  race.bobs[4].script.answers = {{milliseconds(10), 180}, {seconds(3), 200}};
  race.call();
  race.world.run_for(milliseconds(9'500));
  EXPECT_EQ(race.bobs[3].count_requests("INVITE") + race.bobs[4].count_requests("INVITE"), 0u) << "before Timer B";
  EXPECT_EQ(race.expect_agreement(), 1u);
  EXPECT_TRUE(race.bobs[4].in_call());
  EXPECT_EQ(race.bobs[3].count_requests("CANCEL"), 1u);
}

// [RFC3261 16.7, RFC3261 16.10, CGP-54] A dead phone among those that ring holds up neither the answer nor the end of a
// cancelled call
TEST_P(Races, ADeadPhoneHoldsNothingUp) {
  for (const bool cancelled : {false, true}) {
    Race race(run(cancelled ? 1 : 0), {"", ""});
    race.silence(race.bobs[1]);
    race.bobs[0].script.answers = {{milliseconds(10), 180}};
    if (!cancelled) race.bobs[0].script.answers.emplace_back(seconds(2), 200);
    race.call();
    race.world.run_for(seconds(5));
    if (cancelled) race.alice.cancel();
    race.world.run_for(seconds(15));
    EXPECT_EQ(race.alice.last_status("INVITE"), cancelled ? 487 : 200);
    EXPECT_EQ(race.expect_agreement(), cancelled ? 0u : 1u);
  }
}

// [RFC3261 9.1, RFC3261 16.10, CGP-54] CANCEL before the callee said anything waits for its first 1xx; what the callee
// answers instead counts, also when the caller has had our 487 meanwhile
TEST_P(Races, CancelWhileTheCalleeIsSilent) {
  unsigned number = 0;
  for (const int first_word : {180, 486, 200})
    for (const Duration after : {seconds(2), seconds(7)}) {
      SCOPED_TRACE(fmt::format("{} after {} s", first_word, after / seconds(1)));
      Race race(run(++number));
      race.bob().script.answers = {{after, first_word}};
      race.call();
      race.world.run_for(milliseconds(500));
      race.alice.cancel();
      EXPECT_EQ(race.expect_agreement(), first_word == 200 ? 1u : 0u);
      EXPECT_EQ(race.alice.last_status("INVITE"), first_word == 200 ? 200 : 487);
      EXPECT_EQ(race.bob().count_requests("CANCEL"), race.world.times_of("bob -> 180 INVITE").empty() ? 0u : 1u);
    }
}

// [RFC3261 13.3.1.4, RFC3261 16.7] The first 200 and the first ACK are lost on either hop: the ends repeat them, and we
// pass each on
TEST_P(Races, LostBeginningOfACall) {
  Race race(run(0));
  lose_first(race.world, 1, {"SIP/2.0 200", "ACK "});
  race.call();
  EXPECT_EQ(race.expect_agreement(), 1u);
}

// [RFC3261 16.7, RFC6026 8.7] A 200 without any 1xx long after the caller heard the final answer of another phone, be
// it 603 or 200
TEST_P(Races, ASilentPhoneAnswersLate) {
  for (const int first : {603, 200}) {
    SCOPED_TRACE(first);
    Race race(run(static_cast<unsigned>(first) % 100), {"", ""});
    race.bobs[0].script.answers = {{seconds(1), first}};
    race.bobs[1].script.answers = {{seconds(8), 200}};
    race.call();
    EXPECT_EQ(race.expect_agreement(), first == 200 ? 2u : 1u);
    EXPECT_THAT(race.alice.responses(), Contains(fmt::format("{} INVITE", first)));
    EXPECT_EQ(race.bobs[1].count_requests("CANCEL"), 0u) << "there was no 1xx";
  }
}

}  // namespace
}  // namespace bellhop::scenario
