// Session flows of RFC 3665 section 3 that need more than one proxy, a redirect server or a second INVITE; the others
// are in call_test.cpp.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Session : public InEveryWeather {
 protected:
  [[nodiscard]] World::Options atlanta(std::string_view more = {}) const {
    auto o = options(World::default_config(more, {}, "atlanta.test", "127.0.0.1:5060"));
    o.domain = "atlanta.test";
    return o;
  }
  /// The second server: it lets other domains call its users.
  [[nodiscard]] World::Options biloxi(World& first, std::string_view address = "127.0.1.1:5060",
                                      std::string_view lines = {}) const {
    auto o = options(
        World::default_config({}, fmt::format("authenticate = \"register\"\n{}", lines), "biloxi.test", address));
    o.domain = "biloxi.test";
    o.address = address;
    o.beside = &first;
    return o;
  }
};
INSTANTIATE_TEST_SUITE_P(Weather, Session, testing::ValuesIn(weathers()), weather_name);

// [RFC3665 3.1, RFC3665 3.2, MSG-25, RFC3261 16.12] Session through two proxies: both stay in the path, and either end
// can hang up
TEST_P(Session, ThroughTwoProxies) {
  World atlanta_world(atlanta());
  World biloxi_world(biloxi(atlanta_world));
  Phone alice(atlanta_world, "alice", "127.0.0.2:5060"), bob(biloxi_world, "bob", "127.0.0.3:5060");
  alice.register_contact();
  bob.register_contact();
  atlanta_world.run_for(seconds(40));
  alice.call("sip:bob@biloxi.test");
  atlanta_world.run_for(seconds(70));
  ASSERT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_GE(bob.count_requests("ACK"), 1u);
  EXPECT_THAT(bob.last_request("ACK"), Not(HasSubstr("\r\nRoute:"))) << "both proxies took their Route off";
  bob.hang_up();
  atlanta_world.run_for(seconds(70));
  EXPECT_EQ(bob.last_status("BYE"), 200);
  EXPECT_EQ(alice.count_requests("BYE"), 1u);
  expect_empty(atlanta_world);
  expect_empty(biloxi_world);
}

// [RFC3665 3.3] Two challenges on the way, by the proxy and by the callee's side: each reaches the caller, each is
// answered
TEST_P(Session, WithTwoChallenges) {
  World world(options());
  Phone alice(world, "alice", "127.0.0.2:5060"), bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(40));
  bob.script.challenge = "Digest realm=\"phone.bob\", nonce=\"n\", algorithm=MD5";
  alice.call("sip:bob@example.test");
  world.run_for(seconds(70));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_THAT(alice.responses(), Contains("407 INVITE"));
  EXPECT_THAT(alice.responses(), Contains("401 INVITE"));
  EXPECT_THAT(bob.last_request("INVITE"), HasSubstr("realm=\"phone.bob\""));
  EXPECT_THAT(bob.last_request("INVITE"), Not(HasSubstr("realm=\"example.test\"")))
      << "the credentials for the proxy stay with it";
}

// [RFC3665 3.4, RFC3263 4.3] The first address of the next proxy is dead: the second is tried after Timer B
TEST_P(Session, WithAProxyThatFailed) {
  World atlanta_world(atlanta("[sip]\ntimer_b = \"4s\"\n"));
  atlanta_world.net().add_host("biloxi.test", *IpAddress::parse("127.0.1.9"));
  atlanta_world.net().set_silent(*IpAddress::parse("127.0.1.9"), true);
  World biloxi_world(biloxi(atlanta_world));
  Phone alice(atlanta_world, "alice", "127.0.0.2:5060"), bob(biloxi_world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  atlanta_world.run_for(seconds(40));
  alice.call("sip:bob@biloxi.test");
  atlanta_world.run_for(seconds(3));
  EXPECT_EQ(bob.count_requests("INVITE"), 0u);
  atlanta_world.run_for(seconds(70));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  alice.hang_up();
  atlanta_world.run_for(seconds(70));
  expect_empty(atlanta_world);
  expect_empty(biloxi_world);
}

// [RFC3665 3.5, CGP-52] All foreign calls leave through another proxy (an application level gateway)
TEST_P(Session, ThroughAnotherProxyForAllForeignCalls) {
  World atlanta_world(atlanta("[sip]\nrelay_via = \"127.0.1.1\"\n"));
  World biloxi_world(biloxi(atlanta_world));
  Phone alice(atlanta_world, "alice", "127.0.0.2:5060"), bob(biloxi_world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  atlanta_world.net().add_host("unreachable.test", *IpAddress::parse("127.0.1.9"));
  atlanta_world.run_for(seconds(40));
  alice.call("sip:bob@biloxi.test");
  atlanta_world.run_for(seconds(70));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_THAT(bob.last_request("INVITE"), HasSubstr("INVITE sip:bob@127.0.0.3:5060"));
}

// [RFC3665 3.6, ARCH-12] A redirect server tells where the callee is; the caller goes there, its session description in
// the ACK
TEST_P(Session, RedirectedWithTheSessionInTheAck) {
  World atlanta_world(atlanta());
  World biloxi_world(biloxi(atlanta_world, "127.0.1.1:5060", "mode = \"redirect\"\n"));
  Phone alice(atlanta_world, "alice", "127.0.0.2:5060"), bob(biloxi_world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  atlanta_world.run_for(seconds(40));
  alice.call("sip:bob@biloxi.test");
  atlanta_world.run_for(seconds(70));
  ASSERT_EQ(alice.last_status("INVITE"), 302);
  EXPECT_THAT(alice.last_response("INVITE"), HasSubstr("Contact: <sip:bob@127.0.0.3:5060>"));
  alice.script.ack_body = "v=0\r\n";
  alice.send("INVITE", "sip:bob@127.0.0.3:5060", "Contact: <sip:alice@127.0.0.2:5060>\r\n");
  atlanta_world.run_for(seconds(70));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_THAT(bob.last_request("ACK"), HasSubstr("\r\n\r\nv=0\r\n"));
  expect_empty(biloxi_world);
}

// [RFC3665 3.7] Re-INVITE within the session: along the route set, not challenged again
TEST_P(Session, WithReInvite) {
  World world(options());
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(40));
  ASSERT_EQ(phones.alice.last_status("INVITE"), 200);
  phones.alice.forget();
  phones.alice.in_dialog("INVITE");
  world.run_for(seconds(40));
  EXPECT_EQ(phones.alice.last_status("INVITE"), 200);
  EXPECT_THAT(phones.alice.responses(), Not(Contains("407 INVITE")));
  EXPECT_EQ(phones.bob.count_requests("INVITE"), 2u);
  phones.bob.in_dialog("INVITE");
  world.run_for(seconds(40));
  EXPECT_EQ(phones.bob.last_status("INVITE"), 200);
  phones.alice.hang_up();
  world.run_for(seconds(70));
  EXPECT_EQ(phones.alice.last_status("BYE"), 200);
  expect_empty(world);
}

}  // namespace
}  // namespace bellhop::scenario
