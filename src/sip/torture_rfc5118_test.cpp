#include <gtest/gtest.h>

#include "sip/torture_test.hpp"

// RFC 5118, message by message, as in torture_rfc4475_test.cpp.
namespace bellhop::sip {
namespace {

// [RFC5118 4.1] Valid SIP Message with an IPv6 Reference: in Request-URI, Via and Contact
TEST(Rfc5118, Ipv6ReferencesAreWellFormed) {
  const Played played = play("rfc5118/ipv6-good.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->host, "[2001:db8::10]");
  EXPECT_EQ(played.message->top_via().host, "[2001:db8::9:1]");
}

// [RFC5118 4.2] Invalid SIP Message with an IPv6 Reference: the Request-URI is an error, the message can be answered
TEST(Rfc5118, Ipv6WithoutBracketsIsNoHost) {
  const Played played = play("rfc5118/ipv6-bad.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "bad_host");
}

// [RFC5118 4.3] Port Ambiguous in a SIP URI: no port is read
TEST(Rfc5118, PortInsideTheBracketsIsAPartOfTheAddress) {
  const Played played = play("rfc5118/port-ambiguous.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->host, "[2001:db8::10:5070]");
  EXPECT_FALSE(played.message->request_uri()->has_port);
}

// [RFC5118 4.4] Port Unambiguous in a SIP URI: 5070
TEST(Rfc5118, PortBehindTheBracketsIsThePort) {
  const Played played = play("rfc5118/port-unambiguous.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->port, 5070);
}

// [RFC5118 4.5] IPv6 Reference Delimiters in Via Header: liberal in what is accepted
TEST(Rfc5118, ReceivedWithBracketsIsAccepted) {
  const Played played = play("rfc5118/via-received-param-with-delim.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(host_address(played.message->top_via().received), IpAddress::parse("2001:db8::9:255"));
}

// [RFC5118 4.5] IPv6 Reference Delimiters in Via Header: as the grammar has it
TEST(Rfc5118, ReceivedWithoutBracketsIsAccepted) {
  const Played played = play("rfc5118/via-received-param-no-delim.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(host_address(played.message->top_via().received), IpAddress::parse("2001:db8::9:255"));
}

// [RFC5118 4.6] SIP Request with IPv6 Addresses in Session Description Protocol (SDP) Body: the body is opaque
TEST(Rfc5118, Ipv6InTheBodyDoesNotMatter) {
  const Played played = play("rfc5118/ipv6-in-sdp.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
}

// [RFC5118 4.7] Multiple IP Addresses in SIP Headers: three Via values of two families
TEST(Rfc5118, ViaListMayMixAddressFamilies) {
  const Played played = play("rfc5118/mult-ip-in-header.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->via_count(), 3U);
  EXPECT_EQ(played.message->top_via().port, 6050);
}

// [RFC5118 4.8] Multiple IP Addresses in SDP: the body is opaque
TEST(Rfc5118, SdpMayMixAddressFamilies) {
  const Played played = play("rfc5118/mult-ip-in-sdp.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
}

// [RFC5118 4.9] IPv4-Mapped IPv6 Addresses: in Via and Contact
TEST(Rfc5118, Ipv4MappedAddressesAreWellFormed) {
  const Played played = play("rfc5118/ipv4-mapped-ipv6.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(host_address(played.message->top_via().host), IpAddress::parse("192.0.2.10"));
  EXPECT_EQ(played.message->top_via().port, 19823);
}

// [RFC5118 4.10] IPv6 Reference Bug in RFC 3261 ABNF: the faulty grammar of RFC 3261
TEST(Rfc5118, ThreeColonsAreTolerated) {
  const Played played = play("rfc5118/ipv6-bug-abnf-3-colons.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(host_address(played.message->request_uri()->host), IpAddress::parse("2001:db8::192.0.2.1"));
}

// [RFC5118 4.10] IPv6 Reference Bug in RFC 3261 ABNF: the grammar of RFC 5954
TEST(Rfc5118, TwoColonsAreRight) {
  const Played played = play("rfc5118/ipv6-correct-abnf-2-colons.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(host_address(played.message->request_uri()->host), IpAddress::parse("2001:db8::192.0.2.1"));
}

}  // namespace
}  // namespace bellhop::sip
