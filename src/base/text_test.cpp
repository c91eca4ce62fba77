#include "base/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop {
namespace {

// [RFC3261 7.3.1] Field names, parameter names and tokens are compared without case; only A-Z fold, by no locale.
TEST(Text, CaseIsFoldedForAsciiLettersOnly) {
  EXPECT_TRUE(equals_ignore_case("Call-ID", "cALL-id"));
  EXPECT_FALSE(equals_ignore_case("Call-ID", "Call-I"));
  EXPECT_FALSE(equals_ignore_case("[", "{"));
  EXPECT_FALSE(equals_ignore_case("@", "`"));
  EXPECT_FALSE(equals_ignore_case("\xC4", "\xE4"));
  EXPECT_TRUE(equals_ignore_case("", ""));
  EXPECT_EQ(to_lower("SIP:B\xC4R@Z[\x7f"), "sip:b\xC4r@z[\x7f");
}

TEST(Text, CaseIsFoldedForLettersAloneHoweverLongTheTextIs) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string a(size, 'x'), b(size, 'X');
        a[at] = static_cast<char>(octet);
        b[at] = static_cast<char>(octet ^ 0x20);
        const bool letter = (octet | 0x20) >= 'a' && (octet | 0x20) <= 'z';
        EXPECT_EQ(equals_ignore_case(a, b), letter) << size << ' ' << at << ' ' << octet;
        b[at] = a[at];
        EXPECT_TRUE(equals_ignore_case(a, b));
      }
    }
  }
}

// [RFC3261 19.1.1] The scheme is the case-insensitive beginning of a URI.
TEST(Text, PrefixIsComparedWithoutCase) {
  EXPECT_TRUE(starts_with_ignore_case("SIPS:a@b", "sips:"));
  EXPECT_TRUE(starts_with_ignore_case("sip:", "sip:"));
  EXPECT_FALSE(starts_with_ignore_case("si", "sip"));
  EXPECT_FALSE(starts_with_ignore_case("tel:1", "sip"));
}

// [RFC3261 7.3.1] White space around a field value is not part of it.
TEST(Text, TrimTakesWhiteSpaceFromBothEndsOnly) {
  EXPECT_EQ(trim(" \t\r\n a \t b\r\n"), "a \t b");
  EXPECT_EQ(trim(" \r\n\t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(std::string_view("\0a\v", 3)), std::string_view("\0a\v", 3));
}

// [threats 4] Numbers beyond their range are refused, never wrapped: 2^31, 2^32, 2^64 and negative ones.
TEST(ParseDecimal, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_decimal("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_decimal("18446744073709551620"), std::nullopt);
  EXPECT_EQ(parse_decimal("99999999999999999999999"), std::nullopt);
  EXPECT_EQ(parse_decimal("2147483647", 2147483647), 2147483647u);
  EXPECT_EQ(parse_decimal("2147483648", 2147483647), std::nullopt);
  EXPECT_EQ(parse_decimal("4294967300", 4294967295), std::nullopt);
  EXPECT_EQ(parse_decimal("000000000000000000000000000000255", 255), 255u);
}

// [threats 4] Hexadecimal, signed, empty and interrupted numbers are no numbers.
TEST(ParseDecimal, TakesDigitsOnly) {
  for (const std::string_view bad : {"", " 1", "1 ", "+1", "-1", "0x10", "1a", "1.0", "1e3", "\xD9\xA1"}) {
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_decimal(std::string_view("1\0", 2)), std::nullopt);
}

// [RFC7616 3.1.3] Hashes are written in lower-case hexadecimal, two digits an octet.
TEST(ToHex, WritesTwoLowerCaseDigitsAnOctet) {
  EXPECT_EQ(to_hex(std::string_view("\x00\x0f\xa5\xff", 4)), "000fa5ff");
  EXPECT_EQ(to_hex(""), "");
}

// [threats 31] What came from the network is quoted in a log line.
TEST(QuotedForLog, LeavesNothingThatCouldForgeALine) {
  EXPECT_EQ(quoted_for_log("alice"), "\"alice\"");
  EXPECT_EQ(quoted_for_log("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quoted_for_log(std::string_view("a\r\n\0\x1b[2J\x7f\xc3\xa4", 11)),
            "\"a\\x0d\\x0a\\x00\\x1b[2J\\x7f\\xc3\\xa4\"");
  EXPECT_EQ(quoted_for_log("' OR 1=1 --%s"), "\"' OR 1=1 --%s\"");
}

// [threats 31] A long text is cut and says so.
TEST(QuotedForLog, CutsLongTexts) {
  EXPECT_EQ(quoted_for_log("abcdef", 3), "\"abc\"...");
  EXPECT_EQ(quoted_for_log("abc", 3), "\"abc\"");
  EXPECT_LT(quoted_for_log(std::string(100000, 'x')).size(), 210u);
}

// [threats 31] Whatever stands where, however long the text is.
TEST(Text, OneOctetThatIsNotPlainIsEscapedAnywhere) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const auto& [octet, shown] :
           {std::pair{'\n', "\\x0a"}, {'"', "\\\""}, {'\\', "\\\\"}, {'\x7f', "\\x7f"}, {'\xc4', "\\xc4"}}) {
        std::string text(size, 'x'), expected = text;
        text[at] = octet;
        expected.replace(at, 1, shown);
        EXPECT_EQ(quoted_for_log(text), '"' + expected + '"');
      }
    }
  }
}

}  // namespace
}  // namespace bellhop
