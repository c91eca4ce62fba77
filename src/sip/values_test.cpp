#include "sip/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace bellhop::sip {
namespace {

// [RFC3261 20.16] a sequence number and a method
TEST(CSeqValue, HasNumberAndMethod) {
  EXPECT_EQ(parse_cseq("4711 INVITE")->number, 4711U);
  EXPECT_EQ(parse_cseq("4711 INVITE")->method, Method::invite);
  EXPECT_EQ(parse_cseq("0009\r\n  INVITE")->number, 9U);
  EXPECT_EQ(parse_cseq("1 invite")->method, Method::other) << "method names are case-sensitive";
  EXPECT_EQ(parse_cseq("139122385 !interesting-Method0123456789_*+`.%indeed'~")->method_text,
            "!interesting-Method0123456789_*+`.%indeed'~");
}

// [threats 26] 0 and 2^31-1 are valid, 2^31 and beyond are not
TEST(CSeqValue, NumberIsBelowTwoToThe31) {
  EXPECT_EQ(parse_cseq("0 ACK")->number, 0U);
  EXPECT_EQ(parse_cseq("2147483647 ACK")->number, 2147483647U);
  for (const char* text : {"2147483648 ACK", "4294967295 ACK", "4294967296 ACK", "36893488147419103232 ACK"})
    EXPECT_EQ(parse_cseq(text).error(), ValueError::out_of_range) << text;
  for (const char* text :
       {"-1 ACK", "+1 ACK", "abc ACK", "", "1", "1 ", "ACK", "1ACK", "1 ACK x", "1 A@K", "1,ACK", "0x1 ACK"})
    EXPECT_EQ(parse_cseq(text).error(), ValueError::malformed) << text;
}

// [threats 1] a method of 1,500 octets is only a long token
TEST(CSeqValue, TakesALongMethod) {
  EXPECT_EQ(parse_cseq("1 " + std::string(1500, 'A'))->method_text.size(), 1500U);
}

// [threats 27] Max-Forwards 0 to 255
TEST(Number, IsDigitsUpToALimit) {
  EXPECT_EQ(*parse_number("255", 255), 255U);
  EXPECT_EQ(*parse_number("0068", 255), 68U);
  EXPECT_EQ(*parse_number("4294967295", UINT32_MAX), 4294967295U);
  EXPECT_EQ(parse_number("256", 255).error(), ValueError::out_of_range);
  EXPECT_EQ(parse_number("4294967296", UINT32_MAX).error(), ValueError::out_of_range);
  EXPECT_EQ(parse_number("1" + std::string(100, '0'), UINT32_MAX).error(), ValueError::out_of_range);
  for (const char* text : {"", "-1", "+1", "abc", "1 ", " 1", "0x10", "1.5", "1,2"})
    EXPECT_EQ(parse_number(text, UINT32_MAX).error(), ValueError::malformed) << text;
}

// [RFC3261 25.1] qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
TEST(QValue, IsThousandths) {
  EXPECT_EQ(parse_q("0"), 0);
  EXPECT_EQ(parse_q("0."), 0);
  EXPECT_EQ(parse_q("0.5"), 500);
  EXPECT_EQ(parse_q("0.33"), 330);
  EXPECT_EQ(parse_q("0.001"), 1);
  EXPECT_EQ(parse_q("1"), 1000);
  EXPECT_EQ(parse_q("1.000"), 1000);
  for (const char* text : {"", ".5", "1.1", "1.001", "2", "-1", "0.0001", "0.5x", "0,5", "00.5"})
    EXPECT_EQ(parse_q(text), std::nullopt) << text;
}

// [RFC3261 25.1] What is written is read as the same q, without needless digits.
TEST(QValue, IsWrittenAsItIsRead) {
  constexpr std::string_view name = ";q=";
  for (std::uint16_t thousandths = 0; thousandths <= 1000; ++thousandths) {
    std::string written;
    append_q(written, thousandths);
    ASSERT_TRUE(written.starts_with(name));
    EXPECT_EQ(parse_q(written.substr(name.size())), thousandths) << written;
    EXPECT_TRUE(written.size() == name.size() + 1 || !written.ends_with('0')) << written;
  }
}

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> out;
  while (const auto element = next_in_list(list)) out.emplace_back(*element);
  return out;
}

// [RFC3261 7.3.1] commas separate values, but not in quotes and angle brackets
TEST(List, IsCutAtCommas) {
  using testing::ElementsAre;
  EXPECT_THAT(elements("a, b ,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(elements("\"a,\\\",b\" <sip:x,y@h>;q=1 , <sip:z>"),
              ElementsAre("\"a,\\\",b\" <sip:x,y@h>;q=1", "<sip:z>"));
  EXPECT_THAT(elements("a,\r\n b"), ElementsAre("a", "b"));
  EXPECT_THAT(elements(""), ElementsAre());
  EXPECT_THAT(elements("  "), ElementsAre());
  EXPECT_THAT(elements("a,,b,"), ElementsAre("a", "", "b"));
  EXPECT_THAT(elements("a,\"open, b"), ElementsAre("a", "\"open, b"));
  EXPECT_THAT(elements("a,<open, b"), ElementsAre("a", "<open, b"));
}

