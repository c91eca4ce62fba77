// Client-initiated connections (RFC 5626), Path through an edge proxy (RFC 3327), GRUU (RFC 5627) and Service-Route
// (RFC 3608). With one shard and with three.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "behind_nat.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr const char* instance = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

/// bob's one device with two flows, and carol who calls him.
struct Outbound : testing::TestWithParam<unsigned> {
  explicit Outbound(Transport transport = Transport::udp, std::string_view more = "[sip]\ntimer_b = \"2s\"\n")
      : world({.shards = GetParam(), .config = World::open_house(more)}),
        first(world, "bob", "127.0.0.11:5061", "192.168.1.3:5060", transport),
        second(world, "bob", "127.0.0.12:5061", "192.168.1.3:5060", transport),
        carol(world, "carol", "127.0.0.66:5066", "127.0.0.66:5066") {}
  static std::string flow(int reg_id) { return fmt::format("{};reg-id={}", instance, reg_id); }
  void register_both() {
    EXPECT_THAT(first.register_contact(flow(1), "outbound, path"), StartsWith("SIP/2.0 200"));
    world.run_for(seconds(1));
    EXPECT_THAT(second.register_contact(flow(2), "outbound, path"), StartsWith("SIP/2.0 200"));
    forget();
  }
  void forget() {
    first.stranger.forget();
    second.stranger.forget();
    carol.stranger.forget();
  }
  std::string call() {
    carol.tell(carol.draft("INVITE", "sip:bob@example.test"));
    return carol.last();
  }
  World world;
  BehindNat first, second, carol;
};
struct OutboundOverTcp : Outbound {
  OutboundOverTcp() : Outbound(Transport::tcp) {}
};
INSTANTIATE_TEST_SUITE_P(Shards, Outbound, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, OutboundOverTcp, testing::Values(1u, 3u));

// [RFC5626 6, RFC5626 5.4] Who registers by its flow hears that it is kept, and how often to use it
TEST_P(Outbound, TheFlowIsKept) {
  const std::string kept = first.register_contact(flow(1), "outbound, path");
  EXPECT_THAT(kept, HasSubstr("\r\nRequire: outbound\r\n"));
  EXPECT_THAT(kept, HasSubstr("\r\nFlow-Timer: 120\r\n"));
  EXPECT_THAT(kept, HasSubstr(";reg-id=1"));
  const std::string plain = second.register_contact(instance, "outbound");
  EXPECT_THAT(plain, Not(HasSubstr("Require:")));
  EXPECT_THAT(second.register_contact(";reg-id=1", "outbound"), Not(HasSubstr("Require:")))
      << "without an instance it means nothing";
}

// [RFC5626 6] A registration that another proxy passed on and whose Path says nothing of flows: 439
TEST_P(Outbound, TheFirstHopMustKeepFlows) {
  const auto through = [&](std::string_view path, std::string_view supported) {
    Draft draft = first.draft("REGISTER", "sip:example.test")
                      .set("To", "<sip:bob@example.test>")
                      .set("Contact", first.contact() + flow(1));
    draft.add("Via: SIP/2.0/UDP 192.168.1.3;branch=z9hG4bKbehind")
        .set("Path", std::string(path))
        .set("Supported", std::string(supported));
    return first.tell(draft);
  };
  EXPECT_THAT(through("<sip:edge.example.test;lr>", "outbound, path"),
              StartsWith("SIP/2.0 439 First Hop Lacks Outbound Support\r\n"));
  EXPECT_THAT(through("<sip:edge.example.test;lr>", "path"), StartsWith("SIP/2.0 200"));
  EXPECT_THAT(through("<sip:edge.example.test;lr;ob>", "outbound, path"), HasSubstr("\r\nRequire: outbound\r\n"));
}

// [RFC5626 6] One flow, one contact
TEST_P(Outbound, OneContactAtATime) {
  const Draft draft = first.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>");
  EXPECT_THAT(first.tell(Draft(draft).set("Contact", first.contact() + flow(1) + ", <sip:bob@192.168.1.3:5070>")),
              StartsWith("SIP/2.0 400"));
}

