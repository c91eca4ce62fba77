#include "crypto/long_mac.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace bellhop::crypto {
namespace {

constexpr Key some_key{1, 2, 3}, another_key{1, 2, 4};

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 7 + size);
  return text;
}

// [threats 59] Every octet of a message counts, wherever it stands, and so does its length.
TEST(LongMac, DependsOnEveryOctet) {
  const LongMac mac(some_key);
  for (const std::size_t size : {1u, 7u, 8u, 15u, 16u, 17u, 700u, 1023u, 1024u, 1025u, 3000u}) {
    std::string text = text_of(size);
    std::set<std::uint64_t> seen{mac.of(text, 0), mac.of(text + '\0', 0), mac.of(text.substr(0, size - 1), 0)};
    EXPECT_EQ(mac.of(text, 0), LongMac(some_key).of(text, 0));
    for (char& octet : text) {
      octet ^= 0x40;
      seen.insert(mac.of(text, 0));
      octet ^= 0x40;
    }
    EXPECT_EQ(seen.size(), size + 3) << size;
  }
}

// [threats 59] Blocks do not change places unseen, nor do words.
TEST(LongMac, DependsOnTheOrder) {
  const LongMac mac(some_key);
  const std::string first(1024, 'a'), second(1024, 'b');
  EXPECT_NE(mac.of(first + second, 0), mac.of(second + first, 0));
  EXPECT_NE(mac.of("12345678abcdefgh", 0), mac.of("abcdefgh12345678", 0));
}

// [threats 59] Nor is it the same under another key, or with another number.
TEST(LongMac, DependsOnKeyAndNumber) {
  EXPECT_NE(LongMac(some_key).of("text", 1), LongMac(another_key).of("text", 1));
  EXPECT_NE(LongMac(some_key).of("text", 1), LongMac(some_key).of("text", 2));
  EXPECT_NE(LongMac(some_key).of("", 1), LongMac(some_key).of("", 2));
}

}  // namespace
}  // namespace bellhop::crypto
