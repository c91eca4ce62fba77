#include "transport/locate.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <set>

namespace bellhop::transport {
namespace {

using net::Answer;
using net::RecordType;
using sip::Transport;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Outcome = Location::Outcome;

/// A zone: what it does not know is absent; a name in `unasked` has not been looked up yet.
struct Zone {
  std::map<std::pair<RecordType, std::string>, Answer> answers;
  std::set<std::pair<RecordType, std::string>> unasked;
  std::vector<std::string> looked_up{};

  Zone& host(const std::string& name, const std::vector<std::string>& addresses) {
    for (const auto& address : addresses)
      found(RecordType::address, name).addresses.push_back(*IpAddress::parse(address));
    return *this;
  }
  Zone& srv(const std::string& name, std::uint16_t priority, std::uint16_t weight, std::uint16_t port,
            const std::string& target) {
    found(RecordType::srv, name).services.push_back({priority, weight, port, target});
    return *this;
  }
  Zone& naptr(const std::string& name, std::uint16_t order, std::uint16_t preference, const std::string& service,
              const std::string& replacement, const std::string& flags = "s") {
    found(RecordType::naptr, name).pointers.push_back({order, preference, flags, service, replacement});
    return *this;
  }
  Zone& failing(RecordType type, const std::string& name) {
    answers[{type, name}].outcome = Answer::Outcome::failed;
    return *this;
  }
  Answer& found(RecordType type, const std::string& name) {
    Answer& answer = answers[{type, name}];
    answer.question = {type, name};
    answer.outcome = Answer::Outcome::found;
    return answer;
  }
  net::AnswerPtr look_up(RecordType type, std::string_view name) {
    const std::pair key{type, std::string(name)};
    if (unasked.contains(key)) return nullptr;
    constexpr const char* words[] = {"", "srv ", "naptr "};
    looked_up.push_back(words[static_cast<int>(type)] + key.second);
    Answer absent;
    absent.outcome = Answer::Outcome::absent;
    const auto known = answers.find(key);
    return std::make_shared<const Answer>(known == answers.end() ? absent : known->second);
  }
};

struct LocateTest : testing::Test {
  LocateTest() {
    for (const Transport t : {Transport::udp, Transport::tcp, Transport::tls}) reach.add(t, false);
  }
  Location find(std::string_view uri, std::uint64_t seed = 1) {
    return locate(
        *next_hop_of(*sip::parse_uri(uri)), hosts, reach,
        [this](RecordType type, std::string_view name) { return zone.look_up(type, name); }, seed);
  }
  /// "tcp 192.0.2.1:5060" in order, or what it came to instead.
  std::vector<std::string> targets(std::string_view uri, std::uint64_t seed = 1) {
    const Location location = find(uri, seed);
    std::vector<std::string> texts;
    for (const Target& target : location.targets)
      texts.push_back(fmt::format("{} {}", sip::param_name(target.transport), target.endpoint.to_string()));
    constexpr const char* words[] = {"", "questions", "no such host", "no answer", "no transport"};
    if (location.outcome != Outcome::targets) texts.emplace_back(words[static_cast<int>(location.outcome)]);
    return texts;
  }
  /// RFC 3263 section 4.1's example, and addresses for its hosts.
  void example() {
    zone.naptr("example.com", 50, 50, "SIPS+D2T", "_sips._tcp.example.com")
        .naptr("example.com", 90, 50, "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", 100, 50, "SIP+D2U", "_sip._udp.example.com");
    zone.srv("_sip._tcp.example.com", 0, 1, 5060, "server1.example.com")
        .srv("_sip._tcp.example.com", 0, 2, 5060, "server2.example.com");
    zone.srv("_sips._tcp.example.com", 0, 1, 5061, "server1.example.com");
    zone.host("server1.example.com", {"192.0.2.1"}).host("server2.example.com", {"192.0.2.2"});
  }