// [RFC5626 7] Of two flows to one device the newest is used, the other one only when it fails
TEST_P(Outbound, OneFlowAtATime) {
  register_both();
  call();
  EXPECT_THAT(second.last(), StartsWith("INVITE "));
  EXPECT_THAT(first.last(), IsEmpty());
  world.run_for(milliseconds(2500));
  EXPECT_THAT(first.last(), StartsWith("INVITE ")) << "the first flow after Timer B on the second";
  first.answer("INVITE", "200 OK");
  EXPECT_THAT(carol.last(), StartsWith("SIP/2.0 200"));
}

// [RFC5630 5.3, RFC5626 7] A sips contact on a flow in clear cannot be used: the device's other flow is
TEST_P(Outbound, AFlowTheContactForbidsIsLeftForTheNext) {
  register_both();
  world.run_for(seconds(1));
  const Draft draft = second.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>");
  ASSERT_THAT(second.tell(Draft(draft)
                              .set("Call-ID", "register-sips")
                              .set("Supported", "outbound, path")
                              .set("Contact", "<sips:bob@192.168.1.3:5060>" + flow(2))),
              StartsWith("SIP/2.0 200"));
  forget();
  call();
  EXPECT_THAT(first.last(), StartsWith("INVITE "));
  EXPECT_THAT(second.last(), IsEmpty());
}

// [RFC5626 7] An answer of the device is an answer, whatever it says
TEST_P(Outbound, ARefusalIsNoLostFlow) {
  register_both();
  call();
  second.answer("INVITE", "486 Busy Here");
  world.run_for(seconds(5));
  EXPECT_THAT(carol.last(), StartsWith("SIP/2.0 486"));
  EXPECT_THAT(first.last(), IsEmpty());
}

// [RFC5626 7] A connection that ended costs no time: the call goes over the other flow at once; with both gone bob
// cannot be reached
TEST_P(OutboundOverTcp, ALostConnectionIsReplaced) {
  register_both();
  second.stranger.disconnect();
  call();
  EXPECT_THAT(first.last(), StartsWith("INVITE "));
  first.answer("INVITE", "200 OK");
  EXPECT_THAT(carol.last(), StartsWith("SIP/2.0 200"));
  forget();
  first.stranger.disconnect();
  EXPECT_THAT(call(), StartsWith("SIP/2.0 480"));
}

// [RFC5626 7] A connection that breaks while the request is on its way: the same
TEST_P(OutboundOverTcp, AConnectionLostUnderWay) {
  register_both();
  call();
  EXPECT_THAT(second.last(), StartsWith("INVITE "));
  EXPECT_THAT(first.last(), IsEmpty());
  second.stranger.disconnect();
  world.run_for(milliseconds(100));
  EXPECT_THAT(first.last(), StartsWith("INVITE "));
}

// [RFC5626 5.3.1] A request in a dialog whose flow is gone, to a Contact that leads nowhere: its caller cannot be
// reached
TEST_P(OutboundOverTcp, DialogOverALostFlow) {
  first.register_contact(flow(1), "outbound");
  forget();
  call();
  std::string answer = first.last("INVITE");
  answer = answer_to(answer, "200 OK");
  const auto at = answer.find("Contact:");
  answer.replace(
      at, answer.find("\r\n", at) + 2 - at,
      lines_of(first.last("INVITE"), "Record-Route") + "Contact: <sip:x@df7jal23ls0d.invalid;transport=tcp>\r\n");
  first.stranger.send(answer);
  world.run_for(milliseconds(100));
  const std::string heard = carol.last("SIP/2.0 200");
  first.stranger.disconnect();
  carol.tell(carol.draft("BYE", uri_in(line_of(heard, "Contact")))
                 .set("From", line_of(heard, "From").substr(6))
                 .set("To", line_of(heard, "To").substr(4))
                 .set("Call-ID", line_of(heard, "Call-ID").substr(9))
                 .set("CSeq", "2 BYE")
                 .set("Route", routes_from(heard, true)));
  world.run_for(seconds(1));
  EXPECT_THAT(carol.last(), StartsWith("SIP/2.0 480")) << "430 is for proxies";
}

// ---- an edge proxy and the registrar behind it

