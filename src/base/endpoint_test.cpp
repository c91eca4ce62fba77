#include "base/endpoint.hpp"

#include <gtest/gtest.h>

#include <set>

namespace bellhop {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

// [RFC5954 4.1] IPv4 and IPv6 texts as the corrected grammar has them, with and without brackets.
TEST(IpAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(ip("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(ip("255.255.255.255").to_string(), "255.255.255.255");
  EXPECT_EQ(ip("[2001:DB8::10]").to_string(), "2001:db8::10");
  EXPECT_EQ(ip("2001:db8:0:0:0:0:0:10"), ip("[2001:db8::10]"));
  EXPECT_EQ(ip("2001:db8::10").to_uri_host(), "[2001:db8::10]");
  EXPECT_EQ(ip("192.0.2.1").to_uri_host(), "192.0.2.1");
  EXPECT_TRUE(ip("::").is_v6());
  EXPECT_FALSE(ip("0.0.0.0").is_v6());
}

// [RFC5118 4.9] The ":::" that the faulty grammar allowed is no address, nor is anything half written.
TEST(IpAddress, RefusesEverythingElse) {
  for (const std::string_view bad : {"",
                                     ".1",
                                     "1.2.3",
                                     "1.2.3.4.5",
                                     "1.2.3.256",
                                     "01.2.3.4",
                                     "1.2.3.4 ",
                                     "0x7f.1",
                                     "127.1",
                                     "[1.2.3.4]",
                                     "[::1",
                                     "::1]",
                                     "[]",
                                     "[:]",
                                     ":::1",
                                     "1:::2",
                                     "1::2::3",
                                     "fe80::1%eth0",
                                     "12345::",
                                     "example.test",
                                     "1:2:3:4:5:6:7:8:9",
                                     "[[::1]]",
                                     "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"}) {
    EXPECT_EQ(IpAddress::parse(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(IpAddress::parse(std::string_view("1.2.3.4\0", 8)), std::nullopt);
}

// [RFC5118 4.6] An IPv4-mapped address is the IPv4 peer it stands for: one peer, one address.
TEST(IpAddress, MappedAddressIsFoldedToIpv4) {
  EXPECT_EQ(ip("::ffff:192.0.2.10"), ip("192.0.2.10"));
  EXPECT_EQ(ip("[::ffff:c000:20a]").to_uri_host(), "192.0.2.10");
  EXPECT_NE(ip("::192.0.2.10"), ip("192.0.2.10"));
}

// [threats 45] What must not be a contact is told apart: unspecified, loopback, multicast and broadcast.
TEST(IpAddress, KindsAreToldApart) {
  for (const auto* text : {"0.0.0.0", "::"}) EXPECT_TRUE(ip(text).is_unspecified()) << text;
  for (const auto* text : {"0.0.0.1", "::1", "::2"}) EXPECT_FALSE(ip(text).is_unspecified()) << text;
  for (const auto* text : {"127.0.0.1", "127.255.0.9", "::1"}) EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const auto* text : {"128.0.0.1", "::", "::2", "1::1"}) EXPECT_FALSE(ip(text).is_loopback()) << text;
  for (const auto* text : {"224.0.1.75", "239.255.255.255", "255.255.255.255", "ff02::1"}) {
    EXPECT_TRUE(ip(text).is_multicast_or_broadcast()) << text;
  }
  for (const auto* text : {"223.255.255.255", "240.0.0.1", "255.255.255.254", "fe80::1"}) {
    EXPECT_FALSE(ip(text).is_multicast_or_broadcast()) << text;
  }
}

// [RFC1918 3] Private addresses, with those of RFC 6598, RFC 3927 and RFC 4193: each block to its edges.
TEST(IpAddress, PrivateBlocksEndWhereTheyEnd) {
  for (const auto* text :
       {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0",
        "100.127.255.255", "169.254.0.1", "fc00::1", "fdff::1", "fe80::1", "febf::1"}) {
    EXPECT_TRUE(ip(text).is_private()) << text;
  }
  for (const auto* text :
       {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255",
        "100.128.0.0", "169.253.255.255", "fbff::1", "fe00::1", "fec0::1", "2001:db8::1"}) {
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
}

// [RFC5118 4.5] With a port an IPv6 address needs its brackets, else the port cannot be told from the address.
TEST(Endpoint, NeedsAPortAndForIpv6Brackets) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:5060"), (Endpoint{ip("127.0.0.1"), 5060}));
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:65535"), (Endpoint{ip("2001:db8::1"), 65535}));
  EXPECT_EQ(Endpoint::parse("0.0.0.0:0"), Endpoint{});
  for (const std::string_view bad :
       {"", ":", ":5060", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:5060:", "::1:5060",
        "[::1]", "[::1]5060", "[::1:5060", "host:5060", "[127.0.0.1]:5060", "127.0.0.1: 5060"}) {
    EXPECT_EQ(Endpoint::parse(bad), std::nullopt) << bad;
  }
}

// [RFC3261 19.1.1] What is written is read back the same.
TEST(Endpoint, WritesWhatItReads) {
  for (const auto* text : {"127.0.0.1:5060", "[2001:db8::1]:5061", "[::]:0"}) {
    ASSERT_TRUE(Endpoint::parse(text)) << text;
    EXPECT_EQ(Endpoint::parse(text)->to_string(), text);
  }
}

// [RFC3261 25.1] Each octet of an IPv4 address is written without leading zeros, at each place.
TEST(IpAddress, WritesEveryOctetAtEveryPlace) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const auto o = static_cast<std::uint8_t>(octet);
    const std::string text = std::to_string(octet);
    EXPECT_EQ(IpAddress::v4({o, 0, 255, 10}).to_string(), text + ".0.255.10");
    EXPECT_EQ(IpAddress::v4({1, o, o, 99}).to_string(), "1." + text + "." + text + ".99");
    EXPECT_EQ((Endpoint{IpAddress::v4({100, 9, 0, o}), o}).to_string(), "100.9.0." + text + ":" + text);
  }
}

// [house 3] Endpoints as keys: equal ones hash alike, each part and the seed count.
TEST(Endpoint, HashCoversAddressFamilyPortAndSeed) {
  const Endpoint a{ip("192.0.2.1"), 5060};
  EXPECT_EQ(hash_of(a, 1), hash_of(Endpoint{ip("192.0.2.1"), 5060}, 1));
  const std::set<std::uint64_t> hashes{hash_of(a, 1), hash_of(a, 2), hash_of({ip("192.0.2.1"), 5061}, 1),
                                       hash_of({ip("192.0.2.2"), 5060}, 1), hash_of({ip("c000:201::"), 5060}, 1)};
  EXPECT_EQ(hashes.size(), 5u);
  EXPECT_EQ(EndpointHash{7}(a), hash_of(a, 7));
}

// [house 6] guard.exempt and its kind: networks by prefix length, or one address.
TEST(Network, ContainsWhatSharesItsPrefix) {
  const auto in = [](std::string_view network, std::string_view address) {
    const auto parsed = Network::parse(network);
    EXPECT_TRUE(parsed) << network;
    return parsed && parsed->contains(ip(address));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(in("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(in("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(in("192.0.2.77/25", "192.0.2.1"));
  EXPECT_TRUE(in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(in("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(in("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(in("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(in("::/0", "203.0.113.9"));
  EXPECT_TRUE(in("::1/128", "::1"));
}

// [house 6] A network that is not one is an error of the configuration.
TEST(Network, RefusesBrokenPrefixes) {
  for (const std::string_view bad : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129",
                                     "10.0.0/8", "example.test/8", "10.0.0.0 /8"}) {
    EXPECT_EQ(Network::parse(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(Network::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(Network::parse("::1")->to_string(), "::1/128");
}

}  // namespace
}  // namespace bellhop
