#include "guard/guard.hpp"

#include <gtest/gtest.h>

namespace bellhop::guard {
namespace {

const TimePoint start{seconds(1'700'000'000)};
const IpAddress stranger = *IpAddress::parse("192.0.2.7");

struct GuardTest : testing::Test {
  Rules rules;
  observe::Log log{observe::null_sink()};
  observe::Metrics metrics;
  Guard guard{log, metrics, 1};

  Verdict ask(const IpAddress& source, TimePoint now, std::string_view octets = "OPTIONS sip:100@192.0.2.1 SIP/2.0") {
    return guard.judge(source, octets, rules, now);
  }
  void flood(const IpAddress& source, TimePoint now) {
    for (int i = 0; i < 17; ++i) (void)ask(source, now);
  }
  bool wrong_password(TimePoint now, bool forgeable = false) {
    return guard.count(Evidence::credentials, stranger, "REGISTER sip:alice@example.test: wrong password", forgeable,
                       rules, now);
  }
};

// [RT-02] The 17th request within a sliding 2 s is dropped and starts a ban of 300 s
TEST_F(GuardTest, SeventeenthRequestInTwoSecondsStartsABanThatEndsByItself) {
  for (int i = 0; i < 16; ++i) ASSERT_EQ(ask(stranger, start + i * milliseconds(100)), Verdict::pass);
  EXPECT_EQ(ask(stranger, start + milliseconds(1999)), Verdict::flooded);
  EXPECT_EQ(ask(stranger, start + seconds(290)), Verdict::banned);
  EXPECT_EQ(guard.look(stranger, rules, start + seconds(290)), Verdict::banned);
  EXPECT_EQ(ask(stranger, start + seconds(310)), Verdict::pass);
}

// [RT-02] The window slides: 16 requests every 2 s are never a flood
TEST_F(GuardTest, SteadyRateAtTheLimitPasses) {
  for (int i = 0; i < 500; ++i) ASSERT_EQ(ask(stranger, start + i * milliseconds(125)), Verdict::pass) << i;
}

// [RT-02] Sources do not share a count; an IPv6 /64 is one source
TEST_F(GuardTest, AnIpv6NetworkOfSixtyFourBitsIsOneSource) {
  for (int i = 0; i < 16; ++i)
    ASSERT_EQ(ask(*IpAddress::parse("2001:db8::" + std::to_string(i + 1)), start), Verdict::pass);
  EXPECT_EQ(ask(*IpAddress::parse("2001:db8::ffff"), start), Verdict::flooded);
  EXPECT_EQ(ask(*IpAddress::parse("2001:db8:0:1::1"), start), Verdict::pass);
  EXPECT_EQ(ask(stranger, start), Verdict::pass);
}

// [CGP-45] Denied addresses are dropped without processing
TEST_F(GuardTest, ExemptNetworksAreNotJudgedAndDeniedOnesNeverPass) {
  rules.exempt = {*Network::parse("192.0.2.0/24")};
  rules.denied = {*Network::parse("198.51.100.0/24")};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass);
  EXPECT_EQ(ask(*IpAddress::parse("198.51.100.3"), start), Verdict::denied);
  EXPECT_EQ(guard.look(*IpAddress::parse("198.51.100.3"), rules, start), Verdict::denied);
}

TEST_F(GuardTest, AuthenticatedRequestClearsTheScore) {
  for (int i = 0; i < 16; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass);
  guard.authenticated(stranger, rules, start);
  EXPECT_EQ(ask(stranger, start), Verdict::pass);
}

// [RT-02] Who has authenticated is held to a larger budget and not banned: requests can be forged in its name
TEST_F(GuardTest, AKnownSourceIsThrottledAndNeverBanned) {
  guard.authenticated(stranger, rules, start);
  for (std::uint32_t i = 0; i < rules.known_requests; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass) << i;
  EXPECT_EQ(ask(stranger, start), Verdict::throttled);
  EXPECT_EQ(ask(stranger, start + rules.requests.window), Verdict::pass);
  EXPECT_TRUE(guard.bans(start).empty());
  // It becomes a stranger again when it has not authenticated for long.
  flood(stranger, start + rules.known_for);
  EXPECT_EQ(guard.bans(start + rules.known_for).size(), 1u);
}

// [PAR-07] Peers have the budget of those who are known without ever authenticating
TEST_F(GuardTest, ATrustedPeerIsJudgedByTheLargerBudget) {
  rules.trusted = {*Network::parse("192.0.2.0/24")};
  for (std::uint32_t i = 0; i < rules.known_requests; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass);
  EXPECT_EQ(ask(stranger, start), Verdict::throttled);
}

// [RT-02] All strangers of a /24 share a budget: above it the excess is dropped, nobody is banned, the known go on
TEST_F(GuardTest, ManyStrangersOfOneNetworkShareABudget) {
  const IpAddress phone = *IpAddress::parse("198.51.100.200");
  guard.authenticated(phone, rules, start);
  const auto neighbour = [](int i) { return *IpAddress::parse("198.51.100." + std::to_string(i % 100)); };
  for (int i = 0; i < 400; ++i) ASSERT_EQ(ask(neighbour(i), start), Verdict::pass) << i;
  EXPECT_EQ(ask(neighbour(101), start), Verdict::throttled);
  EXPECT_EQ(ask(phone, start), Verdict::pass);
  EXPECT_EQ(ask(stranger, start), Verdict::pass);
  EXPECT_TRUE(guard.bans(start).empty());
  EXPECT_EQ(ask(neighbour(101), start + rules.requests.window), Verdict::pass);
}

// [CGP-46] One malformed packet more than the limit bans its source until the ban ends by itself
TEST_F(GuardTest, MalformedPacketsBeyondTheLimitBan) {
  const auto malformed = [&](TimePoint now) {
    return guard.count(Evidence::malformed, stranger, "no colon: INVITE", true, rules, now);
  };
  for (int i = 0; i < 20; ++i) ASSERT_FALSE(malformed(start));
  EXPECT_TRUE(malformed(start + seconds(59)));
  EXPECT_EQ(ask(stranger, start + seconds(60)), Verdict::banned);
  ASSERT_EQ(guard.bans(start + seconds(60)).size(), 1u);
  EXPECT_EQ(guard.bans(start + seconds(60))[0].text, "21 in 60 s, the last: no colon: INVITE");
  EXPECT_EQ(ask(stranger, start + seconds(59 + 300)), Verdict::pass);
}

// [CGP-47] Wrong credentials ban beyond their limit; right ones clear the score
TEST_F(GuardTest, WrongCredentialsBeyondTheLimitBanAndRightOnesForgive) {
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) ASSERT_FALSE(wrong_password(start));
    guard.authenticated(stranger, rules, start);
  }
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(wrong_password(start));
  EXPECT_TRUE(wrong_password(start));
  EXPECT_EQ(ask(stranger, start), Verdict::banned) << "known or not: who answers our challenge is who it says";
}

// What anybody could have sent in its name does not ban a source that is known.
TEST_F(GuardTest, ForgeableEvidenceDoesNotBanAKnownSource) {
  guard.authenticated(stranger, rules, start);
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(wrong_password(start, /*forgeable=*/true));
    ASSERT_FALSE(guard.count(Evidence::malformed, stranger, "x", true, rules, start));
    ASSERT_FALSE(guard.count(Evidence::scanner, stranger, "x", true, rules, start));
  }
  EXPECT_TRUE(guard.count(Evidence::scanner, stranger, "friendly-scanner", false, rules, start));
}

