#include "net/dns_answer.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace bellhop::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = Answer::Outcome;

/// A DNS message in the making.
struct Packet {
  std::string text;
  std::uint16_t answers = 0, authorities = 0;

  Packet& two(std::size_t value) {
    text += static_cast<char>(value >> 8);
    text += static_cast<char>(value);
    return *this;
  }
  Packet& four(std::size_t value) { return two(value >> 16).two(value & 0xffff); }
  Packet& name(std::string_view labels) {
    for (; !labels.empty();
         labels.remove_prefix(std::min(labels.size(), labels.find('.')) + (labels.find('.') < labels.size() ? 1 : 0))) {
      const auto label = labels.substr(0, labels.find('.'));
      text += static_cast<char>(label.size());
      text += label;
    }
    text += '\0';
    return *this;
  }
  Packet& record(std::string_view owner, std::uint16_t type, std::uint32_t ttl, const std::string& data,
                 bool authority = false) {
    ++(authority ? authorities : answers);
    name(owner).two(type).two(1).four(ttl).two(data.size());
    text += data;
    return *this;
  }
  [[nodiscard]] std::string with_header(std::uint16_t flags = 0x8180) const {
    Packet header;
    header.two(0x1234).two(flags).two(1).two(answers).two(authorities).two(0);
    return header.text + text;
  }
};

Packet asking(std::string_view name, std::uint16_t type) {
  Packet packet;
  packet.name(name).two(type).two(1);
  return packet;
}
std::string srv(std::uint16_t priority, std::uint16_t weight, std::uint16_t port, std::string_view target) {
  Packet data;
  data.two(priority).two(weight).two(port).name(target);
  return data.text;
}
const std::string address("\xc0\x00\x02\x01", 4);
const IpAddress v4 = IpAddress::v4({192, 0, 2, 1});

std::string alias_to(std::string_view name) {
  Packet data;
  data.name(name);
  return data.text;
}
std::string soa(std::uint32_t minimum) {
  Packet data;
  data.name("ns.test").name("master.test").four(1).four(2).four(3).four(4).four(minimum);
  return data.text;
}

// [RFC1035 4] The records of the question, whatever the case of their owner, with the least of their times.
TEST(DnsAnswer, ReadsWhatWasAsked) {
  const auto answer = parse_dns_answer(asking("a.Test", 1)
                                           .record("A.test", 1, 300, address)
                                           .record("a.test", 1, 60, address)
                                           .record("other.test", 1, 5, address)
                                           .with_header(),
                                       "a.test", DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, Outcome::found);
  EXPECT_THAT(answer->addresses, ElementsAre(v4, v4));
  EXPECT_EQ(answer->ttl, 60s);
}

// [RFC4291 2.5.5.2] A mapped IPv4 address is no address for IPv6.
TEST(DnsAnswer, MappedAddressesAreNotUsed) {
  const std::string mapped = std::string(10, '\0') + "\xff\xff" + address;
  const auto answer =
      parse_dns_answer(asking("a.test", 28).record("a.test", 28, 60, mapped).with_header(), "a.test", DnsType::aaaa);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->outcome, Outcome::absent);
  EXPECT_THAT(answer->addresses, IsEmpty());
}

// [RFC2782] Priority, weight, port and target, in ascending order; "." is kept as what it is.
TEST(DnsAnswer, ReadsServices) {
  const auto answer = parse_dns_answer(asking("_sip._udp.a.test", 33)
                                           .record("_sip._udp.a.test", 33, 9, srv(20, 0, 0, ""))
                                           .record("_sip._udp.a.test", 33, 9, srv(10, 7, 5070, "B.test"))
                                           .with_header(),
                                       "_sip._udp.a.test", DnsType::srv);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->services, ElementsAre(SrvRecord{10, 7, 5070, "b.test"}, SrvRecord{20, 0, 0, ""}));
}

// [RFC3403 4.1, RFC3263 4.1] A NAPTR record with a regular expression is none of SIP's
TEST(DnsAnswer, ReadsPointersWithoutRegularExpressions) {
  const auto naptr = [](std::string_view regexp) {
    Packet data;
    data.two(50).two(60);
    for (const std::string_view text : {std::string_view("s"), std::string_view("SIP+D2T"), regexp}) {
      data.text += static_cast<char>(text.size());
      data.text += text;
    }
    return data.name("_sip._tcp.a.test").text;
  };
  const auto answer = parse_dns_answer(asking("a.test", 35)
                                           .record("a.test", 35, 9, naptr(""))
                                           .record("a.test", 35, 9, naptr("!^.*$!sip:x@y!"))
                                           .with_header(),
                                       "a.test", DnsType::naptr);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->pointers, ElementsAre(NaptrRecord{50, 60, "s", "SIP+D2T", "_sip._tcp.a.test"}));
}

// [RFC1034 3.6.2] Aliases are followed in any order of the records; a circle of them ends.
TEST(DnsAnswer, FollowsAliases) {
  const auto chain = parse_dns_answer(asking("a.test", 1)
                                          .record("c.test", 1, 300, address)
                                          .record("b.test", 5, 200, alias_to("c.test"))
                                          .record("a.test", 5, 100, alias_to("b.test"))
                                          .with_header(),
                                      "a.test", DnsType::a);
  ASSERT_TRUE(chain);
  EXPECT_THAT(chain->addresses, ElementsAre(v4));
  EXPECT_EQ(chain->ttl, 100s);
  const auto circle = parse_dns_answer(asking("a.test", 1)
                                           .record("a.test", 5, 9, alias_to("b.test"))
                                           .record("b.test", 5, 9, alias_to("a.test"))
                                           .with_header(),
                                       "a.test", DnsType::a);
  ASSERT_TRUE(circle);
  EXPECT_EQ(circle->outcome, Outcome::absent);
}

