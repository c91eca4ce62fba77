#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace bellhop {
namespace {

// [house 5] Hash flooding needs a per-process seed: with another seed the same keys fall elsewhere.
TEST(Hash64, DependsOnTextAndSeed) {
  EXPECT_EQ(hash64("sip:alice@example.test", 1), hash64("sip:alice@example.test", 1));
  EXPECT_NE(hash64("sip:alice@example.test", 1), hash64("sip:alice@example.test", 2));
  EXPECT_NE(hash64("sip:alice@example.test", 1), hash64("sip:alicf@example.test", 1));
  EXPECT_NE(hash64("", 1), hash64(std::string_view("\0", 1), 1));
}

// [house 5] A 128-bit key stands for its text: short and long texts, and those that differ in one place, get their own.
TEST(Hash128, TextsGetKeysOfTheirOwn) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    const Hash128 key = hash128(text, 9);
    EXPECT_TRUE(keys.emplace(key.low, key.high).second) << i;
    EXPECT_EQ(hash128(text, 9), key);
    text += static_cast<char>('a' + i % 26);
  }
  EXPECT_FALSE(hash128("a", 1) == hash128("a", 2));
  EXPECT_EQ(HashOfHash128{}(Hash128{7, 8}), 7u);
}

}  // namespace
}  // namespace bellhop