  Zone zone;
  std::vector<config::Host> hosts;
  Reach reach;
};

// [RFC3263 4.1, RFC3263 4.2] The example of section 4.1: a client of TCP and UDP takes the SRV records of TCP
TEST_F(LocateTest, TheExampleOfTheRfc) {
  example();
  reach = Reach();
  reach.add(Transport::udp, false);
  reach.add(Transport::tcp, false);
  EXPECT_THAT(targets("sip:user@example.com"), UnorderedElementsAre("tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"));
}

// [RFC3263 4.1] With TLS of our own the preferred record is SIPS+D2T, also for a sip URI
TEST_F(LocateTest, SipUriMayGoSecure) {
  example();
  EXPECT_THAT(targets("sip:user@example.com"), ElementsAre("tls 192.0.2.1:5061"));
}

// [RFC3263 4.1] Numeric hosts: UDP for sip, TLS for sips, the default port of it; nothing is looked up
TEST_F(LocateTest, NumericHostsNeedNoLookUp) {
  EXPECT_THAT(targets("sip:u@192.0.2.7"), ElementsAre("udp 192.0.2.7:5060"));
  EXPECT_THAT(targets("sips:u@192.0.2.7"), ElementsAre("tls 192.0.2.7:5061"));
  EXPECT_THAT(targets("sip:u@192.0.2.7:5070;transport=tcp"), ElementsAre("tcp 192.0.2.7:5070"));
  EXPECT_THAT(targets("sip:u@example.com;maddr=192.0.2.8"), ElementsAre("udp 192.0.2.8:5060")) << "maddr is the TARGET";
  EXPECT_THAT(zone.looked_up, IsEmpty());
}

// [RFC3263 4.2] An explicit port leads to addresses only, all of them
TEST_F(LocateTest, ExplicitPortMeansAddresses) {
  zone.host("example.com", {"192.0.2.1", "192.0.2.2"}).srv("_sip._udp.example.com", 0, 0, 9, "x.example.com");
  EXPECT_THAT(targets("sip:u@example.com:5060"), ElementsAre("udp 192.0.2.1:5060", "udp 192.0.2.2:5060"));
  EXPECT_THAT(targets("sips:u@Example.COM.:5070"), ElementsAre("tls 192.0.2.1:5070", "tls 192.0.2.2:5070"));
  EXPECT_THAT(zone.looked_up, ElementsAre("example.com", "example.com"));
}

// [RFC3263 4.1, RFC3263 4.2] An explicit transport asks for its own SRV records only, "_sips" for TLS
TEST_F(LocateTest, ExplicitTransportMeansItsServices) {
  example();
  EXPECT_THAT(targets("sip:u@example.com;transport=tls"), ElementsAre("tls 192.0.2.1:5061"));
  EXPECT_THAT(targets("sips:u@example.com;transport=tcp"), ElementsAre("tls 192.0.2.1:5061"));
  EXPECT_THAT(zone.looked_up, ElementsAre("srv _sips._tcp.example.com", "server1.example.com",
                                          "srv _sips._tcp.example.com", "server1.example.com"));
  zone.host("bare.example.com", {"192.0.2.9"});
  EXPECT_THAT(targets("sip:u@bare.example.com;transport=tcp"), ElementsAre("tcp 192.0.2.9:5060"))
      << "no SRV: the default port";
  EXPECT_THAT(targets("sip:u@bare.example.com;transport=tls"), ElementsAre("tls 192.0.2.9:5061"));
}

// [RFC3263 4.1] The replacement of a NAPTR record may lie in another domain
TEST_F(LocateTest, ReplacementInAnotherDomain) {
  zone.naptr("example.com", 10, 10, "sip+d2t", "_sip._tcp.school.edu", "S")
      .srv("_sip._tcp.school.edu", 0, 0, 5080, "s.school.edu")
      .host("s.school.edu", {"192.0.2.5"});
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("tcp 192.0.2.5:5080"));
}

// [RFC3403 4.1] Preferences of one Order are tried in turn; another Order only when the first leads nowhere
TEST_F(LocateTest, OrderBindsAndPreferenceRanks) {
  zone.naptr("example.com", 20, 5, "SIP+D2T", "_c._tcp.example.com")
      .naptr("example.com", 10, 20, "SIP+D2U", "_b._udp.example.com")
      .naptr("example.com", 10, 10, "SIP+D2T", "_a._tcp.example.com")
      .naptr("example.com", 5, 1, "SIP+D2T", "_nothing._tcp.example.com");
  for (const char* name : {"_a._tcp.example.com", "_b._udp.example.com", "_c._tcp.example.com"})
    zone.srv(name, 0, 0, static_cast<std::uint16_t>(5000 + name[1]), "h.example.com");
  zone.host("h.example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("tcp 192.0.2.1:5097", "udp 192.0.2.1:5098"));
}

// [RFC3263 4.1] Services that are not ours are discarded: other flags, SCTP, WebSocket (RFC 7118), ENUM
TEST_F(LocateTest, OtherServicesAreDiscarded) {
  zone.naptr("example.com", 1, 1, "SIP+D2S", "_sip._sctp.example.com")
      .naptr("example.com", 2, 1, "SIP+D2W", "_sip._ws.example.com")
      .naptr("example.com", 3, 1, "E2U+sip", "x.example.com")
      .naptr("example.com", 4, 1, "SIP+D2T", "_sip._tcp.example.com", "a")
      .host("example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("udp 192.0.2.1:5060"));
}

// [RFC3263 4.1] Without NAPTR each transport's SRV records are asked for, and used TLS first, then TCP, then UDP
TEST_F(LocateTest, WithoutPointersEachTransportIsAsked) {
  zone.srv("_sip._udp.example.com", 0, 0, 5060, "a.example.com")
      .srv("_sip._tcp.example.com", 0, 0, 5062, "a.example.com")
      .host("a.example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("tcp 192.0.2.1:5062", "udp 192.0.2.1:5060"));
  EXPECT_THAT(zone.looked_up,
              ElementsAre("naptr example.com", "srv _sips._tcp.example.com", "srv _sip._tcp.example.com",
                          "a.example.com", "srv _sip._udp.example.com", "a.example.com"));
}

// [RFC3263 4.1, RFC3263 4.2] Without any SRV record: addresses, the default port, UDP for sip and TLS for sips
TEST_F(LocateTest, WithoutServicesTheNameItself) {
  zone.host("example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("udp 192.0.2.1:5060"));
  EXPECT_THAT(targets("sips:u@example.com"), ElementsAre("tls 192.0.2.1:5061"));
}

// [RFC2782] A target of "." says that the service is not offered: no way round it by the addresses
TEST_F(LocateTest, RootTargetMeansNoService) {
  zone.srv("_sip._udp.example.com", 0, 0, 0, "").host("example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com;transport=udp"), ElementsAre("no such host"));
  EXPECT_THAT(targets("sip:u@example.com"), ElementsAre("no such host"));
}

// [CGP-78, DET-10, RFC3261 26.2.2] A sips hop ends in TLS or nowhere, whatever zone, port, parameter or suffix say
TEST_F(LocateTest, SipsNeverGoesInClear) {
  zone.naptr("example.com", 10, 10, "SIP+D2U", "_sip._udp.example.com")
      .naptr("example.com", 20, 10, "SIP+D2T", "_sip._tcp.example.com");
  zone.srv("_sip._udp.example.com", 0, 0, 5060, "a.example.com")
      .srv("_sip._tcp.example.com", 0, 0, 5060, "a.example.com")
      .host("a.example.com", {"192.0.2.1"});
  EXPECT_THAT(targets("sips:u@example.com"), ElementsAre("no such host"));
  EXPECT_THAT(targets("sips:u@192.0.2.1;transport=udp"), ElementsAre("no transport"));
  EXPECT_THAT(targets("sips:u@192.0.2.1;transport=tcp"), ElementsAre("tls 192.0.2.1:5061"));
  NextHop forced = *next_hop_of(*sip::parse_uri("sips:u@192.0.2.1"));
  forced.transport = Transport::udp;  // a "._udp" suffix
  EXPECT_EQ(locate(forced, hosts, reach, {}, 1).outcome, Outcome::no_transport);
  reach = Reach();
  reach.add(Transport::udp, false);
  EXPECT_THAT(targets("sips:u@192.0.2.1"), ElementsAre("no transport"));
  EXPECT_THAT(targets("sips:u@example.com"), ElementsAre("no transport"));
}

// [RFC7118 5] A listener for browsers is no way out: nothing is looked up for one
TEST_F(LocateTest, NothingIsSentOutOverWebSocket) {
  const Endpoint address = *Endpoint::parse("192.0.2.9:443");
  reach =
      Reach({{Transport::wss, address, "", {}}, {Transport::ws, address, "", {}}, {Transport::udp, address, "", {}}});
  EXPECT_FALSE(reach.any(Transport::wss) || reach.any(Transport::ws));
  EXPECT_THAT(targets("sip:u@192.0.2.1;transport=ws"), ElementsAre("no transport"));
  EXPECT_THAT(targets("sips:u@192.0.2.1;transport=ws"), ElementsAre("no transport"));
  EXPECT_THAT(targets("sip:u@192.0.2.1"), ElementsAre("udp 192.0.2.1:5060"));
}

// [RFC5922 7.2] What TLS must prove is the domain of the URI, not what DNS made of it
TEST_F(LocateTest, TlsMustProveTheDomainAskedFor) {
  example();
  EXPECT_EQ(find("sips:u@Example.com").targets.front().server_name, "example.com");
  EXPECT_EQ(find("sips:u@192.0.2.1").targets.front().server_name, "192.0.2.1");
  EXPECT_EQ(find("sip:u@example.com;transport=tcp").targets.front().server_name, "");
}

// [CGP-31] Only a transport that was asked for is kept whatever the size of the request
TEST_F(LocateTest, ExplicitTransportsAreMarked) {
  zone.host("example.com", {"192.0.2.1"});
  EXPECT_FALSE(find("sip:u@example.com").targets.front().explicit_transport);
  EXPECT_TRUE(find("sip:u@example.com;transport=udp").targets.front().explicit_transport);
  EXPECT_TRUE(find("sips:u@example.com").targets.front().explicit_transport);
}

// [RFC3263 4] A host of the configuration needs no DNS: its port is used where the URI has none
TEST_F(LocateTest, ConfiguredHostsComeFirst) {
  hosts.push_back({"gateway.example.com", {*Endpoint::parse("192.0.2.1:5080"), {*IpAddress::parse("192.0.2.2"), 0}}});
  EXPECT_THAT(targets("sip:u@Gateway.example.com"), ElementsAre("udp 192.0.2.1:5080", "udp 192.0.2.2:5060"));
  EXPECT_THAT(targets("sip:u@gateway.example.com:5090;transport=tcp"),
              ElementsAre("tcp 192.0.2.1:5090", "tcp 192.0.2.2:5090"));
  EXPECT_THAT(targets("sips:u@gateway.example.com"), ElementsAre("tls 192.0.2.1:5080", "tls 192.0.2.2:5061"));
  EXPECT_THAT(zone.looked_up, IsEmpty());
  zone.srv("_sip._udp.example.com", 0, 0, 5070, "gateway.example.com");
  EXPECT_THAT(targets("sip:u@example.com;transport=udp"), ElementsAre("udp 192.0.2.1:5070", "udp 192.0.2.2:5070"))
      << "as the target of an SRV record";
}

// [RFC7984 4] Both families of each SRV target, before the next one; what we have no listener for is left out
TEST_F(LocateTest, BothFamilies) {
  zone.srv("_sip._udp.example.com", 1, 0, 5060, "a.example.com")
      .srv("_sip._udp.example.com", 2, 0, 5060, "b.example.com");
  zone.host("a.example.com", {"192.0.2.1", "2001:db8::1"}).host("b.example.com", {"2001:db8::2"});
  EXPECT_THAT(targets("sip:u@example.com;transport=udp"), ElementsAre("udp 192.0.2.1:5060"));
  reach.add(Transport::udp, true);
  EXPECT_THAT(targets("sip:u@example.com;transport=udp"),
              ElementsAre("udp 192.0.2.1:5060", "udp [2001:db8::1]:5060", "udp [2001:db8::2]:5060"));
  EXPECT_THAT(targets("sip:u@[2001:db8::3]"), ElementsAre("udp [2001:db8::3]:5060"));
  EXPECT_THAT(targets("sip:u@[2001:db8::3];transport=tcp"), ElementsAre("no transport"));
}

// [RFC2782] Priorities strictly, weights by chance: over many calls 3:1 is 3:1, and 0 beside them is rare
TEST_F(LocateTest, WeightsAreShares) {
  zone.srv("_sip._udp.example.com", 1, 60, 5060, "a.example.com")
      .srv("_sip._udp.example.com", 1, 20, 5060, "b.example.com")
      .srv("_sip._udp.example.com", 1, 0, 5060, "c.example.com")
      .srv("_sip._udp.example.com", 2, 65535, 5060, "d.example.com");
  for (const char* name : {"a", "b", "c", "d"})
    zone.host(name + std::string(".example.com"), {fmt::format("192.0.2.{}", name[0] - 'a' + 1)});
  std::map<std::string, int> first;
  constexpr int calls = 8000;
  for (int seed = 0; seed < calls; ++seed) {
    const auto all = targets("sip:u@example.com;transport=udp", static_cast<std::uint64_t>(seed));
    ASSERT_EQ(all.size(), 4u);
    ++first[all.front()];
    EXPECT_EQ(all.back(), "udp 192.0.2.4:5060") << "the higher number comes last";
  }
  EXPECT_NEAR(first["udp 192.0.2.1:5060"], calls * 60 / 81, 200);
  EXPECT_NEAR(first["udp 192.0.2.2:5060"], calls * 20 / 81, 200);
  EXPECT_NEAR(first["udp 192.0.2.3:5060"], calls * 1 / 81, 60);
}

// [RFC2782] Equal weights share equally, also when all are 0
TEST_F(LocateTest, EqualWeightsShareEqually) {
  for (const std::uint16_t weight : {std::uint16_t{0}, std::uint16_t{1}}) {
    zone = {};
    for (const char* name : {"a", "b"}) {
      zone.srv("_sip._udp.example.com", 1, weight, 5060, name + std::string(".example.com"));
      zone.host(name + std::string(".example.com"), {fmt::format("192.0.2.{}", name[0] - 'a' + 1)});
    }
    int first = 0;
    for (std::uint64_t seed = 0; seed < 4000; ++seed)
      first += targets("sip:u@example.com;transport=udp", seed).front() == "udp 192.0.2.1:5060" ? 1 : 0;
    EXPECT_NEAR(first, 2000, 200) << weight;
  }
}

// [RFC3263 4.4] The same chance gives the same order, in whatever order the server listed the records
TEST_F(LocateTest, OrderDependsOnChanceOnly) {
  for (const char* name : {"a", "b", "c"}) {
    zone.srv("_sip._udp.one.test", 1, 10, 5060, name + std::string(".test"));
    zone.host(name + std::string(".test"), {fmt::format("192.0.2.{}", name[0] - 'a' + 1)});
  }
  for (const char* name : {"c", "a", "b"}) zone.srv("_sip._udp.two.test", 1, 10, 5060, name + std::string(".test"));
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_EQ(targets("sip:u@one.test;transport=udp", seed), targets("sip:u@two.test;transport=udp", seed));
}

// [KAM-19] What is missing is asked for, all at once; with the answers the same call goes on
TEST_F(LocateTest, AsksForWhatIsMissing) {
  example();
  const auto missing = [&](std::string_view uri) {
    std::vector<std::string> names;
    for (const auto& question : find(uri).questions) names.push_back(question.name);
    return names;
  };
  zone.unasked = {{RecordType::naptr, "plain.test"},           {RecordType::srv, "_sips._tcp.plain.test"},
                  {RecordType::srv, "_sip._tcp.plain.test"},   {RecordType::srv, "_sip._udp.plain.test"},
                  {RecordType::address, "plain.test"},         {RecordType::address, "server1.example.com"},
                  {RecordType::address, "server2.example.com"}};
  EXPECT_THAT(missing("sip:u@Plain.test"), ElementsAre("plain.test"));
  zone.unasked.erase({RecordType::naptr, "plain.test"});
  EXPECT_THAT(missing("sip:u@Plain.test"),
              ElementsAre("_sips._tcp.plain.test", "_sip._tcp.plain.test", "_sip._udp.plain.test"));
  for (const char* prefix : {"_sips._tcp.", "_sip._tcp.", "_sip._udp."})
    zone.unasked.erase({RecordType::srv, prefix + std::string("plain.test")});
  EXPECT_THAT(missing("sip:u@Plain.test"), ElementsAre("plain.test"));
  EXPECT_THAT(missing("sip:u@example.com;transport=tcp"),
              UnorderedElementsAre("server1.example.com", "server2.example.com"));
  zone.unasked.erase({RecordType::address, "server1.example.com"});
  EXPECT_THAT(missing("sip:u@example.com;transport=tcp"), ElementsAre("server2.example.com"));
  EXPECT_THAT(find("sip:u@example.com;transport=tcp").targets, IsEmpty())
      << "not before all is known: the order might change";
}

// [threats 70] A name whose servers fail is no name that does not exist
TEST_F(LocateTest, FailureIsNotAbsence) {
  zone.failing(RecordType::address, "broken.test");
  EXPECT_THAT(targets("sip:u@broken.test:5060"), ElementsAre("no answer"));
  EXPECT_THAT(targets("sip:u@absent.test:5060"), ElementsAre("no such host"));
  EXPECT_THAT(targets("sip:u@absent.test"), ElementsAre("no such host"));
}

// [threats 70] A stranger's zone cannot make us ask for, or try, any number of hosts
TEST_F(LocateTest, TargetsAreBounded) {
  for (std::uint16_t i = 0; i < 100; ++i) {
    const std::string name = fmt::format("h{}.test", i);
    zone.srv("_sip._udp.example.com", i, 0, 5060, name);
    for (int j = 0; j < 10; ++j) zone.host(name, {fmt::format("192.0.{}.{}", i, j)});
  }
  EXPECT_EQ(targets("sip:u@example.com;transport=udp").size(), most_targets);
  EXPECT_EQ(zone.looked_up.size(), 1 + most_services);
}

// [threats 12, threats 45] Junk is not asked for, and what cannot be sent to is no target
TEST_F(LocateTest, JunkAndUnspeakableAddresses) {
  const auto lookup = [this](RecordType type, std::string_view name) { return zone.look_up(type, name); };
  for (const std::string& name : {std::string("300.1.1.1"), std::string(64, 'a') + ".test", std::string("a..test")}) {
    NextHop hop;  // no URI parser lets these pass; a configuration might
    hop.host = name;
    EXPECT_EQ(locate(hop, hosts, reach, lookup, 1).outcome, Outcome::no_such_host) << name;
  }
  EXPECT_THAT(zone.looked_up, IsEmpty());
  zone.host("evil.test", {"0.0.0.0", "255.255.255.255", "224.0.0.1"});
  EXPECT_THAT(targets("sip:u@evil.test:5060"), ElementsAre("no transport"));
}

// [RFC3263 4.3] An address is listed once, though several records lead to it
TEST_F(LocateTest, EachTargetOnce) {
  zone.srv("_sip._udp.example.com", 1, 0, 5060, "a.test")
      .srv("_sip._udp.example.com", 2, 0, 5060, "b.test")
      .host("a.test", {"192.0.2.1"})
      .host("b.test", {"192.0.2.1"});
  EXPECT_THAT(targets("sip:u@example.com;transport=udp"), ElementsAre("udp 192.0.2.1:5060"));
}

// [RFC3263 4.2] What needs no look-up has the same target by the short way, wherever that has one.
TEST_F(LocateTest, PlainTargetIsTheOneThatIsLocated) {
  std::size_t plain = 0;
  for (const bool udp : {true, false}) {
    for (const bool v6 : {true, false}) {
      reach = Reach();
      reach.add(Transport::tcp, false);
      if (udp) reach.add(Transport::udp, v6);
      for (const char* text :
           {"sip:u@192.0.2.1", "sip:192.0.2.1:5062", "sip:u@[2001:db8::1]:5080", "sip:u@192.0.2.1:0", "sip:u@0.0.0.0",
            "sip:u@224.0.0.1", "sip:u@192.0.2.1;lr", "sip:u@192.0.2.1;MADDR=192.0.2.2", "sip:u@192.0.2.1;transport=udp",
            "sips:u@192.0.2.1", "sip:u@192.0.2.1?subject=x", "sip:u@example.com", "tel:+1", "sip:u@[2001:db8::1]",
            "sip:u@[::ffff:192.0.2.1]"}) {
        const auto uri = sip::parse_uri(text);
        ASSERT_TRUE(uri) << text;
        const auto target = plain_target(*uri, reach);
        if (!target) continue;
        ++plain;
        const Location located = find(text);
        ASSERT_EQ(located.outcome, Outcome::targets) << text;
        ASSERT_EQ(located.targets.size(), 1U);
        EXPECT_EQ(target->transport, located.targets[0].transport);
        EXPECT_EQ(target->endpoint, located.targets[0].endpoint);
        EXPECT_EQ(target->explicit_transport, located.targets[0].explicit_transport);
        EXPECT_EQ(target->server_name, located.targets[0].server_name);
      }
    }
  }
  EXPECT_EQ(plain, 7U);
}

}  // namespace
}  // namespace bellhop::transport
