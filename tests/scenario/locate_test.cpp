// Finding peers by DNS (RFC 3263) and going on to the next target when one fails, seen from outside a whole server.
// With one shard and with three.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using net::RecordType;
using sip::Transport;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* first_at = "127.0.0.11:5070";
constexpr const char* second_at = "127.0.0.12:5070";

/// alice is a user here; partner.test is somebody else's domain with two servers, the first one preferred.
struct Partner : testing::TestWithParam<unsigned> {
  explicit Partner(std::string_view more = "[sip]\ntimer_b = \"5s\"\n", Transport transport = Transport::udp)
      : world({.shards = GetParam(), .config = World::default_config(more)}), alice(world, "alice", "127.0.0.2:5060") {
    const char* service = transport == Transport::udp ? "_sip._udp.partner.test" : "_sip._tcp.partner.test";
    world.net().add_service(service, {1, 0, 5070, "one.partner.test"});
    world.net().add_service(service, {2, 0, 5070, "two.partner.test"});
    world.net().add_host("one.partner.test", *IpAddress::parse("127.0.0.11"));
    world.net().add_host("two.partner.test", *IpAddress::parse("127.0.0.12"));
    alice.register_contact();
    world.run_for(seconds(40));
    alice.forget();
  }
  int call(std::string_view uri = "sip:bob@partner.test", Duration wait = seconds(40)) {
    alice.forget();
    alice.call(uri);
    world.run_for(wait);
    return alice.last_status("INVITE");
  }
  void hang_up(Duration wait = seconds(40)) {
    alice.hang_up();
    world.run_for(wait);
  }
  int message(std::string_view uri) {
    alice.forget();
    alice.send("MESSAGE", uri, {}, "hello");
    world.run_for(seconds(10));
    return alice.last_status("MESSAGE");
  }
  std::size_t questions(RecordType type, std::string_view name) { return world.net().dns_questions(type, name); }
  World world;
  Phone alice;
};
struct PartnerOverTcp : Partner {
  PartnerOverTcp() : Partner("[sip]\ntimer_b = \"5s\"\n", Transport::tcp) {}
};
INSTANTIATE_TEST_SUITE_P(Shards, Partner, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, PartnerOverTcp, testing::Values(1u, 3u));

// [KAM-16, RFC3263 4.1] NAPTR chooses the transport, and SRV the host and port
TEST_P(Partner, PointersChooseTheTransport) {
  world.net().add_pointer("chooser.test", {10, 10, "s", "SIP+D2T", "_sip._tcp.partner.test"});
  world.net().add_pointer("chooser.test", {20, 10, "s", "SIP+D2U", "_sip._udp.partner.test"});
  world.net().add_service("_sip._tcp.partner.test", {1, 0, 5080, "two.partner.test"});
  Phone tcp(world, "tcp", "127.0.0.12:5080", Transport::tcp), udp(world, "udp", first_at);
  EXPECT_EQ(call("sip:bob@chooser.test"), 200);
  EXPECT_THAT(tcp.last_request("INVITE"), HasSubstr("\r\nVia: SIP/2.0/TCP "));
  EXPECT_EQ(udp.count_requests("INVITE"), 0u);
}

// [CGP-53, CGP-56, RFC3263 4.3] The first server is silent: after Timer B the second one has the call, with a branch of
// its own, and the caller knows nothing of it
TEST_P(Partner, SilentServerIsLeftForTheNext) {
  Stranger first(world, Transport::udp, first_at);
  Phone second(world, "second", second_at);
  world.name(*Endpoint::parse(first_at), "first");
  world.name(*Endpoint::parse(second_at), "second");
  EXPECT_EQ(call(), 200);
  ASSERT_GE(first.count("INVITE"), 3u) << "it was repeated until Timer B";
  const auto began = world.times_of("first <- INVITE"), went_on = world.times_of("second <- INVITE");
  ASSERT_EQ(went_on.size(), 1u);
  EXPECT_NEAR(static_cast<double>((went_on.front() - began.front()) / milliseconds(1)), 5000, 50);
  EXPECT_NE(line_of(first.last("INVITE"), "Via"), line_of(second.last_request("INVITE"), "Via"));
  EXPECT_EQ(line_of(first.last("INVITE"), "Call-ID"), line_of(second.last_request("INVITE"), "Call-ID"));
  EXPECT_EQ(alice.count_responses("200 INVITE"), 1u);
  EXPECT_THAT(alice.responses(), Each(Not(StartsWith("408"))));
  EXPECT_EQ(world.counter("proxy.failovers"), 1u);
  EXPECT_TRUE(alice.in_call());
}