/// bob's phone talks to the edge; his home is another server.
struct Edge : testing::TestWithParam<unsigned> {
  explicit Edge(Transport transport = Transport::tcp, std::string_view more = {})
      : edge({.shards = GetParam(),
              .config = World::open_house(fmt::format(
                  "[sip]\nrelay = \"anybody\"\n[[host]]\nname = \"home.test\"\naddresses = [\"127.0.9.1:5060\"]\n{}",
                  more))}),
        home({.shards = GetParam(),
              .config = World::default_config("[sip]\nrelay = \"anybody\"\n", "authenticate = \"none\"\n", "home.test",
                                              "127.0.9.1:5060"),
              .domain = "home.test",
              .address = "127.0.9.1:5060",
              .beside = &edge}),
        bob(edge, "bob", "127.0.0.11:5061", "192.168.1.3:5060", transport),
        carol(home, "carol", "127.0.9.66:5066", "127.0.9.66:5066") {}
  std::string register_at_home(std::string_view supported = "outbound, path") {
    Draft draft = bob.draft("REGISTER", "sip:home.test")
                      .set("From", "<sip:bob@home.test>;tag=edge")
                      .set("To", "<sip:bob@home.test>")
                      .set("Contact", bob.contact() + instance + ";reg-id=1");
    if (!supported.empty()) draft.set("Supported", std::string(supported));
    const std::string answer = bob.tell(draft);
    edge.run_for(milliseconds(200));
    return bob.last("SIP/2.0");
  }
  World edge, home;
  BehindNat bob, carol;
};
struct EdgeWithOldHome : Edge {
  EdgeWithOldHome()
      : Edge(Transport::udp, "[[site]]\nname = \"home\"\ndomains = [\"home.*\"]\nworkarounds = [\"no-path\"]\n") {}
};
INSTANTIATE_TEST_SUITE_P(Shards, Edge, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, EdgeWithOldHome, testing::Values(1u, 3u));

// [RFC5626 5.1, RFC5626 5.3, REG-01] The edge puts itself with the flow into Path; calls come back over it, and when it
// is gone the caller hears 480, not 430
TEST_P(Edge, CallsComeBackOverTheFlow) {
  const std::string registered = register_at_home();
  EXPECT_THAT(registered, HasSubstr("\r\nRequire: outbound\r\n"));
  EXPECT_THAT(registered, HasSubstr("\r\nPath: <sip:127.0.0.1:5060;lr;ob;bp="));
  carol.tell(carol.draft("INVITE", "sip:bob@home.test").set("From", "<sip:carol@home.test>;tag=c"));
  edge.run_for(milliseconds(200));
  ASSERT_THAT(bob.last(), StartsWith("INVITE sip:bob@192.168.1.3:5060;transport=tcp SIP/2.0\r\n"));
  bob.answer("INVITE", "200 OK");
  edge.run_for(milliseconds(200));
  const std::string answer = carol.last("SIP/2.0 200");
  ASSERT_THAT(answer, StartsWith("SIP/2.0 200"));
  carol.tell(carol.draft("BYE", uri_in(line_of(answer, "Contact")))
                 .set("From", line_of(answer, "From").substr(6))
                 .set("To", line_of(answer, "To").substr(4))
                 .set("Call-ID", line_of(answer, "Call-ID").substr(9))
                 .set("CSeq", "2 BYE")
                 .set("Route", routes_from(answer, true)));
  edge.run_for(milliseconds(200));
  EXPECT_THAT(bob.last(), StartsWith("BYE sip:bob@192.168.1.3:5060;transport=tcp SIP/2.0\r\n"));
  bob.stranger.disconnect();
  carol.stranger.forget();
  carol.tell(carol.draft("INVITE", "sip:bob@home.test").set("From", "<sip:carol@home.test>;tag=c"));
  edge.run_for(milliseconds(200));
  EXPECT_THAT(carol.last(), StartsWith("SIP/2.0 480"));
}

// [RFC5626 5.2, threats 57] A Path that somebody made up or changed leads nowhere
TEST_P(Edge, PathsCannotBeMadeUp) {
  const std::string registered = register_at_home();
  const std::string line = line_of(registered, "Path");
  std::string path = line.substr(6);
  const auto at = path.find(";bf=") + 8;
  path[at] = path[at] == '0' ? '1' : '0';
  bob.stranger.forget();
  BehindNat mallory(edge, "mallory", "127.0.0.98:5060", "127.0.0.98:5060");
  mallory.tell(mallory.draft("MESSAGE", "sip:bob@192.168.1.3:5060").set("Route", path));
  edge.run_for(seconds(1));
  EXPECT_THAT(bob.last(), IsEmpty());
}

