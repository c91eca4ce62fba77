#include "config/snapshot.hpp"

#include <gtest/gtest.h>

namespace bellhop::config {
namespace {

Snapshot office() {
  Snapshot s;
  s.domains.resize(2);
  s.domains[0].name = "office.test";
  s.domains[0].aliases = {"sip.office.test"};
  s.domains[1].name = "branch.test";
  s.listen.push_back({sip::Transport::udp, *Endpoint::parse("192.0.2.7:5060"), "sip.advertised.test:5070"});
  s.listen.push_back({sip::Transport::tcp, *Endpoint::parse("[::]:5080"), ""});
  s.interface_addresses = {*IpAddress::parse("2001:db8::1"), *IpAddress::parse("10.0.0.1")};
  return s;
}

std::string name_of_domain(const Snapshot& s, std::string_view host) {
  const Domain* domain = s.domain_of(host);
  return domain == nullptr ? "none" : domain->name;
}

// [RFC3261 19.1.4] Host names are compared without regard to case.
TEST(Snapshot, DomainsAreFoundByNameAndAliasInAnyCase) {
  const Snapshot s = office();
  EXPECT_EQ(name_of_domain(s, "OFFICE.test"), "office.test");
  EXPECT_EQ(name_of_domain(s, "Sip.Office.Test"), "office.test");
  EXPECT_EQ(name_of_domain(s, "branch.test"), "branch.test");
  EXPECT_EQ(name_of_domain(s, "office.test.evil"), "none");
  EXPECT_EQ(name_of_domain(s, ""), "none");
}

// [CGP-15] Own addresses map to the first local domain.
TEST(Snapshot, OwnAddressesBelongToTheFirstDomain) {
  const Snapshot s = office();
  EXPECT_EQ(name_of_domain(s, "192.0.2.7"), "office.test");
  EXPECT_EQ(name_of_domain(s, "[192.0.2.7]"), "office.test") << "as people write it in mail";
  EXPECT_EQ(name_of_domain(s, "[2001:db8::1]"), "office.test") << "an interface under a listener on [::]";
  EXPECT_EQ(name_of_domain(s, "2001:DB8:0::1"), "office.test");
  EXPECT_EQ(name_of_domain(s, "10.0.0.1"), "none") << "no IPv4 listener on all addresses";
  EXPECT_EQ(name_of_domain(s, "192.0.2.8"), "none");
  EXPECT_EQ(name_of_domain(s, "sip.advertised.test"), "office.test");
}

// [RFC3261 16.4] A URI is ours by host and port; no port means the default port.
TEST(Snapshot, OwnAddressesAreTakenWithTheirPort) {
  const Snapshot s = office();
  EXPECT_TRUE(s.is_own_address(*IpAddress::parse("192.0.2.7"), 5060));
  EXPECT_TRUE(s.is_own_address(*IpAddress::parse("192.0.2.7"), 0));
  EXPECT_FALSE(s.is_own_address(*IpAddress::parse("192.0.2.7"), 5061));
  EXPECT_TRUE(s.is_own_address(*IpAddress::parse("2001:db8::1"), 5080));
  EXPECT_FALSE(s.is_own_address(*IpAddress::parse("2001:db8::1"), 0));
}

// [CGP-31] LAN is loopback and the private ranges unless told otherwise.
TEST(Snapshot, LanIsLoopbackAndThePrivateRangesByDefault) {
  const Snapshot s;
  for (const char* inside : {"127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.9.9", "::1", "fd00::1", "fe80::1"})
    EXPECT_TRUE(s.is_lan(*IpAddress::parse(inside))) << inside;
  for (const char* outside : {"192.0.2.1", "172.32.0.1", "2001:db8::1"})
    EXPECT_FALSE(s.is_lan(*IpAddress::parse(outside))) << outside;
  EXPECT_FALSE(s.is_client(*IpAddress::parse("127.0.0.1")));
}

// [RT-03] A scanner is known by its name in any case, whether the patterns were prepared or not.
TEST(Snapshot, KnowsScannersByTheirNames) {
  Snapshot config;
  config.guard.scanners = {"friendly-scanner*", "sipcli*", "a?b", "*evil*", "exact"};
  for (int prepared = 0; prepared < 2; ++prepared) {
    for (const char* agent :
         {"friendly-scanner", "Friendly-Scanner 1.2", "SIPCLI", "axb", "A-B", "the EVIL one", "Exact"})
      EXPECT_TRUE(config.is_scanner(agent)) << agent;
    for (const char* agent : {"friendly-scan", "sipcl", "sipgen", "ab", "axxb", "exactly", "vile"})
      EXPECT_FALSE(config.is_scanner(agent)) << agent;
    config.prepare_scanners();
  }
}

}  // namespace
}  // namespace bellhop::config
