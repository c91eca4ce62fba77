#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "stranger.hpp"
#include "world.hpp"

namespace bellhop::scenario {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Alice with what her account may, and Bob, who answers.
struct Trust : testing::Test {
  /// `rights` go into Alice's account, `more` behind everything.
  void open(std::string_view rights, std::string_view more = {}) {
    std::string config = World::default_config(more);
    const std::string_view password = "password = \"pw-alice\"\n";
    config.insert(config.find(password) + password.size(), rights);
    world.apply(config);
    for (Phone* phone : {&alice, &bob}) phone->register_contact();
    world.run_for(seconds(1));
  }
  int call(std::string_view uri) {
    alice.forget();
    alice.call(uri);
    world.run_for(seconds(2));
    return alice.last_status("INVITE");
  }
  void hang_up() {
    alice.hang_up();
    world.run_for(seconds(1));
  }
  World world{World::Options{}};
  Phone alice{world, "alice", "127.0.0.10:5060"};
  Phone bob{world, "bob", "127.0.0.11:5060"};
};

constexpr std::string_view abroad = R"(
[[alias]]
name = "0049123"
domain = "example.test"
target = "bob"
[[barring]]
name = "abroad"
numbers = ["00*", "+*"]
groups = ["international"]
)";

// [KAM-12, MOD-02] An account without the right gets 403, one of the group is put through
TEST_F(Trust, BarredNumbersNeedAGroup) {
  open("", abroad);
  EXPECT_EQ(call("sip:0049123@example.test"), 403);
  EXPECT_EQ(bob.count_requests("INVITE"), 0u);
  EXPECT_EQ(call("sip:bob@example.test"), 200);
  hang_up();
  open("groups = [\"International\"]\n", abroad);
  EXPECT_EQ(call("sip:0049123@example.test"), 200);
}

// [MOD-02] However the number is written, it is the same number
TEST_F(Trust, ABarredNumberCannotBeDisguised) {
  open("", abroad);
  for (const char* disguise : {"sip:0-049123@example.test", "sip:%30049123@example.test", "sip:(00)49123@example.test",
                               "sip:0-049123;isub=1@example.test", "sip:0-049123%25127.0.0.9@example.test"})
    EXPECT_EQ(call(disguise), 403) << disguise;
}

// [MOD-02] Messages are barred as calls are
TEST_F(Trust, MessagesAreBarredToo) {
  open("", abroad);
  alice.send("MESSAGE", "sip:0049123@example.test", {}, "hello");
  world.run_for(seconds(1));
  EXPECT_EQ(alice.last_status("MESSAGE"), 403);
}

// [KAM-40] Calls at once per account: one more is refused until another has ended
TEST_F(Trust, CallsAtOnceAreCapped) {
  open("", "[[cap]]\nname = \"one\"\ncalls = 1\n");
  Phone second(world, "alice", "127.0.0.12:5060");
  EXPECT_EQ(call("sip:bob@example.test"), 200);
  second.call("sip:bob@example.test");
  world.run_for(seconds(2));
  EXPECT_EQ(second.last_status("INVITE"), 403);
  hang_up();
  EXPECT_EQ(world.gauge("calls.limited"), 0);
  second.call("sip:bob@example.test");
  world.run_for(seconds(2));
  EXPECT_EQ(second.last_status("INVITE"), 200);
}

// [KAM-40] A call that the callee refuses, or ends, is no call under way any more
TEST_F(Trust, RefusedCallsAndThoseTheCalleeEndsAreNotCounted) {
  open("", "[[cap]]\nname = \"one\"\ncalls = 1\n");
  bob.script.answers = {{milliseconds(10), 486}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call("sip:bob@example.test"), 486);
  EXPECT_EQ(call("sip:nobody@example.test"), 404);
  bob.script.answers = {{milliseconds(10), 200}};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(call("sip:bob@example.test"), 200);
    bob.hang_up();
    world.run_for(seconds(1));
  }
  EXPECT_EQ(world.gauge("calls.limited"), 0);
}

