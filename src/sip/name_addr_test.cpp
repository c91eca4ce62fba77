#include <gtest/gtest.h>

#include <string>

#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

// [RFC3261 20.20] name-addr with header parameters
TEST(NameAddr, HasAllItsParts) {
  const auto a = parse_name_addr("\"A. G. Bell\" <sip:agb@bell-telephone.com;lr> ;tag=a48s;x=\"1;2\"");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->display_name, "\"A. G. Bell\"");
  EXPECT_TRUE(a->angle_brackets);
  EXPECT_EQ(a->uri.user, "agb");
  EXPECT_EQ(a->uri.parameters, "lr");
  EXPECT_EQ(a->parameters, "tag=a48s;x=\"1;2\"");
  EXPECT_EQ(a->tag(), "a48s");
}

// [RFC8217 3] without angle brackets, parameters belong to the header
TEST(NameAddr, BareUriLeavesParametersToTheHeader) {
  const auto a = parse_name_addr("sip:+12125551212@server.phone2net.com;tag=887s;transport=tcp");
  ASSERT_TRUE(a);
  EXPECT_FALSE(a->angle_brackets);
  EXPECT_EQ(a->uri.text, "sip:+12125551212@server.phone2net.com");
  EXPECT_EQ(a->uri.parameters, "");
  EXPECT_EQ(a->parameter("transport")->value, "tcp");
  EXPECT_EQ(a->tag(), "887s");
}

// [RFC4475 3.1.2.13] a URI with headers needs angle brackets
TEST(NameAddr, RefusesAQuestionMarkWithoutBrackets) {
  EXPECT_FALSE(parse_name_addr("sip:user@example.com?Route=%3Csip:sip.example.com%3E"));
  EXPECT_TRUE(parse_name_addr("<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"));
}

// [RFC3261 25.1] a display name of tokens; erratum 5598: no white space before the bracket
TEST(NameAddr, TakesTokensAsDisplayName) {
  EXPECT_EQ(parse_name_addr("caller<sip:caller@example.com>;tag=323")->display_name, "caller");
  EXPECT_EQ(parse_name_addr("token1~` token2'+_\r\n token3*%!.- <sip:mundane@example.com>")->display_name,
            "token1~` token2'+_\r\n token3*%!.-");
  EXPECT_EQ(parse_name_addr("T. Watson <sip:a@b>")->display_name, "T. Watson");
  EXPECT_EQ(parse_name_addr("<sip:a@b>")->display_name, "");
}

// [RFC4475 3.1.1.1] folds and blanks everywhere
TEST(NameAddr, AllowsWhiteSpaceBetweenAllParts) {
  const auto to = parse_name_addr("sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n");
  ASSERT_TRUE(to);
  EXPECT_EQ(to->tag(), "1918181833n");
  EXPECT_EQ(to->uri.host, "chair-dnrc.example.com");
  const auto from =
      parse_name_addr("\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8");
  ASSERT_TRUE(from);
  EXPECT_EQ(from->tag(), "98asjd8");
  EXPECT_EQ(unquote(from->display_name), "J Rosenberg \\\"");
}

// [RFC4475 3.1.1.2] quoted-pairs of BEL, NUL and DEL, UTF-8 in quotes, all token characters in names
TEST(NameAddr, TakesTheWideRangeOfValidCharacters) {
  using namespace std::string_view_literals;
  ASSERT_TRUE(parse_name_addr("\"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:a@b>"sv));
  const auto from =
      parse_name_addr("a <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_token~1'+`*%!-.");
  ASSERT_TRUE(from);
  EXPECT_EQ(from->tag(), "_token~1'+`*%!-.");
}

// [threats 23] UTF-8, valid or not, is opaque in a quoted string and refused outside
TEST(NameAddr, LeavesEightBitOctetsToQuotedStrings) {
  EXPECT_TRUE(parse_name_addr("\"\xc0\xaf\xff\" <sip:a@b>"));
  EXPECT_FALSE(parse_name_addr("\xd1\x8f <sip:a@b>"));
  EXPECT_FALSE(parse_name_addr("<sip:\xd1\x8f@b>"));
}

// [threats 22] control octets stand in quoted strings only behind a backslash
TEST(NameAddr, RefusesBareControlOctets) {
  EXPECT_FALSE(parse_name_addr(std::string_view("\"a\0b\" <sip:a@b>", 15)));
  EXPECT_FALSE(parse_name_addr("\"a\x7f\" <sip:a@b>"));
  EXPECT_FALSE(parse_name_addr("\"a\rb\" <sip:a@b>"));
  EXPECT_FALSE(parse_name_addr("\"a\nb\" <sip:a@b>"));
  EXPECT_FALSE(parse_name_addr("\"a\\\rb\" <sip:a@b>"));
}

// [threats 16] broken To and From values are refused
TEST(NameAddr, RefusesBrokenValues) {
  for (const char* text : {"",
                           " ",
                           ";tag=1",
                           "\"",
                           "\"Mr. J. User <sip:j.user@example.com>",
                           "\"x\\",
                           "\"x\" sip:a@b",
                           "\"x\"",
                           "<",
                           "<>",
                           "<sip:a@b",
                           "sip:a@b>",
                           "<sip:a@b>>",
                           "<sip:a@b> x",
                           "<<sip:a@b>>",
                           "< sip:t.watson@example.org >",
                           "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
                           "alice",
                           "alice@b",
                           "sip:",
                           "sip:a b",
                           "<sip:a@b>;",
                           "<sip:a@b>;;tag=1",
                           "<sip:a@b>;tag",
                           "<sip:a@b>;x=a;tag",
                           "<sip:a@b>;tag=",
                           "<sip:a@b>;tag=\"",
                           "<sip:a@b>;tag=\"x\"",
                           "<sip:a@b>;tag=1;tag=2",
                           "<sip:a@b>;tag=1;TAG=1",
                           "<sip:a@b>;x=\"open",
                           "<sip:a@b>;=1",
                           "<sip:a@b>;tag=1 2",
                           "<sip:a@b>,",
                           "<sip:a@b>\r\n",
                           "<sip:a@[::1>",
                           "a:b:c <sip:a@b>"})
    EXPECT_FALSE(parse_name_addr(text)) << text;
}