// [KAM-20] A server that failed comes last for a while, for the calls of every shard; then it is the first again
TEST_P(Partner, FailedServerIsAvoidedForAWhile) {
  Stranger first(world, Transport::udp, first_at);
  Phone second(world, "second", second_at);
  ASSERT_EQ(call("sip:bob@partner.test", seconds(7)), 200);
  EXPECT_EQ(world.gauge("transport.targets.avoided"), 1);
  for (int i = 0; i < 5; ++i) {
    hang_up(seconds(2));
    first.forget();
    EXPECT_EQ(call("sip:bob@partner.test", seconds(2)), 200);
    EXPECT_EQ(first.count("INVITE"), 0u);
  }
  hang_up();
  world.run_for(seconds(20));
  EXPECT_EQ(call(), 200);
  EXPECT_GT(first.count("INVITE"), 0u);
}

// [RFC4320 4.2, KAM-20] Another request ends with its Timer F, when its caller has given up as well: the next server is
// not bothered with it, but has the next one
TEST_P(Partner, SilenceToAMessageEndsIt) {
  Stranger first(world, Transport::udp, first_at);
  Phone second(world, "second", second_at);
  alice.send("MESSAGE", "sip:bob@partner.test", {}, "hello");
  world.run_for(seconds(70));
  EXPECT_GT(first.count("MESSAGE"), 3u);
  EXPECT_EQ(second.count_requests("MESSAGE"), 0u);
  EXPECT_EQ(world.forks(), 0u);
  EXPECT_EQ(message("sip:bob@partner.test"), 200);
  EXPECT_EQ(second.count_requests("MESSAGE"), 1u);
}

// [CGP-56, RFC3263 4.3] Nobody there: ICMP for UDP, and the next one rings at once
TEST_P(Partner, UnreachableServerIsLeftForTheNext) {
  Phone second(world, "second", second_at);
  EXPECT_EQ(call("sip:bob@partner.test", seconds(1)), 200);
  EXPECT_EQ(second.count_requests("INVITE"), 1u);
}

// [CGP-56, RFC3263 4.3] A refused connection likewise
TEST_P(PartnerOverTcp, RefusedConnectionIsLeftForTheNext) {
  Phone second(world, "second", second_at, Transport::tcp);
  EXPECT_EQ(call("sip:bob@partner.test", seconds(1)), 200);
  EXPECT_EQ(second.count_requests("INVITE"), 1u);
}

// [CGP-56, RFC3263 4.3] 503: the next one; without Retry-After the first is asked again by the next call
TEST_P(Partner, Refusal503IsLeftForTheNext) {
  Phone first(world, "first", first_at), second(world, "second", second_at);
  first.script.answers = {{milliseconds(0), 503}};
  EXPECT_EQ(call(), 200);
  EXPECT_EQ(alice.count_responses("200 INVITE"), 1u);
  EXPECT_THAT(alice.responses(), Each(Not(StartsWith("50"))));
  hang_up();
  EXPECT_EQ(call(), 200);
  EXPECT_EQ(first.count_requests("INVITE"), 2u);
  EXPECT_EQ(second.count_requests("INVITE"), 2u);
}

// [RFC3261 21.5.4, KAM-20] 503 with Retry-After: it is left alone for that long
TEST_P(Partner, RetryAfterIsHeard) {
  Stranger first(world, Transport::udp, first_at);
  Phone second(world, "second", second_at);
  alice.call("sip:bob@partner.test");
  world.run_for(milliseconds(100));
  std::string busy = answer_to(first.last("INVITE"), "503 Service Unavailable");
  busy.insert(busy.find("Content-Length"), "Retry-After: 120 (maintenance)\r\n");
  first.send(busy);
  world.run_for(seconds(10));
  ASSERT_EQ(alice.last_status("INVITE"), 200);
  hang_up();
  first.forget();
  world.run_for(seconds(30));
  EXPECT_EQ(call(), 200);
  EXPECT_EQ(first.count("INVITE"), 0u) << "80 s have passed, more than for other failures";
  hang_up();
  world.run_for(seconds(20));
  EXPECT_EQ(call(), 200);
  EXPECT_GT(first.count("INVITE"), 0u);
}