// [KAM-40] Calls per hour to a prefix: what a stolen password can cost has a limit, and the reason is told
TEST_F(Trust, CallsPerHourToAPrefixAreCapped) {
  open("groups = [\"international\"]\n",
       std::string(abroad) + "[[cap]]\nname = \"fraud\"\nnumbers = [\"00*\"]\ncalls_per_hour = 2\n");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(call("sip:0049123@example.test"), 200);
    hang_up();
  }
  EXPECT_EQ(call("sip:0049123@example.test"), 403);
  EXPECT_THAT(world.log_lines(), testing::Contains(HasSubstr("rights cap used up fraud")));
  EXPECT_EQ(call("sip:bob@example.test"), 200) << "other numbers are not counted";
  hang_up();
  world.run_for(hours(1));
  for (Phone* phone : {&alice, &bob}) phone->register_contact();
  world.run_for(seconds(1));
  EXPECT_EQ(call("sip:0049123@example.test"), 200);
}

// [KAM-40] A goodbye that the other end does not know frees nothing
TEST_F(Trust, CapsAreNotFooledByTheCaller) {
  open("", "[[cap]]\nname = \"one\"\ncalls = 1\n");
  Stranger far(world, sip::Transport::udp);
  alice.call("sip:100@127.0.0.66:5066");
  world.run_for(milliseconds(100));
  far.send(answer_to(far.last("INVITE"), "200 OK"));
  world.run_for(milliseconds(100));
  ASSERT_TRUE(alice.in_call());
  EXPECT_EQ(world.gauge("calls.limited"), 1);
  const auto says_goodbye = [&](const char* status) {
    far.forget();
    alice.in_dialog("BYE");
    world.run_for(milliseconds(100));
    far.send(answer_to(far.last("BYE"), status));
    world.run_for(milliseconds(100));
    return world.gauge("calls.limited");
  };
  EXPECT_EQ(says_goodbye("481 Call/Transaction Does Not Exist"), 1);
  EXPECT_EQ(says_goodbye("200 OK"), 0);
}

// [KAM-40] Who shows his password only for being relayed is counted too, and his groups count
TEST_F(Trust, RelayedCallsAreCountedUnderTheAccountThatPays) {
  open("groups = [\"international\"]\n", std::string(abroad) + "[[cap]]\nname = \"one\"\ncalls_per_hour = 1\n");
  Stranger far(world, sip::Transport::udp, "127.0.0.9:5060");
  alice.domain = "elsewhere.test";
  alice.call("sip:0049123@127.0.0.9:5060");
  world.run_for(milliseconds(300));
  EXPECT_EQ(far.count("INVITE"), 1u);
  alice.call("sip:0049123@127.0.0.9:5060");
  world.run_for(milliseconds(300));
  EXPECT_EQ(alice.last_status("INVITE"), 403);
}

// [MOD-04] A callee's own list of callers it does not want to hear
TEST_F(Trust, TheCalleeBlocksCallers) {
  std::string config = World::default_config();
  const std::string_view password = "password = \"pw-bob\"\n";
  config.insert(config.find(password) + password.size(), "blocked = [\"alice@*\"]\n");
  world.apply(config);
  bob.register_contact();
  world.run_for(seconds(1));
  EXPECT_EQ(call("sip:bob@example.test"), 403);
  Phone carol(world, "carol", "127.0.0.13:5060");
  carol.call("sip:bob@example.test");
  world.run_for(seconds(2));
  EXPECT_EQ(carol.last_status("INVITE"), 200);
}

// [threats 58, MOD-02] A From of another user is refused, but for an address the account was given
TEST_F(Trust, AnAccountMayNameTheIdentitiesItWasGiven) {
  open("identities = [\"sales@example.test\"]\n");
  alice.from_user = "sales";
  EXPECT_EQ(call("sip:bob@example.test"), 200);
  hang_up();
  alice.from_user = "carol";
  EXPECT_EQ(call("sip:bob@example.test"), 403);
}

constexpr std::string_view gateway = "[[peer]]\nname = \"gateway\"\nnetworks = [\"127.0.0.66\"]\n";
constexpr std::string_view asserted =
    "P-Asserted-Identity: <sip:boss@example.test>\r\nRemote-Party-ID: <sip:boss@example.test>\r\n";

// [RFC3325 5] What one of our users asserts is taken out, and its own identity put in
TEST_F(Trust, NobodyAssertsAnotherIdentity) {
  open("");
  alice.call("sip:bob@example.test", asserted);
  world.run_for(seconds(2));
  const std::string invite = bob.last_request("INVITE");
  EXPECT_EQ(line_of(invite, "P-Asserted-Identity"), "P-Asserted-Identity: <sip:alice@example.test>");
  EXPECT_THAT(invite, Not(HasSubstr("Remote-Party-ID")));
}