// [RFC2308 5] Absence lasts for the SOA's time to live or its minimum, whichever is less; without an SOA nobody says.
TEST(DnsAnswer, AbsenceHasATimeOfItsOwn) {
  const auto ttl_of = [](const Packet& packet, std::uint16_t flags) {
    return parse_dns_answer(packet.with_header(flags), "a.test", DnsType::a)->ttl;
  };
  EXPECT_EQ(ttl_of(asking("a.test", 1).record("test", 6, 60, soa(900), true), 0x8183), 60s);
  EXPECT_EQ(ttl_of(asking("a.test", 1).record("test", 6, 900, soa(60), true), 0x8180), 60s);
  EXPECT_EQ(ttl_of(asking("a.test", 1), 0x8183), std::nullopt);
}

// [RFC2181 8] A time with its highest bit set is no time.
TEST(DnsAnswer, NegativeTimesCountAsNone) {
  const auto answer = parse_dns_answer(asking("a.test", 1).record("a.test", 1, 0x80000001, address).with_header(),
                                       "a.test", DnsType::a);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ttl, 0s);
}

// [threats 71] Something else than the answer to this question is nothing at all.
TEST(DnsAnswer, OtherQuestionsAreRefused) {
  const std::string right = asking("a.test", 1).record("a.test", 1, 9, address).with_header();
  EXPECT_TRUE(parse_dns_answer(right, "a.test", DnsType::a));
  EXPECT_FALSE(parse_dns_answer(right, "b.test", DnsType::a));
  EXPECT_FALSE(parse_dns_answer(right, "a.test", DnsType::aaaa));
  const Packet packet = asking("a.test", 1).record("a.test", 1, 9, address);
  EXPECT_FALSE(parse_dns_answer(packet.with_header(0x0180), "a.test", DnsType::a)) << "a query";
  EXPECT_FALSE(parse_dns_answer(packet.with_header(0x8380), "a.test", DnsType::a)) << "cut";
  EXPECT_EQ(parse_dns_answer(packet.with_header(0x8182), "a.test", DnsType::a)->outcome, Outcome::failed) << "SERVFAIL";
}

// [threats 71] A message that ends early, a name that points at itself or forward, data longer or shorter than it says.
TEST(DnsAnswer, MalformedMessagesAreRefused) {
  const std::string whole =
      asking("_sip._udp.a.test", 33).record("_sip._udp.a.test", 33, 9, srv(1, 2, 3, "b.test")).with_header();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_dns_answer(std::string_view(whole).substr(0, size), "_sip._udp.a.test", DnsType::srv)) << size;
  for (const std::string& target : {std::string("\xc0\xff", 2), std::string("\xc0", 1),
                                    std::string("\x40"
                                                "a",
                                                2),
                                    std::string("\x05"
                                                "ab",
                                                3)}) {
    std::string data = srv(1, 2, 3, "");
    data.pop_back();
    EXPECT_FALSE(parse_dns_answer(asking("a.test", 33).record("a.test", 33, 9, data + target).with_header(), "a.test",
                                  DnsType::srv));
  }
  Packet itself = asking("a.test", 1);
  ++itself.answers;
  const auto at = 12 + itself.text.size();
  itself.two(0xc000 | at).two(1).two(1).four(9).two(4);
  itself.text += address;
  EXPECT_FALSE(parse_dns_answer(itself.with_header(), "a.test", DnsType::a));
  EXPECT_FALSE(
      parse_dns_answer(asking("a.test", 1).record("a.test", 1, 9, address + "x").with_header(), "a.test", DnsType::a));
  EXPECT_FALSE(
      parse_dns_answer(asking("a.test", 33).record("a.test", 33, 9, srv(1, 2, 3, "b.test") + "x").with_header(),
                       "a.test", DnsType::srv));
}

// [threats 70] No answer makes us remember more than a few records.
TEST(DnsAnswer, RecordsAreBounded) {
  Packet packet = asking("a.test", 33);
  for (std::uint16_t i = 0; i < 100; ++i)
    packet.record("a.test", 33, 9, srv(static_cast<std::uint16_t>(100 - i), 0, 5060, "b.test"));
  const auto answer = parse_dns_answer(packet.with_header(), "a.test", DnsType::srv);
  ASSERT_TRUE(answer);
  ASSERT_THAT(answer->services, SizeIs(most_records));
  EXPECT_EQ(answer->services.front().priority, 1) << "those that would be tried first";
}

// [threats 71] A label with a dot or a line break in it makes a name that is equal to none.
TEST(DnsAnswer, OddOctetsMakeNoName) {
  std::string data = srv(1, 2, 3, "");
  data.pop_back();
  data += std::string(
      "\x06"
      "a.test\x00",
      8);
  const auto answer =
      parse_dns_answer(asking("a.test", 33).record("a.test", 33, 9, data).with_header(), "a.test", DnsType::srv);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->services.front().target, "a?test");
}

}  // namespace
}  // namespace bellhop::net
