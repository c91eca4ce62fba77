// What RFC 3261 sections 8, 16 and 18 ask of a proxy and registrar, and the catalogue beside it, seen from outside a whole server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using sip::Transport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// A caller and a callee who write every octet by hand, in a house that asks nobody for a password.
struct Hands {
  explicit Hands(std::string config = World::open_house(), Transport callers = Transport::udp, Transport callees = Transport::udp)
      : world({.config = std::move(config)}), alice(world, callers), bob(world, callees, "127.0.0.77:5077") {
    const char* more = callees == Transport::tcp ? ";transport=tcp" : "";
    EXPECT_EQ(bob.ask(bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Contact", fmt::format("<sip:bob@127.0.0.77:5077{}>", more))), 200);
    bob.forget();
    (void)world.arrows();
  }
  /// What bob hears of it.
  std::string heard(const Draft& draft) { return heard(draft.text()); }
  std::string heard(const std::string& octets) {
    bob.forget();
    alice.send(octets);
    world.run_for(milliseconds(50));
    return bob.received().empty() ? std::string() : bob.received().back();
  }
  void bob_says(std::string_view status, std::string_view to = "INVITE") {
    bob.send(answer_to(bob.last(to), status));
    world.run_for(milliseconds(50));
  }
  World world;
  Stranger alice, bob;
};

std::string tag_of(const std::string& message) {
  const std::string to = line_of(message, "To");
  const auto at = to.find(";tag=");
  return at == std::string::npos ? std::string() : to.substr(at + 5);
}

// ---- a server's own answers

// [RFC3261 8.2.7, RFC3261 19.3] Answers without state: never a 1xx, no repeats, the same To tag for a repeat and another for another request; ACK is ignored
TEST(OwnAnswers, HaveNoState) {
  World world({});
  Stranger alice(world, Transport::udp);
  const Draft invite = alice.draft();
  EXPECT_EQ(alice.ask(invite), 407);
  EXPECT_EQ(alice.ask(invite), 407);
  const std::string first = alice.received()[0], again = alice.received()[1];
  EXPECT_EQ(tag_of(first), tag_of(again));
  EXPECT_GE(tag_of(first).size(), 7u) << "32 bits of chance at least";
  EXPECT_EQ(world.transactions(), 0u);
  alice.send(ack_of(invite.text(), first));
  world.run_for(seconds(40));
  EXPECT_THAT(alice.received(), SizeIs(2));
  EXPECT_EQ(alice.ask(alice.draft()), 407);
  EXPECT_NE(tag_of(alice.received().back()), tag_of(first));
}

// [RFC3261 8.2.1, RT-11] A method no phone of the user takes: 405, with those that would do in Allow
TEST(OwnAnswers, SayWhatIsAllowed) {
  Hands hands(World::open_house("[registrar]\nmethod_filtering = true\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Contact", "<sip:bob@127.0.0.77:5077>")
                              .set("Allow", "INVITE, ACK, BYE, CANCEL").set("Call-ID", "another")), 200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE")), 405);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nAllow: INVITE, ACK, BYE, CANCEL\r\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:carol@example.test>").set("Allow", "TELEPORT")), 200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE", "sip:carol@example.test")), 405);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nAllow:\r\nContent-Length: 0\r\n\r\n"));
}

// [RFC3261 7.3.1] A parameter name appears once in a value: two branches in a Via are refused
TEST(OwnAnswers, ParametersAppearOnce) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").set("Via", "SIP/2.0/UDP 127.0.0.66:5066;branch=z9hG4bKa;branch=z9hG4bKb")), 0) << "nothing tells where to";
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").set("From", "<sip:alice@example.test>;tag=a;tag=b")), 400);
}

// [RFC3261 8.2.2, RFC3261 7.3.2] A header field nobody understands, or that belongs to responses, is ignored, here and on its way
TEST(OwnAnswers, IgnoreUnknownFields) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").add("Quux: \"a, b\";c=<d>").add("WWW-Authenticate: junk")), 200);
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE").add("Quux: \"a, b\";c=<d>")), HasSubstr("\r\nQuux: \"a, b\";c=<d>\r\n"));
}

// [RFC3261 8.2.2.1, RFC3261 16.3] A Request-URI of an unknown scheme: 416
TEST(OwnAnswers, UnknownScheme) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("INVITE", "urn:service:sos").set("To", "<sip:bob@example.test>")), 416);
}

