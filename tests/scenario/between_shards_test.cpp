// What passes between shards: one hop at most for a message, and an inbox that drops messages when it is full, and
// nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "shard/shard.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::SizeIs;

constexpr const char* own_uri = "sip:127.0.0.1:5060";

// [house 1] A message that belongs to another shard is handed over once, whatever becomes of it
TEST(Hops, AreAtMostOneForAMessage) {
  World world({.shards = 3, .config = {}});
  TwoPhones phones(world);
  for (int i = 0; i < 20; ++i) {
    phones.alice.call("sip:bob@example.test");
    world.run_for(seconds(2));
    ASSERT_EQ(phones.alice.last_status("INVITE"), 200);
    phones.bob.hang_up();
    world.run_for(seconds(40));
  }
  EXPECT_EQ(phones.bob.count_responses("200 BYE"), 20u);
  EXPECT_GT(world.counter("shard.hops"), 0u);
  EXPECT_LE(world.counter("shard.hops"), world.counter("messages.received"));
}

// [house 1] Of many requests of one sender some are at home where they arrive, all others make one hop, and their
// answers none
TEST(Hops, OfOneDatagram) {
  World world({.shards = 3, .config = World::open_house()});
  Stranger stranger(world, Transport::udp);
  std::uint64_t before = 0;
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(stranger.ask(stranger.draft("OPTIONS", own_uri)), 200);
    EXPECT_LE(world.counter("shard.hops"), before + 1);
    before = world.counter("shard.hops");
  }
  EXPECT_GT(before, 20u);
  EXPECT_LT(before, 60u);
}

// [house 1] A connection belongs to a shard, too: over TCP a message makes a hop on its way in and its answer one on
// its way out
TEST(Hops, OverTcp) {
  World world({.shards = 3, .config = {}});
  Phone alice(world, "alice", "127.0.0.2:5060", Transport::tcp), bob(world, "bob", "127.0.0.3:5060", Transport::tcp);
  bob.register_contact();
  world.run_for(seconds(2));
  for (int i = 0; i < 20; ++i) {
    alice.call("sip:bob@example.test");
    world.run_for(seconds(2));
    ASSERT_EQ(alice.last_status("INVITE"), 200);
    alice.hang_up();
    world.run_for(seconds(2));
    ASSERT_EQ(alice.last_status("BYE"), 200);
  }
  EXPECT_GT(world.counter("shard.hops"), 0u);
  EXPECT_LE(world.counter("shard.hops"), world.counter("messages.received") + world.counter("messages.sent"));
}

