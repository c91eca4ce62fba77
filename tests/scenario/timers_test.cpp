// Every transaction timer of RFC 3261 (and RFC 6026, 4320), seen from outside a whole server: both ends of the call are
// written by hand, so that nothing is repeated but by the server. With one shard and with three.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stranger.hpp"
#include "timing.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;

struct Timers : testing::TestWithParam<unsigned> {
  explicit Timers(std::string_view more = {}, Transport transport = Transport::udp)
      : world({.shards = GetParam(), .config = World::open_house(more)}),
        alice(world, transport, "127.0.0.66:5066"),
        bob(world, transport, "127.0.0.77:5077") {
    const int status = bob.ask(bob.draft("REGISTER", "sip:example.test")
                                   .set("To", "<sip:bob@example.test>")
                                   .set("From", "<sip:bob@example.test>;tag=r")
                                   .set("Contact", fmt::format("<sip:bob@127.0.0.77:5077{}>",
                                                               transport == Transport::tcp ? ";transport=tcp" : "")));
    EXPECT_EQ(status, 200);
    bob.forget();
  }
  /// alice sends, bob's server hears it.
  std::string begin(std::string_view method) {
    request = alice.draft(method).text();
    alice.send(request);
    world.run_for(milliseconds(50));
    EXPECT_EQ(bob.count(method), 1u);
    return bob.last(method);
  }
  void bob_says(std::string_view status) {
    bob.send(answer_to(bob.last(request.substr(0, 6)), status));
    world.run_for(milliseconds(50));
  }
  void expect_clean() {
    EXPECT_EQ(world.transactions(), 0u);
    EXPECT_EQ(world.forks(), 0u);
  }
  World world;
  Stranger alice, bob;
  std::string request;
};
struct TimersOverTcp : Timers {
  TimersOverTcp() : Timers({}, Transport::tcp) {}
};
/// Timer B as RFC 3261 has it; Bellhop's own default is shorter.
struct StandardTimers : Timers {
  StandardTimers() : Timers("[sip]\ntimer_b = \"32s\"\n") {}
};
struct ShortTimers : Timers {
  ShortTimers() : Timers("[sip]\ntimer_b = \"5s\"\ntimer_c = \"30s\"\n") {}
};
INSTANTIATE_TEST_SUITE_P(Shards, Timers, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, TimersOverTcp, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, StandardTimers, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, ShortTimers, testing::Values(1u, 3u));

// [RFC3261 17.1.1.2, ARCH-10] Timers A and B: an INVITE to a silent phone goes out at 0, 0.5, 1.5, 3.5 ... s, and after
// 64*T1 the caller hears 408
TEST_P(StandardTimers, AandB) {
  begin("INVITE");
  world.run_for(seconds(40));
  EXPECT_EQ(rounded(bob.times_of("INVITE")), doubling(without_cap));
  EXPECT_EQ(rounded(alice.times_of("SIP/2.0 408")), (Times{0, 500, 1500, 3500, 7500}))
      << "Timer G: nobody acknowledges it yet";
  alice.send(ack_of(request, alice.last("SIP/2.0 408")));
  world.run_for(seconds(40));
  expect_clean();
}

// [RFC3261 17.1.1.2] Over TCP nothing is repeated, neither the INVITE nor its refusal
TEST_P(TimersOverTcp, NothingIsRepeated) {
  begin("INVITE");
  world.run_for(seconds(33));
  EXPECT_EQ(bob.count("INVITE"), 1u);
  EXPECT_EQ(alice.count("SIP/2.0 408"), 1u);
  world.run_for(seconds(33));
  EXPECT_EQ(alice.count("SIP/2.0 408"), 1u);
  begin("MESSAGE");
  world.run_for(seconds(33));
  EXPECT_EQ(bob.count("MESSAGE"), 1u);
  world.run_for(seconds(33));
  expect_clean();
}

// [CGP-53] Timer B as set, though T1 stays what it is
TEST_P(ShortTimers, BIsSettable) {
  begin("INVITE");
  world.run_for(seconds(6));
  EXPECT_EQ(rounded(bob.times_of("INVITE")), (Times{0, 500, 1500, 3500}));
  EXPECT_EQ(alice.times_of("SIP/2.0 408").size(), 2u);
}

// [RFC3261 16.6, RFC3261 16.7] Timer C: a phone that rings without end is cancelled, each provisional response but 100
// starts the time anew
TEST_P(ShortTimers, C) {
  begin("INVITE");
  bob_says("180 Ringing");
  world.run_for(seconds(20));
  bob_says("183 Session Progress");
  world.run_for(seconds(20));
  EXPECT_EQ(bob.count("CANCEL"), 0u) << "20 s after the 183, 40 s after the 180";
  bob_says("100 Trying");
  world.run_for(seconds(11));
  ASSERT_GE(bob.count("CANCEL"), 1u) << "the 100 did not count";
  bob.send(answer_to(bob.last("CANCEL"), "200 OK"));
  bob_says("487 Request Terminated");
  EXPECT_EQ(alice.count("SIP/2.0 487"), 1u) << "what the callee said (section 16.8)";
  EXPECT_EQ(bob.count("ACK"), 1u);
}

// [RFC3261 17.1.1.2] Timer D: a refusal the callee repeats within 32 s is acknowledged each time, and told to the
// caller once
TEST_P(Timers, D) {
  begin("INVITE");
  bob_says("486 Busy Here");
  alice.send(ack_of(request, alice.last("SIP/2.0 486")));
  for (int i = 0; i < 3; ++i) {
    world.run_for(seconds(9));
    bob_says("486 Busy Here");
  }
  EXPECT_EQ(bob.count("ACK"), 4u);
  EXPECT_EQ(alice.count("SIP/2.0 486"), 1u);
  world.run_for(seconds(33));
  bob_says("486 Busy Here");
  EXPECT_EQ(bob.count("ACK"), 4u) << "after Timer D it is a stray";
  expect_clean();
}

