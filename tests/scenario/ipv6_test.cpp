// IPv6 from end to end, and calls between the families.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::HasSubstr;

struct Families {
  const char *caller, *callee;
  Transport transport;
};

class DualStack : public testing::TestWithParam<Families> {};
INSTANTIATE_TEST_SUITE_P(Families, DualStack,
                         testing::Values(Families{"[fd00::2]:5060", "[fd00::3]:5060", Transport::udp}, Families{"[fd00::2]:5060", "[fd00::3]:5060", Transport::tcp},
                                         Families{"127.0.0.2:5060", "[fd00::3]:5060", Transport::udp}, Families{"[fd00::2]:5060", "127.0.0.3:5060", Transport::udp},
                                         Families{"[fd00::2]:5060", "127.0.0.3:5060", Transport::tcp}));

// [RFC3261 16.6, KAM-01] Register, call, answer and hang up from either end over IPv6, and from one family to the other: each end has a
// Record-Route value it can reach, two where the families differ
TEST_P(DualStack, CallsAndHangsUp) {
  const Families families = GetParam();
  World world({.config = World::default_config(World::dual_stack())});
  Phone alice(world, "alice", families.caller, families.transport), bob(world, "bob", families.callee, families.transport);
  alice.register_contact();
  bob.register_contact();
  world.run_for(seconds(2));
  ASSERT_EQ(alice.last_status("REGISTER"), 200);
  ASSERT_EQ(bob.last_status("REGISTER"), 200);
  for (const bool by_caller : {true, false}) {
    alice.call("sip:bob@example.test");
    world.run_for(seconds(2));
    ASSERT_EQ(alice.last_status("INVITE"), 200);
    const std::string& invite = bob.last_request("INVITE");
    std::size_t values = 0;
    for (auto at = invite.find(";lr;bh="); at != std::string::npos; at = invite.find(";lr;bh=", at + 1)) ++values;
    const bool crosses = alice.endpoint().address.is_v6() != bob.endpoint().address.is_v6();
    const bool connected = families.transport == sip::Transport::tcp;  // each end's value has the flow to it
    EXPECT_EQ(values, crosses || connected ? 2u : 1u);
    EXPECT_THAT(invite, HasSubstr(bob.endpoint().address.is_v6() ? " [fd00::1]:5060;" : " 127.0.0.1:5060;"));
    (by_caller ? alice : bob).hang_up();
    world.run_for(seconds(2));
    EXPECT_EQ((by_caller ? alice : bob).last_status("BYE"), 200);
    EXPECT_EQ((by_caller ? bob : alice).count_requests("BYE"), 1u);
  }
  world.run_for(seconds(40));
  EXPECT_EQ(world.transactions(), 0u);
}

}  // namespace
}  // namespace bellhop::scenario
