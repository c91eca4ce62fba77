#include "transport/stun.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bellhop::transport {
namespace {

using testing::IsEmpty;

std::string operator""_octets(const char* text, std::size_t size) {
  return {text, size};
}

const Endpoint from_v4 = *Endpoint::parse("192.0.2.1:32853");

std::string answer_of(const std::string& request, const Endpoint& from = from_v4) {
  std::string out;
  return answer_stun(request, from, out) ? out : std::string();
}

/// Header with this type and the transaction id of RFC 5769, and attributes behind it.
std::string message(const std::string& attributes, std::string type = "\x00\x01"_octets) {
  return type + '\0' + static_cast<char>(attributes.size()) +
         "\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"_octets + attributes;
}

// [RFC5769 2.2] XOR-MAPPED-ADDRESS of the sample response: 192.0.2.1 port 32853
TEST(Stun, TellsWhereARequestCameFrom) {
  EXPECT_EQ(answer_of(message("")),
            message("\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"_octets, "\x01\x01"_octets));
}

// [RFC5769 2.3] The IPv6 one: 2001:db8:1234:5678:11:2233:4455:6677 port 32853
TEST(Stun, TellsAnIpv6Address) {
  const std::string attribute =
      "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"_octets;
  EXPECT_EQ(answer_of(message(""), *Endpoint::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853")),
            message(attribute, "\x01\x01"_octets));
}

// [RFC5389 7.3.1] What must be understood and is not is named in a 420; what need not be is passed over
TEST(Stun, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(answer_of(message("\x80\x22\x00\x04test"_octets)).substr(0, 2), "\x01\x01"_octets);
  const std::string refused = answer_of(message("\x7f\x01\x00\x02xy\x00\x00"_octets));
  ASSERT_GT(refused.size(), 28u);
  EXPECT_EQ(refused.substr(0, 2), "\x01\x11"_octets);
  EXPECT_EQ(refused.substr(20, 8), "\x00\x09\x00\x15\x00\x00\x04\x14"_octets);
  EXPECT_EQ(refused.substr(refused.size() - 8), "\x00\x0a\x00\x02\x7f\x01\x00\x00"_octets);
  EXPECT_EQ(refused.size() % 4, 0u);
}

// [RFC5389 15.5] A FINGERPRINT is checked, and answered with one; both values here are those of another program's
// CRC-32
TEST(Stun, ChecksTheFingerprint) {
  EXPECT_THAT(answer_of(message("\x80\x28\x00\x04\x00\x00\x00\x00"_octets)), IsEmpty());
  EXPECT_EQ(answer_of(message("\x80\x28\x00\x04\xfd\xf6\xae\x02"_octets)),
            message("\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x80\x28\x00\x04\x7d\x28\x1f\x59"_octets,
                    "\x01\x01"_octets));
}

// [RFC5389 6, 7.3] Nothing but a whole binding request is answered
TEST(Stun, IgnoresEverythingElse) {
  EXPECT_THAT(answer_of(message("", "\x00\x11"_octets)), IsEmpty()) << "an indication";
  EXPECT_THAT(answer_of(message("", "\x01\x01"_octets)), IsEmpty()) << "a response";
  EXPECT_THAT(answer_of(message("\x80\x22\x00\x09test"_octets)), IsEmpty()) << "an attribute that is cut off";
  EXPECT_FALSE(is_stun(message("").substr(0, 19)));
  EXPECT_FALSE(is_stun(message("") + "\0\0\0\0"_octets)) << "longer than it says";
  std::string old = message("");
  old[4] = 'x';
  EXPECT_FALSE(is_stun(old)) << "without the cookie";
  EXPECT_FALSE(is_stun("OPTIONS sip:a@example.test SIP/2.0\r\n\r\n"));
}

}  // namespace
}  // namespace bellhop::transport