// [RFC3261 10.3, RFC3261 22.2] A REGISTER without credentials is challenged with 401, and nothing is kept
TEST(OwnAnswers, RegistrationIsChallenged) {
  World world({});
  Stranger alice(world, Transport::udp);
  const auto draft = [&] { return alice.draft("REGISTER", "sip:example.test").set("To", "<sip:alice@example.test>"); };
  EXPECT_EQ(alice.ask(draft()), 401);
  EXPECT_THAT(line_of(alice.received().back(), "WWW-Authenticate"), StartsWith("WWW-Authenticate: Digest realm=\"example.test\""));
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [RFC3261 10.3] Record-Route in a REGISTER is ignored and not returned
TEST(OwnAnswers, RegistrarIgnoresRecordRoute) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Contact", "<sip:bob@127.0.0.77:5077>")
                              .set("Record-Route", "<sip:127.0.0.9;lr>")), 200);
  EXPECT_THAT(hands.bob.received().back(), Not(HasSubstr("Record-Route")));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE")), Not(HasSubstr("127.0.0.9")));
}

// [RFC3261 10.3] Require the registrar cannot fulfil: 420 with Unsupported
TEST(OwnAnswers, RegistrarRefusesRequire) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Require", "path, teleport")), 420);
  EXPECT_THAT(hands.bob.received().back(), HasSubstr("\r\nUnsupported: teleport\r\n"));
}

// [RFC3261 8.2.3] A body of a REGISTER is not read; where its handling is required, or not said, that is a 415 with the types that would do: none. Without Content-Disposition it is passed over, on purpose
TEST(OwnAnswers, BodiesOfRegistrations) {
  Hands hands;
  Draft draft = hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").body("<x/>", "application/xml");
  EXPECT_EQ(hands.bob.ask(draft), 200);
  int cseq = 1;
  for (const auto& [disposition, status] : {std::pair{"session;handling=required", 415}, {"session", 415}, {"session;handling=optional", 200}}) {
    ++cseq;
    EXPECT_EQ(hands.bob.ask(draft.set("Content-Disposition", disposition).set("CSeq", fmt::format("{} REGISTER", cseq))
                                .set("Via", fmt::format("SIP/2.0/UDP 127.0.0.77:5077;rport;branch=z9hG4bKagain{}", cseq))), status) << disposition;
    if (status != 415) continue;
    EXPECT_THAT(hands.bob.received().back(), HasSubstr("\r\nAccept:\r\n"));
  }
}

// [RFC3261 10.2.3, RFC3261 10.2.4, RFC3261 10.2.1.1] A refresh updates its binding; without Contact all are told and nothing changes; zero removes
TEST(OwnAnswers, RefreshAndQuery) {
  Hands hands;
  int cseq = 1;
  const auto ask = [&](std::string contact) {
    Draft draft = hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Call-ID", "one-phone").set("CSeq", fmt::format("{} REGISTER", ++cseq));
    contact.empty() ? draft.drop("Contact") : draft.set("Contact", std::move(contact));
    EXPECT_EQ(hands.bob.ask(draft), 200);
    return hands.bob.received().back();
  };
  EXPECT_THAT(ask("<sip:bob@127.0.0.77:5077>;expires=100"), HasSubstr(";expires=100"));
  hands.world.run_for(seconds(60));
  const std::string list = ask("");
  EXPECT_THAT(list, HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077>"));
  EXPECT_THAT(list, Not(HasSubstr(";expires=100")));
  EXPECT_THAT(ask("<sip:bob@127.0.0.77:5077>;expires=100"), HasSubstr(";expires=100"));
  EXPECT_EQ(hands.world.gauge("location.bindings"), 1);
  EXPECT_THAT(ask("<sip:bob@127.0.0.77:5077>;expires=0"), Not(HasSubstr("\r\nContact:")));
  EXPECT_EQ(hands.world.gauge("location.bindings"), 0);
}

// [REG-06, USR-04] The realm prefix is no part of an address-of-record; another domain of ours is another one
TEST(OwnAnswers, DomainOfAnAddressOfRecord) {
  Hands hands(World::open_house("[[domain]]\nname = \"other.test\"\nauthenticate = \"none\"\n[[account]]\nuser = \"bob\"\ndomain = \"other.test\"\npassword = \"x\"\n"
                                "[registrar]\nrealm_prefix = \"sip.\"\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@sip.example.test")), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE", "sip:bob@other.test")), 480);
  Hands one(World::open_house("[[domain]]\nname = \"other.test\"\nauthenticate = \"none\"\n[[account]]\nuser = \"bob\"\ndomain = \"other.test\"\npassword = \"x\"\n"
                              "[registrar]\nuse_domain = false\n"));
  EXPECT_THAT(one.heard(one.alice.draft("MESSAGE", "sip:bob@other.test")), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
}

// [REG-06] The prefix hides nothing: a host name we advertise stays ours; a phone may register under the long name and be called by the short one
TEST(OwnAnswers, RealmPrefixBesideOtherNames) {
  Hands hands(World::open_house("[registrar]\nrealm_prefix = \"sip.\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5070\"\nadvertise = \"sip.elsewhere.test\"\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@sip.elsewhere.test")), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:sip.example.test").set("To", "<sip:carol@sip.example.test>")), 200);
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:carol@example.test")), StartsWith("MESSAGE sip:stranger@127.0.0.77:5077 "));
}

// ---- validation

// [RFC3261 16.3] The order of the checks: scheme, hops, Proxy-Require, and credentials last
TEST(Validation, GoesInOrder) {
  World world({});
  Stranger alice(world, Transport::udp);
  Draft bad = alice.draft("INVITE", "urn:service:sos").set("To", "<sip:bob@example.test>").set("Max-Forwards", "0").set("Proxy-Require", "teleport");
  EXPECT_EQ(alice.ask(bad), 416);
  EXPECT_EQ(alice.ask(bad.start("INVITE sip:bob@example.test SIP/2.0")), 483);
  EXPECT_EQ(alice.ask(bad.set("Max-Forwards", "70")), 420);
  EXPECT_THAT(alice.received().back(), HasSubstr("\r\nUnsupported: teleport\r\n"));
  EXPECT_EQ(alice.ask(bad.drop("Proxy-Require")), 407);
}

// [RFC3261 16.3, CUCM-02, RT-05] OPTIONS to us is answered though it has no hop left, to a user of ours it is 483
TEST(Validation, HopsOfOptions) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").set("Max-Forwards", "0")), 200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS").set("Max-Forwards", "0")), 483);
}

