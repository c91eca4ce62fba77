#include "net/address_cache.hpp"

#include <gmock/gmock.h>

namespace bellhop::net {
namespace {

const TimePoint now{seconds(1'700'000'000)};
AddressAnswer answer(std::uint8_t last, Duration ttl) {
  return {true, {IpAddress::v4({192, 0, 2, last})}, now + ttl};
}

// [KAM-19] Names are compared without case and final dot.
TEST(HostKey, FoldsCaseAndTheFinalDot) {
  EXPECT_EQ(HostKey("SIP.Example.TEST.").view(), "sip.example.test");
}

// [threats 12] No DNS query for junk: what cannot be a host name never becomes a key.
TEST(HostKey, JunkIsNotAName) {
  const std::string label63(63, 'a');
  for (const std::string& junk :
       {std::string(), std::string("."), std::string(".1"), std::string("a..b"), std::string("1.2.3"),
        std::string("300.1.1.1"), std::string("a b"), std::string("a\0b", 3), std::string("host:5060"),
        std::string("[::1"), std::string("münchen.test"), label63 + "a.test", std::string(254, 'a'),
        label63 + "." + label63 + "." + label63 + "." + label63}) {
    EXPECT_FALSE(HostKey(junk).valid()) << junk;
  }
  for (const std::string& name : {std::string("localhost"), std::string("_sip._udp.example.test"),
                                  std::string("3com.example"), label63 + ".test"}) {
    EXPECT_TRUE(HostKey(name).valid()) << name;
  }
}

// [KAM-19] An answer is given until its time is over, and then no longer.
TEST(AddressCache, GivesWhatIsFresh) {
  AddressCache cache(1000, 1);
  AddressAnswer out;
  EXPECT_FALSE(cache.find("a.test", now, out));
  cache.store("a.test", answer(1, 5s));
  ASSERT_TRUE(cache.find("a.test", now + 4s, out));
  EXPECT_THAT(out.addresses, testing::ElementsAre(IpAddress::v4({192, 0, 2, 1})));
  EXPECT_FALSE(cache.find("a.test", now + 5s, out));
  cache.store("a.test", answer(2, 60s));
  ASSERT_TRUE(cache.find("a.test", now + 5s, out));
  EXPECT_EQ(out.addresses.front().octets()[3], 2);
}

// [threats 70] Names chosen by strangers cannot fill the memory, nor push out a name in use.
TEST(AddressCache, IsBoundedAndKeepsWhatIsUsed) {
  AddressCache cache(1000, 1);
  cache.store("used.test", answer(1, 1h));
  AddressAnswer out;
  for (int i = 0; i < 20'000; ++i) {
    cache.store("junk" + std::to_string(i) + ".test", answer(2, 1h));
    ASSERT_TRUE(cache.find("used.test", now, out)) << i;
  }
  EXPECT_LE(cache.size(), 1000u);
  EXPECT_GE(cache.size(), 400u);
}

}  // namespace
}  // namespace bellhop::net
