// The transaction timers of RFC 3261 on networks that lose, double and reorder, with one shard and with three: what
// still holds there, by the clock of the server (timers_test.cpp has them in good weather).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "shard/shard.hpp"
#include "stranger.hpp"
#include "timing.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

/// alice and bob in a house that asks nobody for a password: each request begins one transaction.
class TimersInWeather : public InEveryWeather {
 protected:
  void begin(std::string_view more = {}) {
    world = std::make_unique<World>(options(World::open_house(more)));
    phones = std::make_unique<TwoPhones>(*world);
  }
  Phone& alice() { return phones->alice; }
  Phone& bob() { return phones->bob; }
  void silence_bob() { world->net().set_silent(bob().endpoint().address, true); }
  void call() { alice().call("sip:bob@example.test"); }
  void message() { alice().send("MESSAGE", "sip:bob@example.test"); }
  [[nodiscard]] std::vector<TimePoint> times(std::string_view arrow) const { return world->times_of(arrow); }
  [[nodiscard]] std::size_t count(std::string_view arrow) const { return times(arrow).size(); }
  [[nodiscard]] std::size_t count_after(TimePoint start, std::string_view arrow) const {
    const auto all = times(arrow);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](TimePoint time) { return time > start; }));
  }
  /// Until such a message has passed; when it did first.
  TimePoint await(std::string_view arrow) {
    for (int i = 0; i < 1600 && count(arrow) == 0; ++i) world->run_for(milliseconds(50));
    EXPECT_GT(count(arrow), 0u) << arrow;
    return count(arrow) == 0 ? TimePoint{} : times(arrow).front();
  }
  void run_until(TimePoint time) { world->run_for(time - world->net().now()); }
  [[nodiscard]] std::size_t server_transactions() const { return sum(&shard::Shard::servers); }
  [[nodiscard]] std::size_t client_transactions() const { return sum(&shard::Shard::clients); }
  template <class Table>
  [[nodiscard]] std::size_t sum(Table& (shard::Shard::*table)()) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < world->shards(); ++i) n += (world->shard(i).*table)().size();
    return n;
  }
  std::unique_ptr<World> world;
  std::unique_ptr<TwoPhones> phones;
};
INSTANTIATE_TEST_SUITE_P(Weather, TimersInWeather, testing::ValuesIn(weathers()), weather_name);