// [RFC3263 4.3] All fail: the caller hears of the last failure only
TEST_P(Partner, AllSilent) {
  Stranger first(world, Transport::udp, first_at), second(world, Transport::udp, second_at);
  EXPECT_EQ(call(), 408);
  EXPECT_GT(first.count("INVITE"), 0u);
  EXPECT_GT(second.count("INVITE"), 0u);
  world.run_for(seconds(40));
  EXPECT_EQ(world.forks(), 0u);
  EXPECT_EQ(world.transactions(), 0u);
}

// [RFC3261 16.10, RFC3263 4.3] A caller who hung up is not called through to the next server
TEST_P(Partner, CancelledCallGoesNowhere) {
  Stranger first(world, Transport::udp, first_at);
  Phone second(world, "second", second_at);
  alice.call("sip:bob@partner.test");
  world.run_for(seconds(1));
  alice.cancel();
  world.run_for(seconds(40));
  EXPECT_EQ(alice.last_status("INVITE"), 487);
  EXPECT_EQ(second.count_requests("INVITE"), 0u);
}

// [RFC3261 9.1, RFC3263 4.3] A caller who hangs up later cancels at the server that has the call now
TEST_P(Partner, CancelGoesToTheNextServer) {
  Phone first(world, "first", first_at), second(world, "second", second_at);
  first.script.answers = {{milliseconds(10), 100}, {milliseconds(50), 503}};
  second.script.answers = {{milliseconds(300), 180}};
  alice.call("sip:bob@partner.test");
  world.run_for(milliseconds(200));
  ASSERT_EQ(second.count_requests("INVITE"), 1u);
  alice.cancel();
  world.run_for(seconds(40));
  EXPECT_EQ(alice.last_status("INVITE"), 487);
  EXPECT_EQ(first.count_requests("CANCEL"), 0u);
  EXPECT_EQ(second.count_requests("CANCEL"), 1u);
}

// [RFC3263 4.3] A phone that rang is not rung a second time elsewhere when its server is lost
TEST_P(PartnerOverTcp, RingingCallIsNotTriedElsewhere) {
  Phone first(world, "first", first_at, Transport::tcp), second(world, "second", second_at, Transport::tcp);
  first.script.answers = {{milliseconds(10), 180}};
  alice.call("sip:bob@partner.test");
  world.run_for(seconds(1));
  ASSERT_EQ(alice.last_status("INVITE"), 180);
  world.net().break_streams(*IpAddress::parse("127.0.0.1"), *IpAddress::parse("127.0.0.11"));
  world.run_for(seconds(5));
  EXPECT_EQ(alice.last_status("INVITE"), 500);
  EXPECT_EQ(second.count_requests("INVITE"), 0u);
}

// [CGP-78, DET-10] A sips target is refused rather than sent in clear
TEST_P(Partner, SipsIsNeverSentInClear) {
  Phone first(world, "first", first_at), second(world, "second", "127.0.0.12:5060"),
      tcp(world, "tcp", "127.0.0.12:5061", Transport::tcp);
  for (const char* uri : {"sips:bob@partner.test", "sips:bob@127.0.0.12", "sips:bob@127.0.0.12;transport=udp",
                          "sips:bob@127.0.0.12;transport=tcp", "sips:bob@127.0.0.12._udp", "sips:bob@127.0.0.12:5060"})
    EXPECT_GE(message(uri), 400) << uri;
  for (const Phone* phone : {&first, &second, &tcp}) EXPECT_THAT(phone->requests(), testing::IsEmpty());
}