// [RT-03] The name of a scanner is enough
TEST_F(GuardTest, AScannerIsBannedAtOnce) {
  EXPECT_TRUE(guard.count(Evidence::scanner, stranger, "User-Agent: friendly-scanner", true, rules, start));
  EXPECT_EQ(guard.look(stranger, rules, start), Verdict::banned);
}

// A shadow reports what a rule would do, and drops nothing.
TEST_F(GuardTest, AShadowOnlyReports) {
  rules.shadow = true;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass);
  for (int i = 0; i < 100; ++i) ASSERT_FALSE(wrong_password(start));
  EXPECT_EQ(guard.look(stranger, rules, start), Verdict::pass);
  ASSERT_EQ(guard.bans(start).size(), 1u);
  EXPECT_TRUE(guard.bans(start)[0].shadow);
  rules.shadow = false;  // the rule is put in force: the shadow becomes no ban, and no protection from one
  EXPECT_EQ(ask(stranger, start + seconds(10)), Verdict::pass);
  flood(stranger, start + seconds(10));
  EXPECT_EQ(ask(stranger, start + seconds(10)), Verdict::banned);
}

// A peer carries what others say, over connections too: it is never banned for it.
TEST_F(GuardTest, ATrustedPeerIsNeverBanned) {
  rules.trusted = {*Network::parse("192.0.2.0/24")};
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(guard.count(Evidence::scanner, stranger, "friendly-scanner", false, rules, start));
    ASSERT_FALSE(wrong_password(start));
  }
}

// [CGP-47, threats 64] Who has an account does not buy guesses at other names with it
TEST_F(GuardTest, ASuccessForgivesFailuresOfItsOwnNameOnly) {
  const auto fails_as = [&](std::uint64_t name) {
    return guard.count(Evidence::credentials, stranger, "", false, rules, start, name);
  };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) ASSERT_FALSE(fails_as(7)) << "a user who mistypes";
    guard.authenticated(stranger, rules, start, 7);
  }
  for (int i = 0; i < 9; ++i) ASSERT_FALSE(fails_as(8));
  ASSERT_FALSE(fails_as(7));
  guard.authenticated(stranger, rules, start, 7);
  EXPECT_TRUE(fails_as(8));
}