// [RFC3261 16.3, RFC5393 4.2.2, MSG-11] A request that comes back as it left is a loop, 482; one that comes back for another target is a spiral and goes on
TEST(Validation, LoopAndSpiral) {
  Hands hands;
  std::string back = hands.heard(hands.alice.draft("MESSAGE"));
  const auto came_back = [&](const std::string& request_uri) {
    std::string message = back;
    message.replace(0, message.find("\r\n"), "MESSAGE " + request_uri + " SIP/2.0");
    return message.insert(message.find("\r\n") + 2, "Via: SIP/2.0/UDP 127.0.0.66:5066;branch=z9hG4bKreturn" + std::to_string(request_uri.size()) + "\r\n");
  };
  EXPECT_EQ(hands.alice.ask(came_back("sip:bob@example.test")), 482);
  EXPECT_EQ(hands.alice.ask(came_back("sip:carol@example.test")), 480) << "another target: looked up like any";
}

// [RFC3261 16.3] The same request by two ways, merged: no error for a proxy, both go on
TEST(Validation, MergedRequests) {
  Hands hands;
  Draft draft = hands.alice.draft("MESSAGE");
  EXPECT_FALSE(hands.heard(draft).empty());
  EXPECT_FALSE(hands.heard(draft.set("Via", "SIP/2.0/UDP 127.0.0.66:5066;rport;branch=z9hG4bKotherway")).empty());
}

// ---- where a request goes

// [RFC3261 16.4, RFC3261 16.12] A strict router before us puts our Record-Route value into the Request-URI: the last Route is the target again
TEST(Targets, BehindAStrictRouter) {
  Hands hands;
  const std::string invite = hands.heard(hands.alice.draft());
  const std::string value = line_of(invite, "Record-Route");
  ASSERT_THAT(value, StartsWith("Record-Route: <sip:127.0.0.1:5060;lr;bh="));
  const std::string own = value.substr(15, value.find('>') - 15);
  const std::string bye = hands.heard(hands.alice.draft("BYE", own).set("To", "<sip:bob@example.test>;tag=callee").set("Route", "<sip:bob@127.0.0.77:5077>")
                                          .set("From", line_of(invite, "From").substr(6)).set("Call-ID", line_of(invite, "Call-ID").substr(9)));
  EXPECT_THAT(bye, StartsWith("BYE sip:bob@127.0.0.77:5077 SIP/2.0\r\n"));
  EXPECT_THAT(bye, Not(HasSubstr("\r\nRoute:")));
}

// [RFC3261 16.4] maddr with an address of ours is taken off, and the request is ours
TEST(Targets, MaddrOfOurs) {
  Hands hands;
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@example.test;maddr=127.0.0.1")), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
}

// [RFC3261 16.5, MSG-15] Ours: the bindings of the address-of-record, whatever way it is written; not ours: the Request-URI itself and nothing else
TEST(Targets, OursAndOthers) {
  Hands hands(World::open_house("[[account]]\nuser = \"+15551234\"\ndomain = \"example.test\"\npassword = \"x\"\n[sip]\nrelay = \"anybody\"\n"));
  for (const char* uri : {"sip:bob@example.test", "sip:BOB@Example.TEST:5060;transport=udp", "sip:%62ob@example.test", "sip:bob@127.0.0.1:5060"})
    EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", uri)), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 ")) << uri;
  Stranger remote(hands.world, Transport::udp, "127.0.0.9:5060");
  hands.alice.send(hands.alice.draft("MESSAGE", "sip:bob@127.0.0.9;user=phone").text());
  hands.world.run_for(milliseconds(50));
  EXPECT_THAT(remote.last("MESSAGE"), StartsWith("MESSAGE sip:bob@127.0.0.9;user=phone SIP/2.0\r\n"));
}