// [RFC3261 17.1.1.2] Timers A and B: to a silent phone an INVITE goes out as often as it should and is given up to the
// second
TEST_P(TimersInWeather, AandB) {
  begin("[sip]\ntimer_b = \"32s\"\n");
  silence_bob();
  call();
  world->run_for(seconds(80));
  const auto sent = times("bob <- INVITE"), told = times("alice <- 408 INVITE");
  EXPECT_EQ(rounded(offsets(sent)), doubling(without_cap));
  ASSERT_THAT(told, Not(IsEmpty()));
  EXPECT_EQ(rounded(offsets({sent.front(), told.front()})), (Times{0, 32'000}));
  EXPECT_EQ(alice().last_status("INVITE"), 408);
  expect_empty(*world);
}

// [RFC3261 17.1.1.2] Timer A: an INVITE is sent again until something comes back, however often it was lost, and then
// never more
TEST_P(TimersInWeather, AEndsWithTheFirstAnswer) {
  begin();
  lose_first(*world, 2, {"INVITE"});
  bob().script.answers = {{milliseconds(10), 180}, {seconds(20), 200}};
  call();
  world->run_for(seconds(80));
  const auto sent = times("bob <- INVITE");
  EXPECT_GE(sent.size(), 3u);
  EXPECT_EQ(count_after(times("bob -> 180 INVITE").front(), "bob <- INVITE"), 0u);
  EXPECT_TRUE(alice().in_call());
  EXPECT_EQ(bob().count_requests("INVITE"), 1u);
  EXPECT_GE(bob().count_requests("ACK"), 1u);
  expect_empty(*world);
}

// [RFC3261 16.6, RFC3261 16.8] Timer C counts from the last provisional answer that was heard
TEST_P(TimersInWeather, C) {
  begin("[sip]\ntimer_c = \"30s\"\n");
  bob().script.answers = {{milliseconds(10), 180}, {seconds(20), 183}};
  call();
  const TimePoint cancelled = await("bob <- CANCEL");
  std::vector<TimePoint> rang = times("bob -> 180 INVITE");
  for (const TimePoint time : times("bob -> 183 INVITE")) rang.push_back(time);
  EXPECT_EQ(rounded(offsets({*std::max_element(rang.begin(), rang.end()), cancelled})), (Times{0, 30'000}));
  world->run_for(seconds(80));
  EXPECT_EQ(alice().last_status("INVITE"), 487);
  EXPECT_EQ(bob().count_requests("CANCEL"), 1u);
  expect_empty(*world);
}

// [RFC3261 17.1.1.2] Timer D: each repeat of a refusal is acknowledged, though the first ACKs are lost; the caller is
// told of one
TEST_P(TimersInWeather, D) {
  begin();
  lose_first(*world, 4, {"ACK "});
  bob().script.answers = {{milliseconds(10), 486}};
  call();
  world->run_for(seconds(80));
  EXPECT_GE(count("bob -> 486 INVITE"), 5u);
  EXPECT_EQ(count("bob <- ACK"), count("bob -> 486 INVITE"));
  EXPECT_EQ(alice().count_responses("486 INVITE"), 1u);
  expect_empty(*world);
}

// [RFC3261 17.1.2.2, RFC4320 4.2] Timers E and F: any other request to a silent phone is repeated up to every T2, and
// its end is silence
TEST_P(TimersInWeather, EandF) {
  begin();
  silence_bob();
  message();
  world->run_for(seconds(80));
  EXPECT_EQ(rounded(offsets(times("bob <- MESSAGE"))), doubling(4'000));
  EXPECT_THAT(alice().responses(), ElementsAre("failed MESSAGE"));
  expect_empty(*world);
}

// [RFC3261 17.1.2.2] Timer E: lost requests and lost answers are repeated until the caller has its answer
TEST_P(TimersInWeather, EReachesThePhone) {
  begin();
  lose_first(*world, 3, {"MESSAGE"});
  message();
  world->run_for(seconds(80));
  EXPECT_EQ(alice().last_status("MESSAGE"), 200);
  EXPECT_EQ(bob().count_requests("MESSAGE"), 1u);
  EXPECT_EQ(count_after(times("bob -> 200 MESSAGE").front(), "bob <- MESSAGE"), 0u);
  expect_empty(*world);
}

// [RFC3261 17.2.1] Timers G and H: a refusal nobody acknowledges is repeated from T1 up to every T2 for 64*T1, and then
// forgotten
TEST_P(TimersInWeather, GandH) {
  begin();
  bob().script.answers = {{milliseconds(10), 486}};
  Stranger caller(*world, Transport::udp);
  const std::string invite = caller.draft().text();
  while (count("stranger -> INVITE") == 0) {
    caller.send(invite);
    world->run_for(milliseconds(100));
  }
  world->run_for(seconds(80));
  const Times refused = rounded(offsets(times("stranger <- 486 INVITE"))), expected = doubling(4'000);
  EXPECT_THAT(refused, IsSupersetOf(expected)) << "more only where a repeat of the INVITE was late";
  EXPECT_EQ(refused.back(), expected.back());
  expect_empty(*world);
}

// [RFC3261 17.2.1] Timer I: the first ACK that arrives ends the repeats, and T4 later the transaction
TEST_P(TimersInWeather, I) {
  begin();
  lose_first(*world, 2, {"ACK "});
  bob().script.answers = {{milliseconds(10), 486}};
  call();
  const TimePoint acknowledged = await("alice -> ACK");
  run_until(acknowledged + milliseconds(4'900));
  EXPECT_EQ(server_transactions(), 1u);
  run_until(acknowledged + milliseconds(5'100));
  EXPECT_EQ(server_transactions(), 0u);
  EXPECT_GE(count("alice <- 486 INVITE"), 3u);
  EXPECT_EQ(count_after(acknowledged, "alice <- 486 INVITE"), 0u);
  world->run_for(seconds(80));
  expect_empty(*world);
}

// [RFC3261 17.2.2] Timer J: each repeat of a request is answered as the first and none is forwarded, for 64*T1
TEST_P(TimersInWeather, J) {
  begin();
  lose_first(*world, 3, {"SIP/2.0 200"});
  message();
  const TimePoint answered = await("alice <- 200 MESSAGE");
  run_until(answered + milliseconds(31'900));
  EXPECT_EQ(server_transactions(), 1u);
  EXPECT_EQ(alice().last_status("MESSAGE"), 200);
  EXPECT_EQ(bob().count_requests("MESSAGE"), 1u);
  EXPECT_GE(count("alice <- 200 MESSAGE"), 4u);
  EXPECT_EQ(count("alice <- 200 MESSAGE"), 1 + count_after(answered, "alice -> MESSAGE"));
  run_until(answered + milliseconds(32'100));
  expect_empty(*world);
}

// [RFC3261 17.1.2.2] Timer K: the answer repeated is absorbed for T4, and then the transaction is gone
TEST_P(TimersInWeather, K) {
  begin();
  message();
  const TimePoint answered = await("bob -> 200 MESSAGE");
  run_until(answered + milliseconds(4'900));
  EXPECT_EQ(client_transactions(), 1u);
  run_until(answered + milliseconds(5'100));
  EXPECT_EQ(client_transactions(), 0u);
  EXPECT_EQ(count_after(answered, "bob <- MESSAGE"), 0u);
  world->run_for(seconds(80));
  EXPECT_EQ(alice().last_status("MESSAGE"), 200);
  expect_empty(*world);
}

}  // namespace
}  // namespace bellhop::scenario
