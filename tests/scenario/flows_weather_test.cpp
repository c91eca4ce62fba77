// Flows that fail (RFC 5626) on networks that lose, double and reorder, and connections that end in every state of a
// call; with one shard and with three.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "phone.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;

constexpr const char* instance = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

/// bob's device has two flows, the second one registered last; alice calls him.
struct TwoFlows {
  TwoFlows(const World::Options& options, Transport transport)
      : world(options), alice(world, "alice", "127.0.0.2:5060") {
    for (int flow = 1; flow <= 2; ++flow) {
      bobs.emplace_back(world, "bob", fmt::format("127.0.0.{}:5060", 2 + flow), transport);
      bobs.back().display_headers = "Supported: outbound, path\r\n";
      bobs.back().register_contact(3600, fmt::format("{};reg-id={}", instance, flow));
      world.run_for(seconds(40));
      EXPECT_EQ(bobs.back().last_status("REGISTER"), 200);
    }
    alice.forget();
  }
  World world;
  Phone alice;
  std::deque<Phone> bobs;
};

class Flows : public InEveryWeather {};
INSTANTIATE_TEST_SUITE_P(Weather, Flows, testing::ValuesIn(weathers()), weather_name);

// [RFC5626 7] While both flows are there the newest alone is used
TEST_P(Flows, OneAtATime) {
  TwoFlows flows(options(World::open_house()), Transport::udp);
  flows.alice.call("sip:bob@example.test");
  flows.world.run_for(seconds(60));
  EXPECT_EQ(flows.alice.last_status("INVITE"), 200);
  EXPECT_TRUE(flows.bobs[1].in_call());
  EXPECT_EQ(flows.bobs[0].count_requests("INVITE"), 0u);
  flows.alice.hang_up();
  flows.world.run_for(seconds(70));
  expect_empty(flows.world);
}

// [RFC5626 7] A flow that has fallen silent: the call goes over the other one after Timer B, and its dialog works
TEST_P(Flows, ASilentOneIsReplaced) {
  TwoFlows flows(options(World::open_house()), Transport::udp);
  flows.world.net().set_silent(flows.bobs[1].endpoint().address, true);
  flows.alice.call("sip:bob@example.test");
  flows.world.run_for(seconds(60));
  EXPECT_EQ(flows.alice.last_status("INVITE"), 200);
  EXPECT_TRUE(flows.bobs[0].in_call());
  flows.bobs[0].hang_up();
  flows.world.run_for(seconds(70));
  EXPECT_EQ(flows.bobs[0].last_status("BYE"), 200);
  expect_empty(flows.world);
}

// [RFC5626 7] With both gone the caller hears so, once
TEST_P(Flows, NoneIsLeft) {
  TwoFlows flows(options(World::open_house()), Transport::udp);
  for (Phone& bob : flows.bobs) flows.world.net().set_silent(bob.endpoint().address, true);
  flows.alice.call("sip:bob@example.test");
  flows.world.run_for(seconds(120));
  EXPECT_EQ(flows.alice.last_status("INVITE"), 408);
  expect_empty(flows.world);
}

// [RFC5626 7] Connections: one that ends while bob's phone rings has rung, and no second phone does
TEST_P(Flows, ARingingPhoneIsNotRungTwice) {
  TwoFlows flows(options(World::open_house()), Transport::tcp);
  for (Phone& bob : flows.bobs) bob.script.answers = {{milliseconds(10), 180}, {seconds(5), 200}};
  flows.alice.call("sip:bob@example.test");
  flows.world.run_for(seconds(3));
  flows.bobs[1].close_connection();
  flows.world.run_for(seconds(60));
  EXPECT_EQ(flows.bobs[0].count_requests("INVITE"), 0u);
  EXPECT_GE(flows.alice.last_status("INVITE"), 400);
  flows.world.run_for(seconds(60));
  expect_empty(flows.world);
}

// [RFC3261 18.4, threats 69] A connection that ends in any state of a call, the caller's or the callee's: nothing
// remains of it, whoever is still there hears an end, and the next call works
TEST_P(Flows, ConnectionsEndInEveryState) {
  const Duration moments[] = {milliseconds(1),   milliseconds(5),   milliseconds(12),  milliseconds(40),
                              milliseconds(90),  milliseconds(105), milliseconds(115), milliseconds(130),
                              milliseconds(300), seconds(2)};
  for (const bool callers : {true, false})
    for (const int final_status : {200, 486})
      for (const Duration moment : moments) {
        SCOPED_TRACE(
            fmt::format("{} {} after {} ms", callers ? "caller" : "callee", final_status, moment / milliseconds(1)));
        World world(options(World::open_house()));
        Phone alice(world, "alice", "127.0.0.2:5060", Transport::tcp),
            bob(world, "bob", "127.0.0.3:5060", Transport::tcp);
        alice.register_contact();
        bob.register_contact();
        bob.script.answers = {{milliseconds(10), 180}, {milliseconds(100), final_status}};
        world.run_for(seconds(40));
        alice.call("sip:bob@example.test");
        world.run_for(moment);
        (callers ? alice : bob).close_connection();
        world.run_for(seconds(200));
        EXPECT_TRUE(callers || alice.last_status("INVITE") >= 200);
        world.run_for(seconds(200));
        expect_empty(world);
        Phone carol(world, "carol", "127.0.0.4:5060", Transport::tcp),
            dave(world, "dave", "127.0.0.5:5060", Transport::tcp);
        dave.register_contact();
        world.run_for(seconds(5));
        carol.call("sip:dave@example.test");
        world.run_for(seconds(40));
        EXPECT_EQ(carol.last_status("INVITE"), 200);
      }
}

}  // namespace
}  // namespace bellhop::scenario