/// Three shards whose inboxes hold a hundred messages each.
struct SmallInboxes {
  SmallInboxes() : world({.shards = 3, .config = config(100)}), stranger(world, Transport::udp) {}
  static std::string config(int queue) {
    return World::open_house("[sip]\nreceive_queue = " + std::to_string(queue) + "\n");
  }
  /// They arrive together: nobody has a turn in between.
  void flood(int count) {
    for (int i = 0; i < count; ++i) stranger.send(stranger.draft("OPTIONS", own_uri).text());
  }
  [[nodiscard]] std::uint64_t dropped() const { return static_cast<std::uint64_t>(world.gauge("shard.inbox.dropped")); }
  /// How many more messages this shard takes before its turn.
  std::size_t fill(std::size_t shard) {
    std::size_t taken = 0;
    while (taken < 10'000 && world.shard(shard).post(shard::ForwardedMessage{{}, "junk"})) ++taken;
    return taken;
  }
  World world;
  Stranger stranger;
};

// [CGP-28, CGP-29] More than the inboxes hold in one turn: what fits is answered, the rest is dropped and counted;
// afterwards all is as before
TEST(FullInbox, DropsMessages) {
  SmallInboxes house;
  house.flood(1000);
  house.world.run_for(seconds(1));
  const std::uint64_t handed_over = house.world.counter("shard.hops");
  EXPECT_GT(handed_over, 500u);
  EXPECT_EQ(house.dropped(), handed_over - 200) << "a hundred fit into each of the two other shards";
  EXPECT_EQ(house.stranger.count("SIP/2.0 200"), 1000 - house.dropped());
  const std::uint64_t before = house.dropped();
  house.stranger.forget();
  house.flood(100);
  house.world.run_for(seconds(1));
  EXPECT_THAT(house.stranger.received(), SizeIs(100));
  EXPECT_EQ(house.dropped(), before);
  EXPECT_TRUE(Stranger::server_lives(house.world));
}

// [CGP-29, house 1] A caller whose messages were dropped sends them again, and has its call
TEST(FullInbox, CallersTryAgain) {
  SmallInboxes house;
  TwoPhones phones(house.world);
  for (int i = 0; i < 6; ++i) {
    house.flood(1000);
    phones.alice.call("sip:bob@example.test");
    house.world.run_for(seconds(40));
    EXPECT_TRUE(phones.alice.in_call());
    EXPECT_TRUE(phones.bob.in_call());
    phones.bob.hang_up();
    house.world.run_for(seconds(40));
    EXPECT_EQ(phones.bob.last_status("BYE"), 200);
  }
  EXPECT_GT(house.dropped(), 0u);
  EXPECT_EQ(house.world.transactions(), 0u);
}

// [CGP-29] Messages find a full inbox, a failure, an answer, a reload and an operator's question do not
TEST(FullInbox, TakesWhatMustArrive) {
  SmallInboxes house;
  for (std::size_t i = 0; i < house.world.shards(); ++i) {
    EXPECT_EQ(house.fill(i), 100u);
    auto& shard = house.world.shard(i);
    EXPECT_FALSE(shard.post(shard::ForwardedMessage{{}, "junk"}));
    EXPECT_FALSE(shard.post(shard::SendOctets{{}, "junk"}));
    EXPECT_FALSE(shard.post(shard::Probe{})) << "the next REGISTER asks for it again";
    EXPECT_TRUE(shard.post(shard::SendOctets{{}, {}})) << "a failure told to ourselves";
    EXPECT_TRUE(shard.post(shard::FlowFailed{}));
    EXPECT_TRUE(shard.post(shard::Resolved{}));
  }
  std::vector<unsigned> asked;
  for (std::size_t i = 0; i < house.world.shards(); ++i)
    EXPECT_TRUE(house.world.shard(i).post(shard::Task{[&](shard::Shard& shard) { asked.push_back(shard.index()); }}));
  const std::uint64_t before = house.dropped();
  house.world.apply(SmallInboxes::config(150));
  EXPECT_THAT(asked, testing::UnorderedElementsAre(0u, 1u, 2u));
  EXPECT_EQ(house.dropped(), before);
  for (std::size_t i = 0; i < house.world.shards(); ++i) EXPECT_EQ(house.fill(i), 150u) << "the reload arrived";
}

// [CGP-29] The resolver's answer reaches a shard whose inbox is full at that moment
TEST(FullInbox, TakesTheAnswerOfTheResolver) {
  SmallInboxes house;
  auto& net = house.world.net();
  TwoPhones phones(house.world);
  net.add_host("sip.elsewhere.test", *IpAddress::parse("127.0.0.9"));
  Phone remote(house.world, "remote", "127.0.0.9:5060");
  house.world.apply(World::open_house("[sip]\nreceive_queue = 100\nrelay = \"anybody\"\n"));
  for (int i = 0; i < 10; ++i) {
    // The flood leaves first and arrives at the instant of the answer, before it.
    net.set_dns_delay(milliseconds(10));
    net.set_weather({.delay = milliseconds(20)});
    house.flood(1000);
    net.set_weather({.delay = milliseconds(1)});
    house.world.run_for(milliseconds(9));
    phones.alice.send("MESSAGE", "sip:u@sip.elsewhere.test:5060");  // one question: its address
    house.world.run_for(milliseconds(60));
    EXPECT_EQ(remote.count_requests("MESSAGE"), static_cast<std::size_t>(i) + 1);
    house.world.run_for(seconds(120));
  }
  EXPECT_GT(house.dropped(), 0u);
}

// [CGP-56, RFC3261 18.4] The kernel tells one of the shards' sockets that a port is closed, whichever shard asked: the
// request ends all the same
TEST(Hops, AClosedPortIsToldToWhoeverSent) {
  for (std::size_t told = 0; told < 3; ++told) {
    World world({.shards = 3, .config = World::open_house()});
    TwoPhones phones(world);
    world.net().set_silent(phones.bob.endpoint().address, true);
    phones.alice.send("MESSAGE", "sip:bob@example.test");
    world.run_for(milliseconds(100));
    ASSERT_EQ(phones.alice.last_status("MESSAGE"), 0);
    static_cast<net::WireHandler&>(world.shard(told)).on_unreachable(0, phones.bob.endpoint(), world.net().now());
    world.run_for(milliseconds(100));
    EXPECT_GE(phones.alice.last_status("MESSAGE"), 500) << told;
  }
}

}  // namespace
}  // namespace bellhop::scenario
