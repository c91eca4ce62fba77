#include "guard/guard.hpp"

#include <gtest/gtest.h>

namespace bellhop::guard {
namespace {

const TimePoint start{seconds(1'700'000'000)};
const IpAddress stranger = *IpAddress::parse("192.0.2.7");

struct GuardTest : testing::Test {
  Rules rules;
  observe::Metrics metrics;
  Guard guard{metrics, 1};
};

// [RT-02] The 17th request within a sliding 2 s is dropped and starts a ban of 300 s
TEST_F(GuardTest, SeventeenthRequestInTwoSecondsStartsABanThatEndsByItself) {
  for (int i = 0; i < 16; ++i) ASSERT_EQ(guard.judge(stranger, rules, start + i * milliseconds(100)), Verdict::pass);
  EXPECT_EQ(guard.judge(stranger, rules, start + milliseconds(1999)), Verdict::flooded);
  EXPECT_EQ(guard.judge(stranger, rules, start + seconds(290)), Verdict::banned);
  EXPECT_EQ(guard.look(stranger, rules, start + seconds(290)), Verdict::banned);
  EXPECT_EQ(guard.judge(stranger, rules, start + seconds(310)), Verdict::pass);
}

// [RT-02] The window slides: 16 requests every 2 s are never a flood
TEST_F(GuardTest, SteadyRateAtTheLimitPasses) {
  for (int i = 0; i < 500; ++i) ASSERT_EQ(guard.judge(stranger, rules, start + i * milliseconds(125)), Verdict::pass) << i;
}

// [RT-02] Sources do not share a count; an IPv6 /64 is one source
TEST_F(GuardTest, AnIpv6NetworkOfSixtyFourBitsIsOneSource) {
  for (int i = 0; i < 16; ++i)
    ASSERT_EQ(guard.judge(*IpAddress::parse("2001:db8::" + std::to_string(i + 1)), rules, start), Verdict::pass);
  EXPECT_EQ(guard.judge(*IpAddress::parse("2001:db8::ffff"), rules, start), Verdict::flooded);
  EXPECT_EQ(guard.judge(*IpAddress::parse("2001:db8:0:1::1"), rules, start), Verdict::pass);
  EXPECT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
}

// [CGP-45] Denied addresses are dropped without processing
TEST_F(GuardTest, ExemptNetworksAreNotJudgedAndDeniedOnesNeverPass) {
  rules.exempt = {*Network::parse("192.0.2.0/24")};
  rules.denied = {*Network::parse("198.51.100.0/24")};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
  EXPECT_EQ(guard.judge(*IpAddress::parse("198.51.100.3"), rules, start), Verdict::denied);
  EXPECT_EQ(guard.look(*IpAddress::parse("198.51.100.3"), rules, start), Verdict::denied);
}

TEST_F(GuardTest, AuthenticatedRequestClearsTheScore) {
  for (int i = 0; i < 16; ++i) ASSERT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
  guard.clear(stranger);
  EXPECT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
}

TEST_F(GuardTest, BansCanBeSeenAndEnded) {
  for (int i = 0; i < 17; ++i) (void)guard.judge(stranger, rules, start);
  ASSERT_EQ(guard.bans(start).size(), 1u);
  EXPECT_EQ(guard.bans(start)[0].until, start + seconds(300));
  EXPECT_TRUE(guard.unban(stranger));
  EXPECT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
}

// A storm of spoofed sources costs bounded memory and does not end the count of new ones.
TEST_F(GuardTest, ManySourcesDoNotGrowWithoutBound) {
  for (std::uint32_t i = 0; i < 600'000; ++i) {
    const auto octet = [&](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    ASSERT_EQ(guard.judge(IpAddress::v4({11, octet(16), octet(8), octet(0)}), rules, start), Verdict::pass);
  }
  for (int i = 0; i < 16; ++i) ASSERT_EQ(guard.judge(stranger, rules, start), Verdict::pass);
  EXPECT_EQ(guard.judge(stranger, rules, start), Verdict::flooded);
}

}  // namespace
}  // namespace bellhop::guard
