#include "crypto/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <numeric>

namespace bellhop::crypto {
namespace {

Key counting_key() {
  Key key;
  std::iota(key.begin(), key.end(), static_cast<unsigned char>(0));
  return key;
}

// [house 3] Ids and Route tokens carry SipHash-2-4: the vectors of its reference implementation (key 00..0f).
TEST(ShortMac, IsSipHash24) {
  const std::string octets{"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 15};
  EXPECT_EQ(short_mac(counting_key(), ""), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(short_mac(counting_key(), octets), 0xa129ca6149be45e5ULL);
}

// [threats 57] A token made with one key is not valid under another, nor for another text.
TEST(ShortMac, DependsOnKeyAndText) {
  Key other = counting_key();
  other[15] ^= 1;
  EXPECT_NE(short_mac(counting_key(), "route"), short_mac(other, "route"));
  EXPECT_NE(short_mac(counting_key(), "route"), short_mac(counting_key(), "routf"));
}

// [house 3] Keys are drawn, not built in.
TEST(RandomKey, IsNewEachTime) {
  EXPECT_NE(random_key(), random_key());
}

// [RFC3261 25.1] A token in a tag or a branch may hold these characters without quoting.
TEST(Base32, IsThirteenLowerCaseAlphanumerics) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x0123456789abcdef}, UINT64_MAX}) {
    std::string text;
    append_base32(text, value);
    EXPECT_EQ(text.size(), 13u);
    EXPECT_THAT(text, testing::MatchesRegex("[0-9a-v]*"));
    EXPECT_EQ(parse_base32(text), value);
  }
}

// [house 3] Appending keeps what is there; two values have two texts.
TEST(Base32, AppendsAndIsUnique) {
  std::string text = "z9hG4bK";
  append_base32(text, 31);
  EXPECT_EQ(text, "z9hG4bK000000000000v");
  text.clear();
  append_base32(text, UINT64_MAX);
  EXPECT_EQ(text, "fvvvvvvvvvvvv");
}

// [RFC3261 7.3.1] Tokens are compared without case, so a peer may fold ours.
TEST(Base32, IsReadInAnyCase) {
  EXPECT_EQ(parse_base32("FVVVVVVVVVVVV"), UINT64_MAX);
  EXPECT_EQ(parse_base32("000000000000V"), 31u);
}

// [threats 57] What is not one of our tokens is refused: length, alphabet, overflow.
TEST(Base32, RefusesEverythingElse) {
  for (const std::string_view bad : {"", "0", "000000000000", "00000000000000", "000000000000w", "00000000000-0",
                                     "gvvvvvvvvvvvv", "vvvvvvvvvvvvv", "g000000000000"}) {
    EXPECT_EQ(parse_base32(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_base32(std::string_view("000000000000\0", 13)), std::nullopt);
}

// [threats 57] A stamped number is read with the key that made it, in any case, and not when a character was changed
TEST(StampedNumber, IsReadWithItsKeyOnly) {
  std::string text;
  append_stamped_number(text, counting_key(), 0x0123456789abcdef);
  ASSERT_EQ(text.size(), stamped_number_size);
  EXPECT_EQ(parse_stamped_number(text, counting_key()), 0x0123456789abcdefU);
  std::string folded = text;
  for (char& c : folded) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(parse_stamped_number(folded, counting_key()), 0x0123456789abcdefU);
  Key other = counting_key();
  other[0] ^= 1;
  EXPECT_EQ(parse_stamped_number(text, other), std::nullopt);
  for (const std::size_t at : {std::size_t{0}, std::size_t{12}, std::size_t{13}, std::size_t{25}}) {
    std::string changed = text;
    changed[at] = changed[at] == '1' ? '2' : '1';
    EXPECT_EQ(parse_stamped_number(changed, counting_key()), std::nullopt) << at;
  }
  EXPECT_EQ(parse_stamped_number(text + "0", counting_key()), std::nullopt);
}

}  // namespace
}  // namespace bellhop::crypto