// [RFC3261 17.1.2.2, RFC4320 4.2] Timers E and F: any other request is repeated up to every T2, and its end is silence
TEST_P(Timers, EandF) {
  begin("MESSAGE");
  world.run_for(seconds(40));
  EXPECT_EQ(rounded(bob.times_of("MESSAGE")), doubling(4'000));
  EXPECT_TRUE(alice.received().empty()) << "a 408 would come too late to be of use";
  expect_clean();
}

// [RFC3261 17.1.2.2] In Proceeding Timer E is T2
TEST_P(Timers, EInProceeding) {
  begin("MESSAGE");
  bob_says("100 Trying");
  world.run_for(seconds(40));
  Times expected{0};
  for (long at = 500; at < 32'000; at += 4'000) expected.push_back(at);
  EXPECT_EQ(rounded(bob.times_of("MESSAGE")), expected);
}

// [RFC3261 17.2.1] Timers G and H: a refusal without ACK is repeated from T1 up to every T2, for 64*T1
TEST_P(Timers, GandH) {
  begin("INVITE");
  bob_says("486 Busy Here");
  world.run_for(seconds(40));
  EXPECT_EQ(rounded(alice.times_of("SIP/2.0 486")), doubling(4'000));
  expect_clean();
}

// [RFC3261 17.2.1] Timer I: after the ACK repeats of INVITE and ACK are absorbed for T4, then the transaction is gone
TEST_P(Timers, I) {
  begin("INVITE");
  bob_says("486 Busy Here");
  const std::string ack = ack_of(request, alice.last("SIP/2.0 486"));
  alice.send(ack);
  world.run_for(milliseconds(4'500));
  alice.send(request);
  alice.send(ack);
  world.run_for(milliseconds(300));
  EXPECT_EQ(alice.count("SIP/2.0 486"), 1u);
  EXPECT_EQ(bob.count("INVITE"), 1u);
  world.run_for(seconds(1));
  alice.send(request);
  world.run_for(milliseconds(100));
  EXPECT_EQ(bob.count("INVITE"), 2u) << "after Timer I it is a request like any other";
}

// [RFC3261 17.2.2] Timer J: a repeated request gets the same answer for 64*T1 and is not forwarded again
TEST_P(Timers, J) {
  begin("MESSAGE");
  bob_says("200 OK");
  for (int i = 0; i < 3; ++i) {
    world.run_for(seconds(10));
    alice.send(request);
  }
  world.run_for(seconds(1));
  EXPECT_EQ(alice.count("SIP/2.0 200"), 4u);
  EXPECT_EQ(bob.count("MESSAGE"), 1u);
  world.run_for(seconds(2));
  expect_clean();
  alice.send(request);
  world.run_for(milliseconds(100));
  EXPECT_EQ(bob.count("MESSAGE"), 2u);
}

// [RFC3261 17.1.2.2] Timer K: an answer repeated within T4 is absorbed, and then the transaction is gone
TEST_P(Timers, K) {
  begin("MESSAGE");
  bob_says("200 OK");
  world.run_for(seconds(4));
  bob_says("200 OK");
  EXPECT_EQ(alice.count("SIP/2.0 200"), 1u);
  EXPECT_EQ(world.transactions(), 2u) << "the server's and the client's side";
  world.run_for(seconds(1));
  EXPECT_EQ(world.transactions(), 1u) << "Timer J goes on";
}

// [RFC6026 7.1] Timer L: a repeated INVITE is absorbed for 64*T1 after its 2xx
TEST_P(Timers, L) {
  begin("INVITE");
  bob_says("200 OK");
  for (int i = 0; i < 3; ++i) {
    world.run_for(seconds(10));
    alice.send(request);
  }
  world.run_for(seconds(1));
  EXPECT_EQ(bob.count("INVITE"), 1u);
  EXPECT_EQ(alice.count("SIP/2.0 200"), 1u) << "repeating a 2xx is the callee's";
  world.run_for(seconds(4));
  expect_clean();
}

// [RFC6026 7.2] Timer M: every repeat of the 2xx reaches the caller for 64*T1, and is no stray
TEST_P(Timers, M) {
  begin("INVITE");
  bob_says("200 OK");
  for (int i = 0; i < 3; ++i) {
    world.run_for(seconds(10));
    bob_says("200 OK");
  }
  EXPECT_EQ(alice.count("SIP/2.0 200"), 4u);
  world.run_for(seconds(4));
  bob_says("200 OK");
  EXPECT_EQ(alice.count("SIP/2.0 200"), 4u);
  expect_clean();
}

// [RFC3261 17.2.1, RFC3261 16.2] 100 within 200 ms when nothing else was said
TEST_P(Timers, Trying) {
  request = alice.draft().text();
  alice.send(request);
  world.run_for(milliseconds(210));
  ASSERT_EQ(alice.count("SIP/2.0 100"), 1u);
  EXPECT_EQ(alice.received().size(), 1u);
  alice.send(request);
  world.run_for(milliseconds(10));
  EXPECT_EQ(alice.count("SIP/2.0 100"), 2u) << "the latest provisional answers a repeat";
  bob_says("180 Ringing");
  alice.send(request);
  world.run_for(milliseconds(10));
  EXPECT_EQ(alice.count("SIP/2.0 180"), 2u);
  EXPECT_EQ(bob.count("INVITE"), 1u);
}

}  // namespace
}  // namespace bellhop::scenario