// [threats 21] 3,000 values are walked once
TEST(List, IsWalkedOnce) {
  std::string list;
  for (int i = 0; i < 3000; ++i) list += "text/plain,";
  EXPECT_EQ(elements(list).size(), 3000U);
}

// [RFC3261 20.32] option tags are compared without case
TEST(List, KnowsItsTokens) {
  EXPECT_TRUE(list_has_token("path, GRUU,outbound", "gruu"));
  EXPECT_FALSE(list_has_token("path, gruux", "gruu"));
  EXPECT_FALSE(list_has_token("", "gruu"));
}

// [RFC3261 25.1] token
TEST(Token, HasItsCharacters) {
  EXPECT_TRUE(is_token("aZ09-.!%*_+`'~"));
  for (const char* text : {"", "a b", "a@b", "a=b", "a/b", "a\"", "\xc3\xa4"}) EXPECT_FALSE(is_token(text)) << text;
}

// [RFC3261 25.1] quoted-string and quoted-pair
TEST(Quotes, GoThereAndBack) {
  EXPECT_EQ(unquote("\"a \\\"b\\\\\""), "a \"b\\");
  EXPECT_EQ(unquote("token"), "token");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(quote("a \"b\\"), "\"a \\\"b\\\\\"");
  EXPECT_EQ(unquote(quote("x\"\\\\y")), "x\"\\\\y");
}

// [RFC7616 3.4] the Authorization header field
TEST(AuthParameters, TakesDigestCredentials) {
  const auto a = parse_auth(
      "Digest username=\"Mufasa\", realm=\"http-auth@example.org\",\r\n uri=\"/dir/index.html\", algorithm=SHA-256,"
      " nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc = 00000001 ,cnonce=\"f2/wE4\",qop=auth, "
      "opaque=\"\"");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->scheme, "Digest");
  EXPECT_EQ(a->items.size(), 9U);
  EXPECT_EQ(a->value("USERNAME"), "Mufasa");
  EXPECT_TRUE(a->find("username")->quoted);
  EXPECT_EQ(a->value("nc"), "00000001");
  EXPECT_FALSE(a->find("nc")->quoted);
  EXPECT_EQ(a->value("opaque"), "");
  ASSERT_NE(a->find("opaque"), nullptr);
  EXPECT_EQ(a->find("response"), nullptr);
}

// [RFC4475 3.3.7] an unknown scheme is well formed
TEST(AuthParameters, TakesAnyScheme) {
  EXPECT_EQ(parse_auth("NoOneKnowsThisScheme opaque-data=here")->value("opaque-data"), "here");
}

// [threats 20] credentials cut after every octet are refused or shorter, never read beyond their end
TEST(AuthParameters, SurvivesACutAnywhere) {
  const std::string whole = "Digest username=\"a\\\"b\",realm=\"r\",nonce=\"n\",uri=\"sip:h\",response=\"00\"";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    const auto a = parse_auth(cut);
    if (!a) continue;
    EXPECT_EQ(cut.back(), '"') << cut;
    EXPECT_EQ(a->find("response"), nullptr) << cut;
  }
  EXPECT_TRUE(parse_auth(whole));
}

// [threats 20] broken credentials are refused
TEST(AuthParameters, RefusesBrokenValues) {
  for (const char* text : {"", "Digest", "Digest ", "Digest ,", "Digest a", "Digest a=", "Digest a=\"", "Digest =b",
                           "Digest a=b,", "Digest a=b,,c=d", "Digest a=b c=d", "Digest a=b;c=d", "Digest a=b, A=c",
                           "\"Digest\" a=b", "Digest a=sip:h", "Basic dXNlcjpwYXNz=="})
    EXPECT_EQ(parse_auth(text).error(), ValueError::malformed) << text;
  EXPECT_TRUE(parse_auth("Digest response=\"" + std::string(5000, '0') + "\""));
}

// [threats 20] no more than 32 parameters
TEST(AuthParameters, AreBounded) {
  std::string text = "Digest p0=v";
  for (int i = 1; i < 32; ++i) text += ",p" + std::to_string(i) + "=v";
  EXPECT_EQ(parse_auth(text)->items.size(), 32U);
  EXPECT_EQ(parse_auth(text + ",p32=v").error(), ValueError::too_many);
}

// The first element octet by octet: a comma counts outside quotes and angle brackets.
std::string_view first_in_list(std::string_view list) {
  std::size_t at = 0;
  for (; at < list.size() && list[at] != ','; ++at) {
    if (list[at] == '<') {
      at = std::min(list.find('>', at), list.size() - 1);
    } else if (list[at] == '"') {
      for (++at; at < list.size() && list[at] != '"'; ++at) at += list[at] == '\\' ? 1 : 0;
      if (at >= list.size()) at = list.size() - 1;
    }
  }
  return trim(list.substr(0, at));
}

TEST(List, IsCutWhereAWalkWouldCutIt) {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = "x";
    const std::string_view octets = random() % 2 == 0 ? "abcd,<>\"\\ " : "abcdefghijkl, ";
    for (std::size_t size = random() % 50; size != 0; --size) text += octets[random() % octets.size()];
    std::string_view rest = text;
    const auto first = next_in_list(rest);
    ASSERT_TRUE(first.has_value());
    ASSERT_EQ(*first, first_in_list(text)) << text;
  }
}

}  // namespace
}  // namespace bellhop::sip
