// The five registration flows of RFC 3665 section 2, against whole servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "location/table.hpp"
#include "phone.hpp"
#include "weather.hpp"

namespace bellhop::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Registration : public InEveryWeather {};
INSTANTIATE_TEST_SUITE_P(Weather, Registration, testing::ValuesIn(weathers()), weather_name);

// [RFC3665 2.1] New registration: 401, then 200 with the contact
TEST_P(Registration, NewPhoneIsChallengedAndThenRegistered) {
  World world(options());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact(3600);
  world.run_for(seconds(40));
  EXPECT_THAT(distinct(bob.responses()), ElementsAre("401 REGISTER", "200 REGISTER"));
  EXPECT_THAT(bob.last_response("REGISTER"), HasSubstr("<sip:bob@127.0.0.3:5060>"));
  EXPECT_THAT(bob.last_response("REGISTER"), HasSubstr("expires=3600"));
  EXPECT_EQ(world.table().bindings(), 1u);
}

// [RFC3665 2.2] Update of the contact list: a second contact joins the first
TEST_P(Registration, SecondContactJoinsTheFirst) {
  World world(options());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(40));
  bob.send_register("Contact: <mailto:bob@example.test>;q=0.1\r\nContact: <sip:bob@127.0.0.13:5060>;q=0.7\r\n");
  world.run_for(seconds(40));
  EXPECT_EQ(bob.last_status("REGISTER"), 200);
  EXPECT_GE(world.table().bindings(), 2u);
}

// [RFC3665 2.3] Request for the current contact list
TEST_P(Registration, QueryWithoutContactListsBindings) {
  World world(options());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(40));
  bob.send_register("");
  world.run_for(seconds(40));
  EXPECT_EQ(bob.last_status("REGISTER"), 200);
  EXPECT_THAT(bob.last_response("REGISTER"), HasSubstr("<sip:bob@127.0.0.3:5060>"));
  EXPECT_EQ(world.table().bindings(), 1u);
}

// [RFC3665 2.4] Cancellation of registration: Contact * with Expires 0 removes all
TEST_P(Registration, StarRemovesAllBindings) {
  World world(options());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(40));
  bob.send_register("Contact: *\r\nExpires: 0\r\n");
  world.run_for(seconds(40));
  EXPECT_EQ(bob.last_status("REGISTER"), 200);
  EXPECT_THAT(bob.last_response("REGISTER"), testing::Not(HasSubstr("Contact:")));
  EXPECT_EQ(world.table().bindings(), 0u);
}

// [RFC3665 2.5] Unsuccessful registration: a wrong password is challenged again and nothing is stored
TEST_P(Registration, WrongPasswordIsChallengedAgain) {
  World world(options());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.password = "guess";
  bob.register_contact();
  world.run_for(seconds(40));
  EXPECT_THAT(distinct(bob.responses()), ElementsAre("401 REGISTER"));
  EXPECT_EQ(world.table().bindings(), 0u);
}

}  // namespace
}  // namespace bellhop::scenario