// [KAM-19] The second look-up asks nobody until the time to live is over; that there is no NAPTR record is remembered
// too
TEST_P(Partner, NothingIsAskedTwice) {
  Phone first(world, "first", first_at);
  ASSERT_EQ(message("sip:bob@partner.test"), 200);
  ASSERT_EQ(message("sip:bob@partner.test"), 200);
  EXPECT_EQ(questions(RecordType::naptr, "partner.test"), 1u);
  EXPECT_EQ(questions(RecordType::srv, "_sip._udp.partner.test"), 1u);
  EXPECT_EQ(questions(RecordType::srv, "_sip._tcp.partner.test"), 1u);
  EXPECT_EQ(questions(RecordType::srv, "_sips._tcp.partner.test"), 0u) << "we speak no TLS here";
  EXPECT_EQ(questions(RecordType::address, "one.partner.test"), 1u);
  world.run_for(seconds(61));
  ASSERT_EQ(message("sip:bob@partner.test"), 200);
  EXPECT_EQ(questions(RecordType::naptr, "partner.test"), 2u);
  EXPECT_EQ(questions(RecordType::srv, "_sip._udp.partner.test"), 2u);
  EXPECT_EQ(questions(RecordType::address, "one.partner.test"), 2u);
}

// [KAM-19] Answers with a time to live of nothing serve the request that asked for them
TEST_P(Partner, AnswersThatAreNotCachedAreUsed) {
  world.net().set_dns_ttl(Duration::zero());
  Phone first(world, "first", first_at);
  EXPECT_EQ(message("sip:bob@partner.test"), 200);
  EXPECT_EQ(questions(RecordType::srv, "_sip._udp.partner.test"), 1u);
  EXPECT_EQ(questions(RecordType::address, "one.partner.test"), 1u);
}

// [KAM-19, threats 70] A slow name server delays those who need it and nobody else
TEST_P(Partner, SlowAnswersDelayNobodyElse) {
  Phone first(world, "first", first_at), carol(world, "carol", "127.0.0.4:5060"),
      slow(world, "slow", "127.0.0.13:5060");
  world.net().add_host("slow.test", *IpAddress::parse("127.0.0.13"));
  carol.register_contact();
  ASSERT_EQ(message("sip:bob@partner.test"), 200);
  world.net().set_dns_delay(seconds(5));
  alice.send("MESSAGE", "sip:u@slow.test:5060", {}, "hello");
  world.run_for(milliseconds(200));
  carol.forget();
  carol.send("MESSAGE", "sip:bob@partner.test", {}, "hello");
  world.run_for(milliseconds(200));
  EXPECT_EQ(carol.last_status("MESSAGE"), 200);
  EXPECT_EQ(slow.count_requests("MESSAGE"), 0u);
  world.run_for(seconds(5));
  EXPECT_EQ(slow.count_requests("MESSAGE"), 1u);
}

// [threats 70] A name whose servers fail ends its own request, and is not taken for a name that does not exist
TEST_P(Partner, FailingNamesFailByThemselves) {
  world.net().set_failing("broken.test");
  EXPECT_EQ(message("sip:u@broken.test:5060"), 500);
  EXPECT_EQ(message("sip:u@missing.test:5060"), 404);
}

// [RFC3263 4] A host of the configuration needs no DNS
TEST_P(Partner, ConfiguredHostsNeedNoDns) {
  world.apply(World::default_config("[[host]]\nname = \"gw.partner.test\"\naddresses = [\"127.0.0.12:5070\"]\n"));
  Phone second(world, "second", second_at);
  EXPECT_EQ(message("sip:u@GW.partner.test"), 200);
  EXPECT_EQ(questions(RecordType::naptr, "gw.partner.test") + questions(RecordType::address, "gw.partner.test"), 0u);
}

// [CGP-18] A suffix that forces the transport chooses its SRV records
TEST_P(PartnerOverTcp, SuffixChoosesTheServices) {
  Phone first(world, "first", first_at, Transport::tcp);
  EXPECT_EQ(message("sip:u@partner.test._tcp"), 200);
  EXPECT_THAT(first.last_request("MESSAGE"), StartsWith("MESSAGE sip:u@partner.test SIP/2.0\r\n"));
  EXPECT_EQ(questions(RecordType::naptr, "partner.test") + questions(RecordType::srv, "_sip._udp.partner.test"), 0u);
}

}  // namespace
}  // namespace bellhop::scenario