// [threats 57, threats 58] Nor is a token of a dialog, whatever the Call-ID; a REGISTER is judged like any other
TEST_P(Edge, ADialogIsNoPassword) {
  BehindNat alice(edge, "alice", "127.0.0.66:5066", "127.0.0.66:5066"),
      dave(edge, "dave", "127.0.0.77:5077", "127.0.0.77:5077");
  dave.register_contact();
  dave.stranger.forget();
  alice.tell(alice.draft("INVITE", "sip:dave@example.test"));
  const std::string heard = dave.last("INVITE");
  ASSERT_THAT(heard, StartsWith("INVITE "));
  edge.apply(World::default_config());
  Draft draft = dave.draft("REGISTER", "sip:example.test")
                    .set("To", "<sip:carol@example.test>;tag=x")
                    .set("From", "<sip:carol@example.test>;tag=y");
  draft.set("Call-ID", line_of(heard, "Call-ID").substr(9)).set("Route", routes_from(heard, false));
  EXPECT_THAT(dave.tell(draft), StartsWith("SIP/2.0 401"));
}

// [threats 57] What we sign for one purpose is good for no other: a To tag of ours is no Path and no dialog
TEST_P(Edge, TagsAndNoncesAreNoTokens) {
  BehindNat mallory(edge, "mallory", "127.0.0.98:5060", "127.0.0.98:5060"),
      victim(edge, "victim", "127.0.0.99:5060", "127.0.0.99:5060");
  const std::string flow = "00000000004ua0000001vg0022";
  Draft draft = mallory.draft("OPTIONS", "sip:nobody@example.test")
                    .set("Call-ID", "path")
                    .set("CSeq", "5 OPTIONS")
                    .set("From", "<sip:m@x.test>;tag=" + flow);
  const std::string to = line_of(mallory.tell(draft), "To");
  const auto tag = to.find(";tag=bh");
  ASSERT_NE(tag, std::string::npos) << to;
  const std::string uri = fmt::format("sip:x@127.0.0.1:5060;bp={};bf={};bu=5", to.substr(tag + 7), flow);
  edge.apply(World::default_config());
  EXPECT_THAT(mallory.tell(mallory.draft("MESSAGE", uri).set("From", "<sip:m@x.test>;tag=1")),
              testing::Not(StartsWith("SIP/2.0 2")));
  EXPECT_THAT(victim.last(), IsEmpty());
}

// [RFC5626 5.3.1, threats 57] A Path as Request-URI makes no dialog of a stranger's request
TEST_P(Edge, APathIsNoDialog) {
  const std::string path = uri_in(line_of(register_at_home(), "Path"));
  BehindNat mallory(edge, "mallory", "127.0.0.98:5060", "127.0.0.98:5060"),
      victim(edge, "victim", "127.0.0.99:5060", "127.0.0.99:5060");
  edge.apply(World::default_config());
  const Draft draft = mallory.draft("MESSAGE", path)
                          .set("To", "<sip:v@x.test>;tag=1")
                          .set("From", "<sip:m@x.test>;tag=1")
                          .set("Route", "<sip:v@127.0.0.99:5060>");
  mallory.tell(draft);
  edge.run_for(seconds(1));
  EXPECT_THAT(victim.last(), IsEmpty());
}

// [threats 58, RFC5626 5.3] A Path of ours is no password: who brings one still has to show who he is to register here
TEST_P(Edge, APathIsNoPassword) {
  const std::string path = line_of(register_at_home(), "Path").substr(6);
  edge.apply(World::default_config());
  Draft draft = bob.draft("REGISTER", "sip:example.test")
                    .set("To", "<sip:carol@example.test>")
                    .set("From", "<sip:carol@example.test>;tag=x");
  EXPECT_THAT(bob.tell(draft.set("Route", path)), StartsWith("SIP/2.0 401"));
}

// [CGP-67] A registrar that does not know Path gets a Contact that names the edge; the phone hears its own back, and
// calls find it
TEST_P(EdgeWithOldHome, TheContactNamesTheEdge) {
  const std::string registered = register_at_home({});
  EXPECT_THAT(registered, StartsWith("SIP/2.0 200"));
  EXPECT_THAT(registered, Not(HasSubstr("Path:")));
  EXPECT_THAT(registered, HasSubstr("\r\nContact: <sip:bob@192.168.1.3:5060>;"));
  carol.tell(carol.draft("INVITE", "sip:bob@home.test").set("From", "<sip:carol@home.test>;tag=c"));
  edge.run_for(milliseconds(200));
  EXPECT_THAT(bob.last(), StartsWith("INVITE sip:bob@192.168.1.3:5060 SIP/2.0\r\n"));
}