// [CGP-48] Bans are listed with their evidence, count what they drop, and can be ended
TEST_F(GuardTest, BansCanBeSeenAndEnded) {
  flood(stranger, start);
  ASSERT_EQ(ask(stranger, start), Verdict::banned);
  ASSERT_EQ(guard.bans(start).size(), 1u);
  const Ban ban = guard.bans(start)[0];
  EXPECT_EQ(ban.until, start + seconds(300));
  EXPECT_EQ(ban.rule, Evidence::requests);
  EXPECT_EQ(ban.text, "17 requests in 2000 ms, the last: OPTIONS sip:100@192.0.2.1 SIP/2.0");
  EXPECT_EQ(ban.dropped, 2u);
  EXPECT_TRUE(guard.unban(stranger));
  EXPECT_FALSE(guard.unban(stranger));
  EXPECT_EQ(ask(stranger, start), Verdict::pass);
}

// [CGP-45] The operator bans and exempts networks while the server runs, for a time or for good
TEST_F(GuardTest, OrdersOutweighTheRulesAndEnd) {
  rules.exempt = {*Network::parse("192.0.2.0/24")};
  guard.give({*Network::parse("192.0.2.7"), false, start + seconds(10), "calls at night"}, start);
  EXPECT_EQ(ask(stranger, start), Verdict::denied);
  EXPECT_EQ(ask(stranger, start + seconds(10)), Verdict::pass);
  guard.give({*Network::parse("192.0.0.0/16"), true, never, "our office"}, start);
  rules.exempt.clear();
  EXPECT_FALSE(guard.judges(stranger, rules, start + seconds(20)));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(stranger, start + seconds(20)), Verdict::pass);
  EXPECT_EQ(guard.orders(start + seconds(20)).size(), 1u);
  EXPECT_TRUE(guard.take_back(*Network::parse("192.0.0.0/16"), true));
  EXPECT_TRUE(guard.judges(stranger, rules, start + seconds(20)));
  flood(stranger, start + seconds(20));
  EXPECT_EQ(ask(stranger, start + seconds(20)), Verdict::banned);
}

// [RT-02] Bans survive a restart with their evidence and their end
TEST_F(GuardTest, BansAndOrdersAreRestored) {
  flood(stranger, start);
  guard.give({*Network::parse("198.51.100.0/24"), false, never, "fraud"}, start);
  Guard next(log, metrics, 2);
  next.restore(guard.bans(start), guard.orders(start), start);
  EXPECT_EQ(next.look(stranger, rules, start + seconds(299)), Verdict::banned);
  EXPECT_EQ(next.look(stranger, rules, start + seconds(300)), Verdict::pass);
  EXPECT_EQ(next.look(*IpAddress::parse("198.51.100.9"), rules, start), Verdict::denied);
}

// What stands for and against one source, and whom another limit would have banned.
TEST_F(GuardTest, StandingAndDryRun) {
  for (int i = 0; i < 9; ++i) (void)ask(stranger, start + i * milliseconds(10));
  EXPECT_EQ(guard.standing(stranger, rules, start + seconds(1)).counts[0], 9u);
  EXPECT_EQ(guard.standing(stranger, rules, start + seconds(3)).counts[0], 0u);
  const auto found = guard.would_ban(Evidence::requests, {8, seconds(2)}, start + seconds(10));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].source, stranger);
  EXPECT_EQ(found[0].most, 9u);
  EXPECT_TRUE(guard.would_ban(Evidence::requests, {9, seconds(2)}, start).empty());
  EXPECT_TRUE(guard.would_ban(Evidence::requests, {8, milliseconds(50)}, start).empty());
}

// A storm of spoofed sources costs bounded memory and does not end the count of new ones.
TEST_F(GuardTest, ManySourcesDoNotGrowWithoutBound) {
  rules.network_requests = 0;
  const IpAddress phone = *IpAddress::parse("203.0.113.9");
  guard.authenticated(phone, rules, start);
  for (std::uint32_t i = 0; i < 600'000; ++i) {
    const auto octet = [&](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    ASSERT_EQ(ask(IpAddress::v4({11, octet(16), octet(8), octet(0)}), start), Verdict::pass);
  }
  for (int i = 0; i < 16; ++i) ASSERT_EQ(ask(stranger, start), Verdict::pass);
  EXPECT_EQ(ask(stranger, start), Verdict::flooded);
  EXPECT_GT(guard.standing(phone, rules, start).known_until, start) << "who is known is not forgotten for it";
}

}  // namespace
}  // namespace bellhop::guard
