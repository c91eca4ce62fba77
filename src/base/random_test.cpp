#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace bellhop {
namespace {

// [house 1.2] A fixed seed gives a fixed history, another seed another.
TEST(Random, SeedDecidesEverything) {
  Random a(42), b(42), c(43);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    EXPECT_NE(value, c.next());
  }
}

// [house 1.2] Seed 0 is a seed like any other (xoshiro must never start from an all-zero state).
TEST(Random, SeedZeroIsNoTrap) {
  Random random(0);
  std::set<std::uint64_t> values;
  for (int i = 0; i < 100; ++i) values.insert(random.next());
  EXPECT_EQ(values.size(), 100u);
  EXPECT_FALSE(values.contains(0));
}

// [RFC2782] Weighted choice among targets needs a draw that is even over its range and stays below its bound.
TEST(Random, BelowIsEvenAndBounded) {
  Random random(1);
  std::array<int, 7> hits{};
  for (int i = 0; i < 70000; ++i) {
    const std::uint64_t value = random.below(7);
    ASSERT_LT(value, 7u);
    ++hits[value];
  }
  for (const int count : hits) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
}

// [house 1.2] Loss in the simulated network comes as often as asked.
TEST(Random, ChanceComesAsOftenAsAsked) {
  Random random(2);
  int hits = 0;
  for (int i = 0; i < 100000; ++i) {
    hits += random.chance(0.2);
    ASSERT_FALSE(random.chance(0));
    ASSERT_TRUE(random.chance(1));
  }
  EXPECT_NEAR(hits, 20000, 600);
}

// [house 1.2] The kernel's seeds differ.
TEST(Random, SystemSeedsDiffer) {
  EXPECT_NE(Random::seed_from_system(), Random::seed_from_system());
}

}  // namespace
}  // namespace bellhop
