#include "dialog/calls.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bellhop::dialog {
namespace {

const TimePoint start{seconds(1'700'000'000)};

struct CallsTest : testing::Test {
  bool begin(std::uint64_t call, std::string_view account, std::span<const Limit> limits, TimePoint now) {
    return calls.begin(call, account, limits, now) == nullptr;
  }
  observe::Metrics metrics;
  Calls calls{metrics};
};

// [KAM-40] So many calls at once, and again when one has ended
TEST_F(CallsTest, CallsAtOnceAreCapped) {
  const std::array limits{Limit{"abroad", 2, 0}};
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
  EXPECT_TRUE(begin(3, "alice@a", limits, start));
  EXPECT_FALSE(begin(5, "alice@a", limits, start));
  EXPECT_TRUE(begin(7, "bob@a", limits, start));
  calls.end(1);
  calls.end(1);
  EXPECT_TRUE(begin(5, "alice@a", limits, start));
  EXPECT_FALSE(begin(9, "alice@a", limits, start));
}

// [KAM-40] So many calls within any hour, however short they were
TEST_F(CallsTest, CallsPerHourAreCappedInASlidingHour) {
  const std::array limits{Limit{"abroad", 0, 3}};
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(begin(2 * i + 1, "alice@a", limits, start + minutes(20) * static_cast<int>(i)));
    calls.end(2 * i + 1);
  }
  EXPECT_FALSE(begin(9, "alice@a", limits, start + minutes(59)));
  EXPECT_TRUE(begin(9, "alice@a", limits, start + minutes(60)));
  EXPECT_FALSE(begin(11, "alice@a", limits, start + minutes(61)));
}

TEST_F(CallsTest, ARefusedCallCountsUnderNoneOfTheLimits) {
  const std::array limits{Limit{"all", 0, 2}, Limit{"abroad", 1, 0}};
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
  const Limit* used_up = calls.begin(3, "alice@a", limits, start);
  ASSERT_NE(used_up, nullptr);
  EXPECT_EQ(used_up->name, "abroad");
  calls.end(1);
  EXPECT_TRUE(begin(3, "alice@a", limits, start)) << "the hour counts one so far";
}

// [KAM-40] Whoever uses one Call-ID and tag for all of its calls pays for each
TEST_F(CallsTest, CallsOfTheSameNameCountEach) {
  const std::array limits{Limit{"all", 2, 0}};
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
  EXPECT_FALSE(begin(1, "alice@a", limits, start));
  EXPECT_EQ(calls.size(), 2u);
  calls.end(1);
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
}

TEST_F(CallsTest, ACallThatNeverEndsIsForgottenAfterADay) {
  const std::array limits{Limit{"all", 1, 0}};
  EXPECT_TRUE(begin(1, "alice@a", limits, start));
  EXPECT_FALSE(begin(3, "alice@a", limits, start + hours(23)));
  EXPECT_TRUE(begin(3, "alice@a", limits, start + hours(25)));
  EXPECT_EQ(calls.size(), 1u);
}

TEST(CallName, TellsCallsAndCallersApart) {
  EXPECT_EQ(call_name("id", "tag", 7), call_name("id", "tag", 7));
  EXPECT_NE(call_name("id", "tag", 7), call_name("id", "gat", 7));
  EXPECT_NE(call_name("id", "tag", 7), call_name("di", "tag", 7));
}

}  // namespace
}  // namespace bellhop::dialog