// ---- GRUU

struct Gruu : Outbound {
  Gruu() : Outbound(Transport::udp, {}) {}
  /// The value of a parameter of the Contact.
  static std::string parameter(const std::string& message, const std::string& name) {
    const auto at = message.find(";" + name + "=\"");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 3;
    return message.substr(begin, message.find('"', begin) - begin);
  }
  std::string calls(const std::string& uri) {
    forget();
    carol.tell(carol.draft("INVITE", uri));
    return carol.last("SIP/2.0").empty() ? std::string() : carol.last("SIP/2.0");
  }
};
INSTANTIATE_TEST_SUITE_P(Shards, Gruu, testing::Values(1u, 3u));

// [REG-02, RFC5627 5] A device that asks gets both addresses, and each reaches it alone
TEST_P(Gruu, EachReachesItsDevice) {
  const std::string mine = first.register_contact(instance, "gruu");
  second.register_contact(";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\"");
  const std::string by_instance = parameter(mine, "pub-gruu"), by_secret = parameter(mine, "temp-gruu");
  EXPECT_EQ(by_instance, "sip:bob@example.test;gr=urn:uuid:00000000-0000-1000-8000-000A95A0E128");
  EXPECT_THAT(by_secret, MatchesRegex("sip:tgruu\\.[0-9a-v]+@example\\.test;gr"));
  EXPECT_EQ(by_secret.find("bob"), std::string::npos);
  for (const std::string& uri : {by_instance, by_secret}) {
    SCOPED_TRACE(uri);
    calls(uri);
    EXPECT_THAT(first.last(), StartsWith("INVITE sip:bob@192.168.1.3:5060 SIP/2.0\r\n"));
    EXPECT_THAT(second.last(), IsEmpty());
  }
  calls("sip:bob@example.test");
  EXPECT_THAT(second.last(), StartsWith("INVITE "));
}

// [RFC5627 3.2, RFC5627 5.4] Each refresh brings another temporary one, and all are good until the device registers
// anew
TEST_P(Gruu, TemporaryOnesEndWithTheRegistration) {
  const std::string one = parameter(first.register_contact(instance, "gruu"), "temp-gruu");
  const std::string two = parameter(first.register_contact(instance, "gruu"), "temp-gruu");
  EXPECT_NE(one, two);
  calls(one);
  EXPECT_THAT(first.last(), StartsWith("INVITE "));
  BehindNat again(world, "bob", "127.0.0.13:5061", "192.168.1.3:5060");  // another Call-ID
  again.register_contact(instance, "gruu");
  EXPECT_THAT(calls(two), StartsWith("SIP/2.0 404"));
}

// [RFC5627 5.3] Of a device that is not registered: 480; of nobody: 404; made up: 404
TEST_P(Gruu, NobodyThere) {
  EXPECT_THAT(calls("sip:bob@example.test;gr=urn:uuid:nobody"), StartsWith("SIP/2.0 480"));
  EXPECT_THAT(calls("sip:nobody@example.test;gr=urn:uuid:nobody"), StartsWith("SIP/2.0 404"));
  EXPECT_THAT(calls("sip:tgruu.0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnop@example.test;gr"),
              StartsWith("SIP/2.0 404"));
}

// [RFC5627 5.1] A GRUU is no Contact: it would lead to itself
TEST_P(Gruu, IsNoContact) {
  Draft draft = first.draft("REGISTER", "sip:example.test")
                    .set("To", "<sip:bob@example.test>")
                    .set("Contact", "<sip:bob@example.test;gr=urn:uuid:1>");
  EXPECT_THAT(first.tell(draft), StartsWith("SIP/2.0 403"));
}

// [RFC3608 6.1] Registered devices hear through which proxies to send
TEST_P(Outbound, ServiceRoute) {
  EXPECT_THAT(first.register_contact(), Not(HasSubstr("Service-Route")));
  world.apply(
      World::open_house("[registrar]\nservice_route = [\"sip:p1.example.test;lr\", \"sip:p2.example.test;lr\"]\n"));
  EXPECT_THAT(first.register_contact(),
              HasSubstr("\r\nService-Route: <sip:p1.example.test;lr>\r\nService-Route: <sip:p2.example.test;lr>\r\n"));
}

}  // namespace
}  // namespace bellhop::scenario