// [RFC3261 19.1.6, MSG-15] A tel URI is the user of that number here, with or without visual separators
TEST(Targets, TelephoneNumbers) {
  Hands hands(World::open_house("[[account]]\nuser = \"+15551234\"\ndomain = \"example.test\"\npassword = \"x\"\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:+15551234@example.test>").set("Contact", "<sip:line@127.0.0.77:5077>")), 200);
  for (const char* uri : {"tel:+15551234", "tel:+1-555-1234", "sip:+15551234@example.test;user=phone"})
    EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", uri).set("To", "<sip:bob@example.test>")), StartsWith("MESSAGE sip:line@127.0.0.77:5077 ")) << uri;
}

// [RFC3327 5.4] A binding with a Path is reached along it, before whatever the caller's Route says
TEST(Targets, AlongThePath) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:carol@example.test>").set("Contact", "<sip:carol@10.0.0.9>")
                              .set("Supported", "path").set("Path", "<sip:127.0.0.9;lr>, <sip:10.0.0.1;lr>")), 200);
  Stranger edge(hands.world, Transport::udp, "127.0.0.9:5060");
  hands.alice.send(hands.alice.draft("MESSAGE", "sip:carol@example.test").text());
  hands.world.run_for(milliseconds(50));
  EXPECT_THAT(edge.last("MESSAGE"), StartsWith("MESSAGE sip:carol@10.0.0.9 SIP/2.0\r\n"));
  EXPECT_THAT(edge.last("MESSAGE"), HasSubstr("\r\nRoute: <sip:127.0.0.9;lr>, <sip:10.0.0.1;lr>\r\n"));
}

// [RFC3261 10.2.1.2, RFC3261 8.3] A redirect names the contacts in the order of their q, and never the address that was asked for
TEST(Targets, RedirectedInOrder) {
  Hands hands(World::default_config({}, "authenticate = \"none\"\nmode = \"redirect\"\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:carol@example.test>")
                              .set("Contact", "<sip:carol@127.0.0.7>;q=0.3, <sip:carol@127.0.0.8>;q=0.9")), 200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("INVITE", "sip:carol@example.test")), 302);
  const std::string contacts = lines_of(hands.alice.received().back(), "Contact");
  EXPECT_THAT(contacts, testing::ContainsRegex("127.0.0.8[^,]*\r\nContact: <sip:carol@127.0.0.7>"));
  EXPECT_THAT(contacts, Not(HasSubstr("example.test")));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:dave@example.test>").set("Contact", "<sip:dave@example.test>")), 200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("INVITE", "sip:dave@example.test")), 480);
}

// ---- what is passed on

// [RFC3261 16.6, MSG-08, MSG-12] Fields in their order with their values, a body of any type octet by octet
TEST(PassedOn, Unchanged) {
  Hands hands;
  const std::string body = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\nContent-Type: application/x\r\n\r\n\x01\xff--\r\n--b--\r\n"s;
  const std::string got = hands.heard(hands.alice.draft("INVITE").add("X-First: 1").add("Subject: a ,  b").add("x-second:2").add("Accept: */*;q=0.1, text/x")
                                          .body(body, "multipart/mixed;boundary=b"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + body));
  EXPECT_THAT(got, HasSubstr("X-First: 1\r\nSubject: a ,  b\r\nx-second:2\r\nAccept: */*;q=0.1, text/x\r\nContent-Type: multipart/mixed;boundary=b\r\n"));
}

// [RFC3261 16.6, MSG-10] Our Via first, its branch with the cookie; a CANCEL goes with the branch of its INVITE and has one Via
TEST(PassedOn, BranchOfCancel) {
  Hands hands;
  const Draft invite = hands.alice.draft();
  const std::string via = line_of(hands.heard(invite), "Via");
  EXPECT_THAT(via, StartsWith("Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK"));
  hands.bob_says("180 Ringing");
  const std::string there = hands.bob.last("INVITE");
  Draft cancel = invite;
  hands.alice.send(cancel.start("CANCEL sip:bob@example.test SIP/2.0").set("CSeq", "1 CANCEL").text());
  hands.world.run_for(milliseconds(50));
  const std::string got = hands.bob.last("CANCEL");
  EXPECT_EQ(lines_of(got, "Via"), via + "\r\n");
  EXPECT_EQ(line_of(got, "CSeq"), "CSeq: 1 CANCEL");
  EXPECT_EQ(got.substr(7, got.find("\r\n") - 7), there.substr(7, there.find("\r\n") - 7));
  EXPECT_THAT(there, HasSubstr("\r\nMax-Breadth: "));
  EXPECT_THAT(got, Not(HasSubstr("Max-Breadth"))) << "RFC 5393 section 5.4.1";
}

