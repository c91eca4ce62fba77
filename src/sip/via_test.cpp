#include <gtest/gtest.h>

#include <string>

#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

// [RFC3261 20.42] sent-protocol, sent-by and parameters
TEST(Via, HasAllItsParts) {
  const auto via = parse_via(
      "SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7;rport;ttl=16;maddr=224.2.0.1;x=\"a;b\"");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->protocol, "SIP/2.0");
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->host, "erlang.bell-telephone.com");
  EXPECT_EQ(via->port, 5060);
  EXPECT_EQ(via->branch, "z9hG4bK87asdks7");
  EXPECT_TRUE(via->has_cookie());
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->rport_text, "");
  EXPECT_EQ(via->ttl, "16");
  EXPECT_EQ(via->maddr, "224.2.0.1");
  EXPECT_EQ(via->parameters, "branch=z9hG4bK87asdks7;rport;ttl=16;maddr=224.2.0.1;x=\"a;b\"");
}

// [RFC3261 8.1.1.7] the magic cookie; a peer of RFC 2543 has none or no branch at all
TEST(Via, KnowsTheMagicCookie) {
  EXPECT_TRUE(parse_via("SIP/2.0/UDP h;branch=Z9Hg4bkx")->has_cookie());
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;branch=390skdjuw")->has_cookie());
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h")->has_cookie());
}

// [RFC4475 3.1.1.1] white space and folds around slashes, colon, semicolons and equal signs
TEST(Via, AllowsWhiteSpaceBetweenAllParts) {
  std::string_view rest;
  const auto via = parse_via(
      "SIP  / 2.0  / TCP     spindle.example.com   :\r\n 5070 ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
      " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239",
      &rest);
  ASSERT_TRUE(via);
  EXPECT_EQ(via->protocol, "SIP  / 2.0");
  EXPECT_EQ(via->transport, "TCP");
  EXPECT_EQ(via->host, "spindle.example.com");
  EXPECT_EQ(via->port, 5070);
  EXPECT_EQ(via->branch, "z9hG4bK9ikj8");
  EXPECT_EQ(via->text.back(), '8');
  const auto second = parse_via(rest, &rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->host, "192.168.255.111");
  EXPECT_EQ(second->branch, "z9hG4bK30239");
  EXPECT_EQ(rest, "");
}

// [RFC3581 3] rport with and without a value
TEST(Via, TakesRport) {
  EXPECT_EQ(parse_via("SIP/2.0/UDP h;rport=9988;branch=z9hG4bKx")->rport_text, "9988");
  EXPECT_TRUE(parse_via("SIP/2.0/UDP h;rport=0")->has_rport);
  EXPECT_FALSE(parse_via("SIP/2.0/UDP h;x-rport")->has_rport);
}

// [RFC5118 4.5] received may hold an IPv6 address with or without brackets
TEST(Via, TakesIpv6InSentByAndReceived) {
  const auto with = parse_via("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3-111");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->host, "[2001:db8::9:1]");
  EXPECT_EQ(with->port, 6050);
  EXPECT_EQ(with->received, "[2001:db8::9:255]");
  EXPECT_EQ(parse_via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=x")->received, "2001:db8::9:255");
}

// [RFC4475 3.1.1.2] all characters of token in a branch
TEST(Via, TakesEveryTokenCharacterInTheBranch) {
  EXPECT_EQ(parse_via("SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~")->branch, "z9hG4bK-.!%66*_+`'~");
}

// [RFC4475 3.1.1.10] unknown transports are well formed
TEST(Via, TakesAnyTransport) {
  EXPECT_EQ(parse_via("SIP/2.0/UNKNOWN t4.example.com")->transport, "UNKNOWN");
}

// [threats 15] broken Via values are refused
TEST(Via, RefusesBrokenValues) {
  for (const char* text : {"",
                           " ",
                           ";;;,,",
                           "SIP/2.0/UDP",
                           "SIP/2.0/UDP ",
                           "SIP/2.0 UDP h",
                           "SIP/2.0/UDP/h",
                           "/2.0/UDP h",
                           "SIP//UDP h",
                           "SIP/2.0/ h",
                           "SIP/2.0/UDP ;branch=z9hG4bKx",
                           "SIP/2.0/UDP :5060",
                           "SIP/2.0/UDP h:",
                           "SIP/2.0/UDP h:x",
                           "SIP/2.0/UDP h:99999",
                           "SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bKx",
                           "SIP/2.0/UDP [2001:db8::9:1;branch=z9hG4bKx",
                           "SIP/2.0/UDP a b;branch=z9hG4bKx",
                           "SIP/2.0/UDP h;branch",
                           "SIP/2.0/UDP h;branch=",
                           "SIP/2.0/UDP h;branch=\"z9hG4bKx\"",
                           "SIP/2.0/UDP h;branch=[x]",
                           "SIP/2.0/UDP h;branch=a;branch=b",
                           "SIP/2.0/UDP h;rport=",
                           "SIP/2.0/UDP h;rport=99999999999",
                           "SIP/2.0/UDP h;rport=x",
                           "SIP/2.0/UDP h;rport;rport=1",
                           "SIP/2.0/UDP h;ttl=256",
                           "SIP/2.0/UDP h;ttl",
                           "SIP/2.0/UDP h;maddr=.1",
                           "SIP/2.0/UDP h;received",
                           "SIP/2.0/UDP h;received=a;received=b",
                           "SIP/2.0/UDP h;",
                           "SIP/2.0/UDP h;;branch=z9hG4bKx",
                           "SIP/2.0/UDP h;=x",
                           "SIP/2.0/UDP h;x=\"open",
                           "SIP/2.0/UDP h;branch=z9hG4bKx y",
                           "SIP/2.0/UDP h;branch=z9hG4bKx,",
                           "SIP/2.0/UDP h;branch=z9hG4bKx, ",
                           "SIP/2.0/UDP h\r\n;branch=z9hG4bKx",
                           "SIP/2.0/UDP h\n ;branch=z9hG4bKx",
                           "SIP/2.0/UDP 192.0.2.15;;,;,,"})
    EXPECT_FALSE(parse_via(text)) << text;
}

// [threats 18] a branch of any length is a branch
TEST(Via, TakesLongBranches) {
  for (std::size_t length = 200; length <= 1025; ++length) {
    const std::string branch = "z9hG4bK" + std::string(length, 'x');
    ASSERT_EQ(parse_via("SIP/2.0/UDP h;branch=" + branch)->branch, branch);
  }
}

// [RFC3261 20.42] the first of several values, and what follows
TEST(Via, TakesTheFirstOfAList) {
  std::string_view rest;
  EXPECT_EQ(parse_via("SIP/2.0/UDP a;branch=1 , SIP/2.0/UDP b;branch=2", &rest)->text, "SIP/2.0/UDP a;branch=1");
  EXPECT_EQ(rest, "SIP/2.0/UDP b;branch=2");
  EXPECT_EQ(parse_via("SIP/2.0/UDP a,SIP/2.0/UDP b")->host, "a") << "without rest the others are not looked at";
}

}  // namespace
}  // namespace bellhop::sip