// [RFC3325 5] What a peer asserts is believed, what a stranger asserts is not
TEST_F(Trust, APeerIsBelievedAndAStrangerIsNot) {
  open("", gateway);
  const auto heard_from = [&](const char* address) {
    Stranger who(world, sip::Transport::udp, address);
    Draft draft = who.draft("INVITE", "sip:bob@example.test");
    draft.set("P-Asserted-Identity", "<sip:boss@example.test>").set("Privacy", "none");
    (void)who.ask(draft, seconds(2));
    return bob.last_request("INVITE");
  };
  const std::string from_peer = heard_from("127.0.0.66:5066");
  EXPECT_EQ(line_of(from_peer, "P-Asserted-Identity"), "P-Asserted-Identity: <sip:boss@example.test>");
  EXPECT_EQ(line_of(from_peer, "Privacy"), "Privacy: none");
  world.apply(World::open_house(gateway));
  const std::string from_stranger = heard_from("127.0.0.67:5067");
  EXPECT_THAT(from_stranger, Not(HasSubstr("P-Asserted-Identity")));
  EXPECT_THAT(from_stranger, Not(HasSubstr("Privacy")));
}

// [RFC3325 7, RFC3323] Who wants privacy is known to peers only
TEST_F(Trust, AnIdentityToBeKeptPrivateIsToldToPeersOnly) {
  open("", gateway);
  alice.call("sip:bob@example.test", "Privacy: id\r\n");
  world.run_for(seconds(2));
  EXPECT_THAT(bob.last_request("INVITE"), Not(HasSubstr("P-Asserted-Identity")));
  alice.in_dialog("INFO", "Privacy: id\r\n");
  world.run_for(seconds(1));
  EXPECT_EQ(line_of(bob.last_request("INFO"), "Privacy"), "Privacy: id") << "she is no stranger in her own dialog";
  hang_up();

  Stranger peer(world, sip::Transport::udp);
  alice.call("sip:100@127.0.0.66:5066", "Privacy: id\r\n");
  world.run_for(milliseconds(300));
  const std::string invite = peer.last("INVITE");
  EXPECT_EQ(line_of(invite, "P-Asserted-Identity"), "P-Asserted-Identity: <sip:alice@example.test>");
  EXPECT_EQ(line_of(invite, "Privacy"), "Privacy: id");
}

// [RFC3325] Callees assert nothing either, unless they are peers
TEST_F(Trust, WhatACalleeAssertsIsTakenOut) {
  open("");
  bob.script.headers = std::string(asserted);
  alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_THAT(alice.last_response("INVITE"), Not(HasSubstr("boss@example.test")));
}

/// A house whose sockets are read too late.
struct Overload : Trust {
  int ask(std::string_view method, std::string_view uri, Duration delay) {
    world.set_queue_delay(delay);
    Stranger who(world, sip::Transport::udp, "127.0.0.70:" + std::to_string(next_port++));
    const int status = who.ask(who.draft(method, uri));
    last = who.received().empty() ? std::string() : who.received().front();
    world.set_queue_delay({});
    return status;
  }
  std::string last;
  int next_port = 5100;
};

// [CGP-36, threats 67] While requests wait too long new ones are refused, with a time to come back
TEST_F(Overload, NewRequestsAreRefusedWhileTheQueueIsLong) {
  open("");
  EXPECT_EQ(ask("INVITE", "sip:bob@example.test", milliseconds(99)), 407);
  EXPECT_EQ(ask("INVITE", "sip:bob@example.test", milliseconds(400)), 503);
  const std::string line = line_of(last, "Retry-After");
  ASSERT_THAT(line, HasSubstr("Retry-After: "));
  EXPECT_GE(std::stoi(line.substr(13)), 5);
  EXPECT_LE(std::stoi(line.substr(13)), 10);
  int refused = 0;
  for (int i = 0; i < 100; ++i) refused += ask("MESSAGE", "sip:bob@example.test", milliseconds(250)) == 503 ? 1 : 0;
  EXPECT_GT(refused, 25) << "half of them";
  EXPECT_LT(refused, 75);
}

// [CGP-36] A request that another shard owns has waited as long as one of our own
TEST(OverloadOfShards, TheWaitGoesWithTheMessage) {
  World world({.shards = 3, .config = {}});
  world.set_queue_delay(milliseconds(400));
  for (int i = 0; i < 20; ++i) {
    Stranger who(world, sip::Transport::udp, "127.0.0.70:" + std::to_string(5100 + i));
    EXPECT_EQ(who.ask(who.draft("INVITE", "sip:bob@example.test")), 503) << i;
  }
  EXPECT_GT(world.counter("shard.hops"), 5u);
}