// [RFC5393 5.4.1] A CANCEL neither carries nor changes Max-Breadth
TEST(PassedOn, CancelHasNoBreadth) {
  Hands hands;
  const Draft invite = hands.alice.draft().set("Max-Breadth", "7");
  EXPECT_THAT(hands.heard(invite), HasSubstr("\r\nMax-Breadth: 7\r\n"));
  hands.bob_says("180 Ringing");
  Draft cancel = invite;
  hands.alice.send(cancel.start("CANCEL sip:bob@example.test SIP/2.0").set("CSeq", "1 CANCEL").text());
  hands.world.run_for(milliseconds(50));
  EXPECT_THAT(hands.bob.last("CANCEL"), Not(HasSubstr("Max-Breadth")));
}

// [RFC3261 16.6, RFC3261 7.4.2] A datagram needs no Content-Length; passed on over a stream it gets one
TEST(PassedOn, ContentLengthOverTcp) {
  Hands hands(World::open_house(), Transport::udp, Transport::tcp);
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE").drop("Content-Length").set("Content-Type", "text/plain").tail("hello")), HasSubstr("\r\nContent-Length: 5\r\n"));
  Hands back(World::open_house(), Transport::tcp, Transport::udp);
  std::string answer = answer_to(back.heard(back.alice.draft("MESSAGE")), "200 OK");
  back.bob.send(answer.erase(answer.find("Content-Length: 0\r\n"), 19));
  back.world.run_for(milliseconds(50));
  EXPECT_THAT(back.alice.last("SIP/2.0 200"), HasSubstr("\r\nContent-Length: 0\r\n"));
}

// [RFC3261 16.6, RFC3261 16.7] Record-Route where the transport changes stands twice; the callee's answer passes with both as they are
TEST(PassedOn, DoubleRecordRoute) {
  Hands hands(World::open_house(), Transport::udp, Transport::tcp);
  const std::string invite = hands.heard(hands.alice.draft());
  const std::string routes = lines_of(invite, "Record-Route");
  EXPECT_THAT(routes, StartsWith("Record-Route: <sip:127.0.0.1:5060;transport=tcp;lr;bh="));
  EXPECT_NE(routes.find("<sip:127.0.0.1:5060;lr;bh="), std::string::npos);
  std::string ok = answer_to(invite, "200 OK");
  ok.insert(ok.find("Contact:"), routes);
  hands.bob.send(ok);
  hands.world.run_for(milliseconds(50));
  EXPECT_EQ(lines_of(hands.alice.last("SIP/2.0 200"), "Record-Route"), routes);
}

// [RFC3261 16.7, MSG-07, MSG-26] The answer of the callee passes with its code, phrase and tag; our Via is gone, the caller's is left
TEST(PassedOn, Answers) {
  Hands hands;
  for (const char* status : {"200 Okay then", "299 Rather", "404 Nobody \xc3\xbc", "499 Odd", "606 Never"}) {
    hands.heard(hands.alice.draft("MESSAGE"));
    hands.alice.forget();
    hands.bob_says(status, "MESSAGE");
    ASSERT_THAT(hands.alice.received(), SizeIs(1)) << status;
    EXPECT_THAT(hands.alice.received().back(), StartsWith(fmt::format("SIP/2.0 {}\r\n", status)));
    EXPECT_THAT(hands.alice.received().back(), HasSubstr(";tag=callee\r\n"));
    EXPECT_THAT(lines_of(hands.alice.received().back(), "Via"), Not(HasSubstr("127.0.0.1:5060")));
  }
}

// [MSG-01] Methods nobody here knows by name pass like others
TEST(PassedOn, UnknownMethods) {
  Hands hands;
  for (const char* method : {"INFO", "REFER", "NOTIFY", "SUBSCRIBE", "PUBLISH", "UPDATE", "PRACK", "BENOTIFY", "Invite"})
    EXPECT_THAT(hands.heard(hands.alice.draft(method)), StartsWith(fmt::format("{} sip:bob@127.0.0.77:5077 SIP/2.0\r\n", method)));
}

