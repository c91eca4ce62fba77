// Calls through a whole server: success, refusal, no answer, cancelling, forking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Call : public InEveryWeather {
 protected:
  void settle(World& world) { world.run_for(seconds(70)); }
};
INSTANTIATE_TEST_SUITE_P(Weather, Call, testing::ValuesIn(weathers()), weather_name);

// [RFC3665 3.2] Session established through a proxy, and ended by the caller
TEST_P(Call, IsAnsweredAndHungUp) {
  World world(options());
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  settle(world);
  ASSERT_EQ(phones.alice.last_status("INVITE"), 200);
  EXPECT_TRUE(phones.bob.in_call());
  EXPECT_GE(phones.bob.count_requests("ACK"), 1u);
  phones.alice.hang_up();
  settle(world);
  EXPECT_EQ(phones.alice.last_status("BYE"), 200);
  EXPECT_EQ(phones.bob.count_requests("BYE"), 1u);
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_EQ(world.forks(), 0u);
}

// [RFC3665 3.2] The messages of an answered call, in their order
TEST(CallArrows, OfAnAnsweredCallAreThoseOfTheStandardFlow) {
  World world({});
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  phones.alice.hang_up();
  world.run_for(seconds(2));
  EXPECT_THAT(world.arrows(),
              ElementsAre("alice -> INVITE", "alice <- 407 INVITE", "alice -> ACK", "alice -> INVITE",
                          "alice <- 100 INVITE", "bob <- INVITE", "bob -> 180 INVITE", "alice <- 180 INVITE",
                          "bob -> 200 INVITE", "alice <- 200 INVITE", "alice -> ACK", "bob <- ACK", "alice -> BYE",
                          "bob <- BYE", "bob -> 200 BYE", "alice <- 200 BYE"));
}

// [CGP-50] Record-Route keeps the server in the dialog: BYE from the callee passes it too
TEST_P(Call, IsHungUpByTheCallee) {
  World world(options());
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  settle(world);
  phones.bob.hang_up();
  settle(world);
  EXPECT_EQ(phones.bob.last_status("BYE"), 200);
  EXPECT_EQ(phones.alice.count_requests("BYE"), 1u);
}

// [RFC3665 3.8] Unsuccessful: no answer, the caller cancels
TEST_P(Call, IsCancelledWhileRinging) {
  World world(options());
  TwoPhones phones(world);
  phones.bob.script.answers = {{milliseconds(10), 180}};
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(10));
  phones.alice.cancel();
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 487);
  EXPECT_EQ(phones.bob.count_requests("CANCEL"), 1u);
  EXPECT_EQ(world.transactions(), 0u);
}

// [CGP-54] A callee that answers CANCEL but never the INVITE: the server gives the caller its 487
TEST_P(Call, CancelledCallEndsThoughTheCalleeNeverSends487) {
  World world(options());
  TwoPhones phones(world);
  phones.bob.script.answers = {{milliseconds(10), 180}};
  phones.bob.script.send_487 = false;
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(10));
  phones.alice.cancel();
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 487);
  settle(world);
  EXPECT_EQ(world.forks(), 0u);
}

// [RFC3665 3.9] Unsuccessful: busy
TEST_P(Call, ToABusyPhoneEndsWith486) {
  World world(options());
  TwoPhones phones(world);
  phones.bob.script.answers = {{milliseconds(10), 486}};
  phones.alice.call("sip:bob@example.test");
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 486);
  EXPECT_EQ(world.transactions(), 0u);
}

// [RFC3665 3.10] Unsuccessful: no response from the callee
TEST_P(Call, ToADeadPhoneEndsWith408AfterTimerB) {
  World world(options());
  TwoPhones phones(world);
  world.net().set_silent(*IpAddress::parse("127.0.0.3"), true);
  phones.alice.call("sip:bob@example.test");
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 408);
  EXPECT_EQ(world.transactions(), 0u);
}

// [RFC3665 3.11] Unsuccessful: temporarily unavailable
TEST_P(Call, ToAPhoneThatIsUnavailableEndsWith480) {
  World world(options());
  TwoPhones phones(world);
  phones.bob.script.answers = {{milliseconds(10), 480}};
  phones.alice.call("sip:bob@example.test");
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 480);
}