// [CGP-36] Calls under way go on, and an emergency call comes through
TEST_F(Overload, CallsUnderWayAndEmergenciesGoOn) {
  open("");
  ASSERT_EQ(call("sip:bob@example.test"), 200);
  world.set_queue_delay(seconds(2));
  hang_up();
  EXPECT_EQ(alice.last_status("BYE"), 200);
  world.set_queue_delay({});
  EXPECT_EQ(ask("INVITE", "sip:112@example.test", seconds(2)), 407);
  EXPECT_EQ(ask("REGISTER", "sip:example.test", milliseconds(400)), 503) << "without credentials it is no refresh";
}

// [CGP-36] A refresh with its credentials goes before new calls
TEST_F(Overload, RefreshesGoBeforeNewCalls) {
  open("");
  const auto refresh = [&](Duration delay) {
    world.set_queue_delay(delay);
    Stranger phone(world, sip::Transport::udp, "127.0.0.71:" + std::to_string(next_port++));
    const int status = phone.ask(phone.draft("REGISTER", "sip:example.test")
                                     .set("Authorization",
                                          "Digest username=\"alice\", realm=\"example.test\", "
                                          "nonce=\"x\", uri=\"sip:example.test\", response=\"y\""),
                                 seconds(2));
    world.set_queue_delay({});
    return status;
  };
  EXPECT_EQ(refresh(milliseconds(400)), 401);
  EXPECT_EQ(refresh(milliseconds(700)), 503);
}

// [RFC7339 5.1, 5.2] A peer that listens hears in our Trying how much less it should send
TEST_F(Overload, APeerHearsHowMuchLessItShouldSend) {
  open("", gateway);
  const auto trying_at = [&](Duration delay) {
    world.set_queue_delay(delay);
    Stranger peer(world, sip::Transport::udp, "127.0.0.66:" + std::to_string(next_port++));
    Draft draft = peer.draft("INVITE", "sip:bob@example.test");
    const std::string via = line_of(draft.text(), "Via");
    draft.set("Via", via.substr(5) + ";oc;oc-algo=\"loss,rate\"");
    (void)peer.ask(draft);
    world.set_queue_delay({});
    return line_of(peer.received().front(), "Via");
  };
  EXPECT_THAT(trying_at({}), HasSubstr(";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq="));
  const std::string told = trying_at(milliseconds(130));
  EXPECT_THAT(told, HasSubstr(";oc=10;oc-algo=\"loss\";oc-validity=1000;oc-seq="));
  EXPECT_THAT(told, Not(HasSubstr(";oc;"))) << "in place of what it said itself";
}

// [RFC7339 5.3, 5.10] What a peer asks of us is obeyed: calls under way go on, new ones are refused by us
TEST_F(Overload, WeSpareAnOverloadedPeer) {
  open("", gateway);
  Stranger peer(world, sip::Transport::udp);
  alice.call("sip:100@127.0.0.66:5066");
  world.run_for(milliseconds(100));
  const std::string invite = peer.last("INVITE");
  EXPECT_THAT(line_of(invite, "Via"), HasSubstr(";oc;oc-algo=\"loss,rate\""));
  std::string busy = answer_to(invite, "486 Busy Here");
  const auto oc = busy.find(";oc;oc-algo=\"loss,rate\"");
  ASSERT_NE(oc, std::string::npos);
  busy.replace(oc, 23, ";oc=100;oc-algo=\"loss\";oc-validity=60000;oc-seq=1.1");
  peer.send(busy);
  world.run_for(seconds(1));
  EXPECT_EQ(alice.last_status("INVITE"), 486);
  peer.forget();
  EXPECT_EQ(call("sip:101@127.0.0.66:5066"), 500) << "a 503 of another server is no 503 of ours (RFC 3261 16.7)";
  EXPECT_EQ(peer.count("INVITE"), 0u);
  alice.forget();
  alice.call("sip:112@127.0.0.66:5066");
  world.run_for(seconds(1));
  EXPECT_EQ(peer.count("INVITE"), 2u) << "an emergency call is sent, and repeated: it is not answered";
}

}  // namespace
}  // namespace bellhop::scenario
