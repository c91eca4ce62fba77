#include "auth/nonce_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace bellhop::auth {
namespace {

using Use = NonceTable::Use;

constexpr TimePoint start{seconds(1'700'000'000)};
constexpr Duration lifetime = seconds(300);

// [RFC7616 5.5] counts come in any order within 64 of the highest, each once
TEST(NonceTable, TakesEachCountOnceWithinTheWindow) {
  NonceTable table(100);
  const auto use = [&](std::uint32_t count) { return table.use(7, start, count, start, lifetime); };
  EXPECT_EQ(use(100), Use::first_time);
  EXPECT_EQ(use(100), Use::repeated);
  EXPECT_EQ(use(37), Use::first_time);
  EXPECT_EQ(use(36), Use::repeated) << "too far behind to tell";
  EXPECT_EQ(use(37), Use::repeated);
  EXPECT_EQ(use(163), Use::first_time);
  EXPECT_EQ(use(100), Use::repeated);
  EXPECT_EQ(use(101), Use::first_time);
  EXPECT_EQ(use(0xffffffff), Use::first_time);
  EXPECT_EQ(use(0xffffffff), Use::repeated);
  EXPECT_EQ(use(164), Use::repeated);
}

// [threats 59] a full table forgets the oldest nonce and everything unknown that is no younger
TEST(NonceTable, ForgetsTheOldestWhenFullAndSaysSo) {
  NonceTable table(2);
  const auto at = [](int i) { return start + seconds(i); };
  EXPECT_EQ(table.use(1, at(1), 1, at(10), lifetime), Use::first_time);
  EXPECT_EQ(table.use(2, at(2), 1, at(10), lifetime), Use::first_time);
  EXPECT_EQ(table.use(3, at(3), 1, at(10), lifetime), Use::first_time);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.use(1, at(1), 1, at(10), lifetime), Use::forgotten);
  EXPECT_EQ(table.use(1, at(1), 2, at(10), lifetime), Use::forgotten);
  EXPECT_EQ(table.use(4, at(1), 1, at(10), lifetime), Use::forgotten) << "never seen, but it cannot be told";
  EXPECT_EQ(table.use(2, at(2), 2, at(10), lifetime), Use::first_time);
}

// [RFC3261 17.2] a retransmission that no transaction absorbed is known again; another request with its count is not
TEST(NonceTable, KnowsTheVeryRequestThatUsedTheLatestCount) {
  NonceTable table(100);
  const auto use = [&](std::uint32_t count, std::uint64_t request) {
    return table.use(7, start, count, start, lifetime, request);
  };
  EXPECT_EQ(use(1, 111), Use::first_time);
  EXPECT_EQ(use(1, 111), Use::same_request);
  EXPECT_EQ(use(1, 222), Use::repeated);
  EXPECT_EQ(use(2, 222), Use::first_time);
  EXPECT_EQ(use(1, 111), Use::repeated) << "only of the latest count";
  EXPECT_EQ(use(2, 0), Use::repeated);
}

// [house 2] nonces that outlived their time leave with the next new one
TEST(NonceTable, DropsWhatIsTooOldAnyway) {
  NonceTable table(100);
  for (std::uint64_t key = 1; key <= 50; ++key) table.use(key, start, 1, start, lifetime);
  EXPECT_EQ(table.size(), 50U);
  const TimePoint later = start + lifetime + seconds(1);
  EXPECT_EQ(table.use(99, later, 1, later, lifetime), Use::first_time);
  EXPECT_EQ(table.size(), 1U);
}

// [threats 59] of shards that see the same credentials at the same time one lets them pass
TEST(NonceTable, LetsOneOfManyThreadsPass) {
  NonceTable table(10'000);
  std::atomic<int> passed = 0;
  std::vector<std::thread> shards;
  for (int i = 0; i < 4; ++i)
    shards.emplace_back([&] {
      for (std::uint64_t key = 1; key <= 1000; ++key)
        if (table.use(key << 12, start, 1, start, lifetime) == Use::first_time) ++passed;
    });
  for (auto& shard : shards) shard.join();
  EXPECT_EQ(passed, 1000);
}

}  // namespace
}  // namespace bellhop::auth