// [threats 18] a tag of any length is a tag
TEST(NameAddr, TakesLongTags) {
  for (std::size_t length = 200; length <= 1025; ++length) {
    const std::string tag(length, 't');
    ASSERT_EQ(parse_name_addr("<sip:a@b>;tag=" + tag)->tag(), tag);
  }
}

// [RFC3261 7.3.1] the first of a list; a single-valued header must hold one value
TEST(NameAddr, TakesTheFirstOfAList) {
  std::string_view rest;
  const auto first = parse_name_addr("\"a,b\" <sip:u,v@h;lr>;x , <sip:second>", &rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text, "\"a,b\" <sip:u,v@h;lr>;x");
  EXPECT_EQ(rest, "<sip:second>");
  EXPECT_EQ(parse_name_addr("sip:a@b,sip:c@d", &rest)->uri.host, "b");
  EXPECT_EQ(rest, "sip:c@d");
  EXPECT_EQ(parse_name_addr("<sip:a@b>, <sip:c@d>").error(), ValueError::too_many);
}

// [RFC4475 3.3.4] any scheme may stand in To, From and Contact
TEST(NameAddr, TakesAnyScheme) {
  EXPECT_EQ(parse_name_addr("isbn:2983792873")->uri.scheme_text, "isbn");
  EXPECT_EQ(parse_name_addr("<http://www.example.com>;tag=3234233")->tag(), "3234233");
  EXPECT_EQ(parse_name_addr("tel:+1-212;tag=1")->uri.user, "+1-212");
}

// [RFC3261 20.10] Contact with q and expires
TEST(Contact, HasQAndExpires) {
  const auto c = parse_contact("\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com> ;q=0.7; expires=3600");
  ASSERT_TRUE(c);
  EXPECT_FALSE(c->star);
  EXPECT_EQ(c->q, 700);
  EXPECT_EQ(c->expires, 3600U);
  EXPECT_FALSE(parse_contact("<sip:a@b>")->q);
  EXPECT_FALSE(parse_contact("<sip:a@b>")->expires);
}

// [RFC3261 10.2.2] "*" stands alone
TEST(Contact, StarStandsAlone) {
  EXPECT_TRUE(parse_contact("*")->star);
  EXPECT_TRUE(parse_contact(" * ")->star);
  EXPECT_FALSE(parse_contact("*;expires=0"));
  EXPECT_FALSE(parse_contact("*, <sip:a@b>"));
}

// [threats 30] an unusable expires reads as one hour, a huge one as the largest, never as for ever
TEST(Contact, ReadsAnyExpires) {
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=abc")->expires, 3600U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=-1")->expires, 3600U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires")->expires, 3600U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=\"60\"")->expires, 3600U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=4294967295")->expires, 4294967295U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=4294967296")->expires, 4294967295U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=1" + std::string(100, '0'))->expires, 4294967295U);
  EXPECT_EQ(parse_contact("<sip:a@b>;expires=0")->expires, 0U);
}

// [RFC3261 25.1] c-p-q takes a qvalue, once
TEST(Contact, RefusesABadQ) {
  EXPECT_FALSE(parse_contact("<sip:a@b>;q=1.1"));
  EXPECT_FALSE(parse_contact("<sip:a@b>;q"));
  EXPECT_FALSE(parse_contact("<sip:a@b>;q=0.1;q=0.2"));
  EXPECT_FALSE(parse_contact("<sip:a@b>;expires=1;expires=2"));
}

// [threats 33] a list of thousands is walked in linear time
TEST(Contact, ListsAreWalkedOnce) {
  std::string list;
  for (int i = 0; i < 3000; ++i) list += (i == 0 ? "" : ",") + std::string("<sip:u") + std::to_string(i) + "@h>;q=0.5";
  std::string_view rest = list;
  int count = 0;
  while (!rest.empty()) {
    ASSERT_TRUE(parse_contact(rest, &rest));
    ++count;
  }
  EXPECT_EQ(count, 3000);
}

// [threats 24] thousands of parameters on one value
TEST(Contact, TakesThousandsOfParameters) {
  std::string text = "<sip:a@b>";
  for (int i = 0; i < 8000; ++i) text += ";p" + std::to_string(i) + "=v";
  const auto c = parse_contact(text + ";q=0.2");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->q, 200);
}

// [threats 36] broken Route values are refused
TEST(Route, RefusesBrokenValues) {
  for (const char* text : {"<sip:>", "<sip:.1;lr>", "<sip:h:0x1;lr>", "<sip:h;lr", "<sip:h;lr>;", "<;lr>",
                           "<sip:[::1;lr>", "<sip:h:70000>", "<sip:a@>", "<sip:\r\n h>"})
    EXPECT_FALSE(parse_name_addr(text)) << text;
}

}  // namespace
}  // namespace bellhop::sip