// [MSG-05, RFC3261 9.2] CANCEL: 200 to it, 487 to the INVITE from the callee, and its ACK ends here
TEST(PassedOn, Cancel) {
  Hands hands;
  const Draft invite = hands.alice.draft();
  hands.heard(invite);
  hands.bob_says("180 Ringing");
  Draft cancel = invite;
  EXPECT_EQ(hands.alice.ask(cancel.start("CANCEL sip:bob@example.test SIP/2.0").set("CSeq", "1 CANCEL"), milliseconds(50)), 200);
  hands.bob_says("200 OK", "CANCEL");
  hands.bob_says("487 Request Terminated");
  EXPECT_EQ(hands.alice.count("SIP/2.0 487"), 1u);
  EXPECT_EQ(hands.bob.count("ACK"), 1u) << "of the server, hop by hop";
  hands.alice.send(ack_of(invite.text(), hands.alice.last("SIP/2.0 487")));
  hands.world.run_for(seconds(40));
  EXPECT_EQ(hands.bob.count("ACK"), 1u);
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [RT-07, RFC3261 9.2] A CANCEL of nothing known: 481, and nothing leaves
TEST(PassedOn, CancelOfNothing) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("CANCEL")), 481);
  EXPECT_TRUE(hands.bob.received().empty());
}

// [MSG-04] ACK is never answered, wherever it goes
TEST(PassedOn, AckIsNeverAnswered) {
  World world({});
  Stranger alice(world, Transport::udp);
  for (const char* uri : {"sip:bob@example.test", "sip:nobody@example.test", "sip:x@127.0.0.9", "sip:127.0.0.1:5060", "urn:service:sos", "sip:", "sip:x@nodot"})
    EXPECT_EQ(alice.ask(alice.draft("ACK", uri).set("To", "<sip:bob@example.test>;tag=x").set("Max-Forwards", "0")), 0) << uri;
}

// [CGP-03, RFC3261 16.6] An ACK to a 2xx has no transaction: it goes along its route set, and is not answered
TEST(PassedOn, AckOf2xx) {
  Hands hands;
  const std::string invite = hands.heard(hands.alice.draft());
  hands.bob_says("200 OK");
  const std::string route = line_of(invite, "Record-Route").substr(14);
  const std::string ack = hands.heard(hands.alice.draft("ACK", "sip:bob@127.0.0.77:5077").set("From", line_of(invite, "From").substr(6)).set("Route", route)
                                          .set("To", "<sip:bob@example.test>;tag=callee").set("Call-ID", line_of(invite, "Call-ID").substr(9)));
  EXPECT_THAT(ack, StartsWith("ACK sip:bob@127.0.0.77:5077 SIP/2.0\r\n"));
  EXPECT_EQ(hands.alice.count("SIP/2.0 2"), 1u);
}

// [RFC3261 18.1.1] Over TCP an answer is also taken from a connection of its own, to where our Via says
TEST(PassedOn, AnswerOverAnotherConnection) {
  Hands hands(World::open_house(), Transport::udp, Transport::tcp);
  const std::string message = hands.heard(hands.alice.draft("MESSAGE"));
  Stranger other(hands.world, Transport::tcp, "127.0.0.77:0");
  other.send(answer_to(message, "200 OK"));
  hands.world.run_for(milliseconds(50));
  EXPECT_EQ(hands.alice.count("SIP/2.0 200"), 1u);
}

// [RFC5393 5.3.3, RFC5393 5.3.3.1] What rings at once shares the breadth; when there is too little, one rings after the other, with the breadth of the one that ended
TEST(PassedOn, BreadthOfAFork) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test").set("To", "<sip:carol@example.test>")
                              .set("Contact", "<sip:c1@127.0.0.77:5077>, <sip:c2@127.0.0.77:5077>, <sip:c3@127.0.0.77:5077>")), 200);
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test")), HasSubstr("\r\nMax-Breadth: 20\r\n"));
  EXPECT_EQ(hands.bob.count("INVITE"), 3u);
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test").set("Max-Breadth", "500")), HasSubstr("\r\nMax-Breadth: 20\r\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test").set("Max-Breadth", "2")), HasSubstr("\r\nMax-Breadth: 2\r\n"));
  EXPECT_EQ(hands.bob.count("INVITE"), 1u);
  hands.bob_says("486 Busy Here");
  EXPECT_EQ(hands.bob.count("INVITE"), 2u);
  EXPECT_THAT(hands.bob.last("INVITE"), HasSubstr("\r\nMax-Breadth: 2\r\n"));
}

// [CGP-10, ARCH-11] Three phones ring at once, one answers, the others are cancelled
TEST(PassedOn, ThreePhonesRing) {
  World world({});
  Phone alice(world, "alice", "127.0.0.2:5060");
  Phone first(world, "bob", "127.0.0.3:5060"), second(world, "bob", "127.0.0.4:5060"), third(world, "bob", "127.0.0.5:5060");
  for (Phone* phone : {&first, &second, &third}) {
    phone->script.answers = {{milliseconds(10), 180}};
    phone->register_contact();
    world.run_for(seconds(1));
  }
  second.script.answers = {{milliseconds(10), 180}, {seconds(3), 200}};
  alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  for (Phone* phone : {&first, &second, &third}) EXPECT_EQ(phone->count_requests("INVITE"), 1u);
  world.run_for(seconds(5));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
  EXPECT_EQ(first.count_requests("CANCEL"), 1u);
  EXPECT_EQ(second.count_requests("CANCEL"), 0u);
  EXPECT_EQ(third.count_requests("CANCEL"), 1u);
}