// [RT-11] A known user without a binding: 480; an unknown one: 404
TEST_P(Call, ToNobodyIs480OrTo404) {
  World world(options());
  Phone alice(world, "alice", "127.0.0.2:5060");
  alice.call("sip:dave@example.test");
  settle(world);
  EXPECT_EQ(alice.last_status("INVITE"), 480);
  alice.call("sip:nobody@example.test");
  settle(world);
  EXPECT_EQ(alice.last_status("INVITE"), 404);
}

// [RFC3261 16.7] Parallel fork: the first 200 wins and the other phone is cancelled
TEST_P(Call, RingsBothPhonesAndTheLoserIsCancelled) {
  World world(options());
  TwoPhones phones(world);
  Phone second(world, "bob", "127.0.0.4:5060");
  second.register_contact();
  world.run_for(seconds(40));
  second.script.answers = {{milliseconds(10), 180}};
  phones.bob.script.answers = {{milliseconds(10), 180}, {seconds(5), 200}};
  phones.alice.call("sip:bob@example.test");
  settle(world);
  EXPECT_EQ(phones.alice.last_status("INVITE"), 200);
  EXPECT_EQ(second.count_requests("CANCEL"), 1u);
  EXPECT_EQ(phones.bob.count_requests("CANCEL"), 0u);
  EXPECT_EQ(world.forks(), 0u);
}

// [RFC3261 16.6] Serial fork: the phone with the lower q rings only after the other one refused
TEST_P(Call, TriesTheSecondChoiceAfterTheFirstRefused) {
  World world(options());
  Phone alice(world, "alice", "127.0.0.2:5060");
  Phone first(world, "bob", "127.0.0.3:5060"), second(world, "bob", "127.0.0.4:5060");
  first.register_contact(3600, ";q=1.0");
  second.register_contact(3600, ";q=0.5");
  world.run_for(seconds(40));
  first.script.answers = {{seconds(3), 486}};
  alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  EXPECT_EQ(second.count_requests("INVITE"), 0u);
  settle(world);
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_EQ(second.count_requests("INVITE"), 1u);
}

// [RFC3261 16.7] A 6xx ends the search: nobody else is tried
TEST_P(Call, DeclinedEverywhereEndsTheSearch) {
  World world(options());
  Phone alice(world, "alice", "127.0.0.2:5060");
  Phone first(world, "bob", "127.0.0.3:5060"), second(world, "bob", "127.0.0.4:5060"),
      third(world, "bob", "127.0.0.5:5060");
  first.register_contact();
  second.register_contact();
  third.register_contact(3600, ";q=0.1");
  world.run_for(seconds(40));
  first.script.answers = {{seconds(3), 603}};
  second.script.answers = {{milliseconds(10), 180}};
  alice.call("sip:bob@example.test");
  settle(world);
  EXPECT_EQ(alice.last_status("INVITE"), 603);
  EXPECT_EQ(second.count_requests("CANCEL"), 1u);
  EXPECT_EQ(third.count_requests("INVITE"), 0u);
}

// [RFC3428] MESSAGE to a registered user
TEST_P(Call, MessageReachesThePhoneUnchanged) {
  World world(options());
  TwoPhones phones(world);
  phones.alice.send("MESSAGE", "sip:bob@example.test", "", "selam");
  settle(world);
  EXPECT_EQ(phones.alice.last_status("MESSAGE"), 200);
  EXPECT_THAT(phones.bob.last_request("MESSAGE"), HasSubstr("\r\n\r\nselam"));
  EXPECT_THAT(phones.bob.last_request("MESSAGE"), Not(HasSubstr("Proxy-Authorization")));
  EXPECT_THAT(phones.bob.last_request("MESSAGE"), HasSubstr("P-Asserted-Identity: <sip:alice@example.test>"));
}

// [threats 55] A stranger's INVITE to a local user is challenged and reaches no phone
TEST(Stranger, ReachesNobodyWithoutCredentials) {
  World world({});
  TwoPhones phones(world);
  phones.alice.password = "wrong";
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(40));
  EXPECT_EQ(phones.alice.last_status("INVITE"), 407);
  EXPECT_EQ(phones.bob.count_requests("INVITE"), 0u);
  EXPECT_EQ(world.transactions(), 0u);
}

}  // namespace
}  // namespace bellhop::scenario