// [CGP-50] A caller behind NAT needs us in the path, with and without state; one in the open does not
TEST(PassedOn, NattedCallersNeedUs) {
  for (const char* mode : {"stateful", "stateless"}) {
    Hands hands(World::default_config("[sip]\nrecord_route = \"when-needed\"\n", fmt::format("authenticate = \"none\"\nmode = \"{}\"\n", mode)));
    EXPECT_THAT(hands.heard(hands.alice.draft()), Not(HasSubstr("Record-Route"))) << mode;
    EXPECT_THAT(hands.heard(hands.alice.draft().set("Via", "SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKnatted")), HasSubstr("\r\nRecord-Route: ")) << mode;
  }
}

// [CGP-49, threats 68] No room for one more client transaction: 503 with Retry-After; when calls have ended there is room again
TEST(PassedOn, ClientLimitIs503) {
  Hands hands(World::open_house("[sip]\nclient_transactions = 100\n"));
  hands.world.net().set_silent(*IpAddress::parse("127.0.0.77"), true);
  for (int i = 0; i < 100; ++i) hands.alice.send(hands.alice.draft("MESSAGE").text());
  hands.world.run_for(seconds(1));
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE")), 503);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nRetry-After: 5\r\n"));
  hands.world.run_for(seconds(40));
  hands.world.net().set_silent(*IpAddress::parse("127.0.0.77"), false);
  EXPECT_FALSE(hands.heard(hands.alice.draft("MESSAGE")).empty());
}

// [CGP-35] At the limit of server transactions new requests are dropped, what belongs to calls under way is not
TEST(PassedOn, ServerLimitIsSilence) {
  Hands hands(World::open_house("[sip]\nserver_transactions = 100\n"));
  const Draft invite = hands.alice.draft();
  hands.heard(invite);
  hands.bob_says("180 Ringing");
  for (int i = 0; i < 99; ++i) hands.alice.send(hands.alice.draft("MESSAGE").text());
  hands.world.run_for(milliseconds(100));
  EXPECT_EQ(hands.bob.count("MESSAGE"), 99u);
  hands.alice.forget();
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE"), milliseconds(100)), 0);
  EXPECT_EQ(hands.bob.count("MESSAGE"), 99u) << "the one above the limit went nowhere";
  Draft cancel = invite;
  EXPECT_EQ(hands.alice.ask(cancel.start("CANCEL sip:bob@example.test SIP/2.0").set("CSeq", "1 CANCEL"), milliseconds(50)), 200);
  hands.world.run_for(seconds(80));
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [MSG-02] A re-INVITE that is refused leaves the call as it was
TEST(PassedOn, RefusedReInvite) {
  World world({});
  Phone alice(world, "alice", "127.0.0.2:5060"), bob(world, "bob", "127.0.0.3:5060");
  alice.register_contact();
  bob.register_contact();
  world.run_for(seconds(1));
  alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  ASSERT_EQ(alice.last_status("INVITE"), 200);
  bob.script.answers = {{milliseconds(10), 488}};
  alice.in_dialog("INVITE");
  world.run_for(seconds(2));
  EXPECT_EQ(alice.last_status("INVITE"), 488);
  alice.hang_up();
  world.run_for(seconds(2));
  EXPECT_EQ(alice.last_status("BYE"), 200);
}

// [house 6] While the server drains, new calls are refused with 503 and Retry-After, the one that rings is answered
TEST(PassedOn, Draining) {
  Hands hands;
  hands.heard(hands.alice.draft());
  hands.bob_says("180 Ringing");
  hands.world.shard(0).start_draining();
  EXPECT_EQ(hands.alice.ask(hands.alice.draft(), milliseconds(50)), 503);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nRetry-After: "));
  EXPECT_FALSE(hands.world.shard(0).quiet());
  hands.bob_says("200 OK");
  EXPECT_EQ(hands.alice.count("SIP/2.0 200"), 1u);
  EXPECT_TRUE(hands.world.shard(0).quiet());
}

// [RFC3261 17.2.4, RFC3261 18.2.2] A caller whose connection broke while it rang hears the answer over a new one, to its sent-by port
TEST(PassedOn, AnswerAfterTheConnectionBroke) {
  World world({});
  Phone alice(world, "alice", "127.0.0.2:5060", Transport::tcp), bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  bob.script.answers = {{milliseconds(10), 180}, {seconds(3), 200}};
  alice.call("sip:bob@example.test");
  world.run_for(seconds(1));
  ASSERT_EQ(alice.last_status("INVITE"), 180);
  alice.close_connection();
  world.run_for(seconds(4));
  EXPECT_EQ(alice.last_status("INVITE"), 200);
}

// [threats 72] A phone whose connection is gone: the caller hears at once, nothing waits
TEST(PassedOn, ConnectionGone) {
  Hands hands(World::open_house(), Transport::udp, Transport::tcp);
  hands.bob.disconnect();
  hands.world.run_for(seconds(1));
  hands.alice.forget();
  hands.alice.send(hands.alice.draft().text());
  hands.world.run_for(seconds(2));
  ASSERT_FALSE(hands.alice.received().empty());
  EXPECT_THAT(hands.alice.received().back(), testing::ContainsRegex("^SIP/2.0 [45]"));
}

// [house 6] What the stream framer refuses is seen by the tap like any message
TEST(PassedOn, UnframedIsTapped) {
  Hands hands(World::open_house(), Transport::tcp);
  const auto before = hands.world.counter("messages.received");
  EXPECT_EQ(hands.alice.ask(hands.alice.draft().set("Content-Length", "x")), 400);
  EXPECT_EQ(hands.world.counter("messages.received"), before + 1);
}

// [CGP-76, CGP-77] While a call rings, the monitor's rows name its address as dialled and as called
TEST(Monitor, NamesTheAddresses) {
  Hands hands;
  hands.heard(hands.alice.draft());
  auto& shard = hands.world.shard(0);
  std::vector<std::string> uris;
  shard.servers().for_each([&](const auto& row) { uris.emplace_back(shard.proxy().uri_of(row.owner)); });
  shard.clients().for_each([&](const auto& row) { uris.emplace_back(shard.proxy().uri_of(row.owner, row.id)); });
  EXPECT_THAT(uris, ElementsAre("sip:bob@example.test", "sip:bob@127.0.0.77:5077"));
}

// ---- without state

struct Stateless : Hands {
  Stateless() : Hands(World::default_config({}, "authenticate = \"none\"\nmode = \"stateless\"\n")) {}
};

// [RFC3261 16.11, ARCH-09] The branch is made of the request: INVITE, its repeat, CANCEL and ACK have the same; no 100, nothing is repeated or kept
TEST(StatelessProxy, RemembersNothing) {
  Stateless hands;
  const Draft invite = hands.alice.draft();
  const std::string via = line_of(hands.heard(invite), "Via");
  EXPECT_EQ(line_of(hands.heard(invite), "Via"), via);
  Draft cancel = invite, ack = invite;
  EXPECT_EQ(line_of(hands.heard(cancel.start("CANCEL sip:bob@example.test SIP/2.0").set("CSeq", "1 CANCEL")), "Via"), via);
  EXPECT_EQ(line_of(hands.heard(ack.start("ACK sip:bob@example.test SIP/2.0").set("CSeq", "1 ACK").set("To", "<sip:bob@example.test>;tag=callee")), "Via"), via);
  hands.bob.forget();
  hands.world.run_for(seconds(40));
  EXPECT_TRUE(hands.bob.received().empty());
  EXPECT_TRUE(hands.alice.received().empty());
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [CGP-02, RFC6026 7.3] A response finds its way by its Vias in stateless mode; a stateful proxy that knows no transaction drops it
TEST(StatelessProxy, PassesResponses) {
  Stateless stateless;
  stateless.heard(stateless.alice.draft("MESSAGE"));
  stateless.bob_says("200 OK", "MESSAGE");
  stateless.bob_says("200 OK", "MESSAGE");
  EXPECT_EQ(stateless.alice.count("SIP/2.0 200"), 2u);
  Hands stateful;
  stateful.heard(stateful.alice.draft("MESSAGE"));
  stateful.bob_says("200 OK", "MESSAGE");
  stateful.world.run_for(seconds(40));
  stateful.bob_says("200 OK", "MESSAGE");
  EXPECT_EQ(stateful.alice.count("SIP/2.0 200"), 1u);
}

// ---- connections

// [CGP-27] A connection without traffic is closed after its time; pings keep it open
TEST(IdleConnections, AreClosed) {
  World world({.config = World::open_house("[tcp]\nidle_timeout = \"5s\"\n")});
  Stranger idle(world, Transport::tcp, "127.0.0.66:0"), pinging(world, Transport::tcp, "127.0.0.67:0");
  EXPECT_EQ(idle.ask(idle.draft("OPTIONS", "sip:127.0.0.1:5060")), 200);
  for (int i = 0; i < 5; ++i) {
    pinging.send("\r\n\r\n");
    world.run_for(seconds(2));
  }
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(pinging.closed());
}

}  // namespace
}  // namespace bellhop::scenario
