// What RFC 3261 sections 8, 10 and 16.3 to 16.5 ask of a proxy and registrar, and the catalogue beside it, seen from
// outside a whole server: its own answers, what it checks, where a request goes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hands.hpp"
#include "phone.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

std::string tag_of(const std::string& message) {
  const std::string to = line_of(message, "To");
  const auto at = to.find(";tag=");
  return at == std::string::npos ? std::string() : to.substr(at + 5);
}

// ---- a server's own answers

// [RFC3261 8.2.7, RFC3261 19.3] Answers without state: never a 1xx, no repeats, the same To tag for a repeat and
// another for another request; ACK is ignored
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
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:bob@example.test>")
                              .set("Contact", "<sip:bob@127.0.0.77:5077>")
                              .set("Allow", "INVITE, ACK, BYE, CANCEL")
                              .set("Call-ID", "another")),
            200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE")), 405);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nAllow: INVITE, ACK, BYE, CANCEL\r\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:carol@example.test>")
                              .set("Allow", "TELEPORT")),
            200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE", "sip:carol@example.test")), 405);
  EXPECT_THAT(hands.alice.received().back(), HasSubstr("\r\nAllow:\r\nContent-Length: 0\r\n\r\n"));
}

// [RFC3261 7.3.1] A parameter name appears once in a value: two branches in a Via are refused
TEST(OwnAnswers, ParametersAppearOnce) {
  Hands hands;
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060")
                                .set("Via", "SIP/2.0/UDP 127.0.0.66:5066;branch=z9hG4bKa;branch=z9hG4bKb")),
            0)
      << "nothing tells where to";
  EXPECT_EQ(hands.alice.ask(
                hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").set("From", "<sip:alice@example.test>;tag=a;tag=b")),
            400);
}

// [RFC3261 8.2.2, RFC3261 7.3.2] A header field nobody understands, or that belongs to responses, is ignored, here and
// on its way
TEST(OwnAnswers, IgnoreUnknownFields) {
  Hands hands;
  EXPECT_EQ(
      hands.alice.ask(
          hands.alice.draft("OPTIONS", "sip:127.0.0.1:5060").add("Quux: \"a, b\";c=<d>").add("WWW-Authenticate: junk")),
      200);
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE").add("Quux: \"a, b\";c=<d>")),
              HasSubstr("\r\nQuux: \"a, b\";c=<d>\r\n"));
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
  EXPECT_THAT(line_of(alice.received().back(), "WWW-Authenticate"),
              StartsWith("WWW-Authenticate: Digest realm=\"example.test\""));
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [RFC3261 10.3] Record-Route in a REGISTER is ignored and not returned
TEST(OwnAnswers, RegistrarIgnoresRecordRoute) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:bob@example.test>")
                              .set("Contact", "<sip:bob@127.0.0.77:5077>")
                              .set("Record-Route", "<sip:127.0.0.9;lr>")),
            200);
  EXPECT_THAT(hands.bob.received().back(), Not(HasSubstr("Record-Route")));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE")), Not(HasSubstr("127.0.0.9")));
}

// [RFC3261 10.3] Require the registrar cannot fulfil: 420 with Unsupported
TEST(OwnAnswers, RegistrarRefusesRequire) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:bob@example.test>")
                              .set("Require", "path, teleport")),
            420);
  EXPECT_THAT(hands.bob.received().back(), HasSubstr("\r\nUnsupported: teleport\r\n"));
}

// [RFC3261 8.2.3] A body of a REGISTER is not read; where its handling is required, or not said, that is a 415 with the
// types that would do: none. Without Content-Disposition it is passed over, on purpose
TEST(OwnAnswers, BodiesOfRegistrations) {
  Hands hands;
  Draft draft = hands.bob.draft("REGISTER", "sip:example.test")
                    .set("To", "<sip:bob@example.test>")
                    .body("<x/>", "application/xml");
  EXPECT_EQ(hands.bob.ask(draft), 200);
  int cseq = 1;
  for (const auto& [disposition, status] :
       {std::pair{"session;handling=required", 415}, {"session", 415}, {"session;handling=optional", 200}}) {
    ++cseq;
    EXPECT_EQ(
        hands.bob.ask(draft.set("Content-Disposition", disposition)
                          .set("CSeq", fmt::format("{} REGISTER", cseq))
                          .set("Via", fmt::format("SIP/2.0/UDP 127.0.0.77:5077;rport;branch=z9hG4bKagain{}", cseq))),
        status)
        << disposition;
    if (status != 415) continue;
    EXPECT_THAT(hands.bob.received().back(), HasSubstr("\r\nAccept:\r\n"));
  }
}

// [RFC3261 10.2.3, RFC3261 10.2.4, RFC3261 10.2.1.1] A refresh updates its binding; without Contact all are told and
// nothing changes; zero removes
TEST(OwnAnswers, RefreshAndQuery) {
  Hands hands;
  int cseq = 1;
  const auto ask = [&](std::string contact) {
    Draft draft = hands.bob.draft("REGISTER", "sip:example.test")
                      .set("To", "<sip:bob@example.test>")
                      .set("Call-ID", "one-phone")
                      .set("CSeq", fmt::format("{} REGISTER", ++cseq));
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
  Hands hands(
      World::open_house("[[domain]]\nname = \"other.test\"\nauthenticate = \"none\"\n[[account]]\nuser = "
                        "\"bob\"\ndomain = \"other.test\"\npassword = \"x\"\n"
                        "[registrar]\nrealm_prefix = \"sip.\"\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@sip.example.test")),
              StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("MESSAGE", "sip:bob@other.test")), 480);
  Hands one(
      World::open_house("[[domain]]\nname = \"other.test\"\nauthenticate = \"none\"\n[[account]]\nuser = "
                        "\"bob\"\ndomain = \"other.test\"\npassword = \"x\"\n"
                        "[registrar]\nuse_domain = false\n"));
  EXPECT_THAT(one.heard(one.alice.draft("MESSAGE", "sip:bob@other.test")),
              StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
}

// [REG-06] The prefix hides nothing: a host name we advertise stays ours; a phone may register under the long name and
// be called by the short one
TEST(OwnAnswers, RealmPrefixBesideOtherNames) {
  Hands hands(
      World::open_house("[registrar]\nrealm_prefix = \"sip.\"\n[[listen]]\ntransport = \"udp\"\naddress = "
                        "\"127.0.0.1:5070\"\nadvertise = \"sip.elsewhere.test\"\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@sip.elsewhere.test")),
              StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
  EXPECT_EQ(
      hands.bob.ask(hands.bob.draft("REGISTER", "sip:sip.example.test").set("To", "<sip:carol@sip.example.test>")),
      200);
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:carol@example.test")),
              StartsWith("MESSAGE sip:stranger@127.0.0.77:5077 "));
}

// [REG-06] The prefix comes off a domain that only the account store knows as well: what is left is the realm,
// the credentials for it match under either name, and the phone is found by either
TEST(OwnAnswers, RealmPrefixOfAStoredDomain) {
  World world({.config = World::default_config("[registrar]\nrealm_prefix = \"sip.\"\n")});
  world.store_account("erin", "stored.test", "pw-erin");
  Phone alice(world, "alice", "127.0.0.2:5060"), erin(world, "erin", "127.0.0.3:5060");
  alice.register_contact();
  for (const char* name : {"sip.stored.test", "stored.test"}) {
    erin.forget();
    erin.domain = name;
    erin.register_contact();
    world.run_for(seconds(1));
    EXPECT_THAT(erin.responses(), ElementsAre("401 REGISTER", "200 REGISTER")) << name;
    EXPECT_THAT(erin.last_sent("REGISTER"), HasSubstr("realm=\"stored.test\"")) << name;
    erin.send("MESSAGE", "sip:alice@example.test");
    world.run_for(seconds(1));
    EXPECT_EQ(erin.last_status("MESSAGE"), 200) << name;
    EXPECT_THAT(alice.last_request("MESSAGE"), HasSubstr("P-Asserted-Identity: <sip:erin@stored.test>")) << name;
    alice.send("MESSAGE", fmt::format("sip:erin@{}", name));
    world.run_for(seconds(1));
    EXPECT_EQ(alice.last_status("MESSAGE"), 200) << name;
  }
  EXPECT_EQ(world.gauge("location.bindings"), 2) << "one of alice, one of erin";
  erin.domain = "sip.sip.stored.test";
  erin.register_contact();
  world.run_for(seconds(1));
  EXPECT_GE(erin.last_status("REGISTER"), 400) << "the prefix comes off once";
}

// ---- validation

// [RFC3261 16.3] The order of the checks: scheme, hops, Proxy-Require, and credentials last
TEST(Validation, GoesInOrder) {
  World world({});
  Stranger alice(world, Transport::udp);
  Draft bad = alice.draft("INVITE", "urn:service:sos")
                  .set("To", "<sip:bob@example.test>")
                  .set("Max-Forwards", "0")
                  .set("Proxy-Require", "teleport");
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

// [RFC3261 16.3, RFC5393 4.2.2, MSG-11] A request that comes back as it left is a loop, 482; one that comes back for
// another target is a spiral and goes on
TEST(Validation, LoopAndSpiral) {
  Hands hands;
  std::string back = hands.heard(hands.alice.draft("MESSAGE"));
  const auto came_back = [&](const std::string& request_uri) {
    std::string message = back;
    message.replace(0, message.find("\r\n"), "MESSAGE " + request_uri + " SIP/2.0");
    return message.insert(message.find("\r\n") + 2, "Via: SIP/2.0/UDP 127.0.0.66:5066;branch=z9hG4bKreturn" +
                                                        std::to_string(request_uri.size()) + "\r\n");
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

// [RFC3261 16.4, RFC3261 16.12] A strict router before us puts our Record-Route value into the Request-URI: the last
// Route is the target again
TEST(Targets, BehindAStrictRouter) {
  Hands hands;
  const std::string invite = hands.heard(hands.alice.draft());
  const std::string value = line_of(invite, "Record-Route");
  ASSERT_THAT(value, StartsWith("Record-Route: <sip:127.0.0.1:5060;lr;bh="));
  const std::string own = value.substr(15, value.find('>') - 15);
  const std::string bye = hands.heard(
      in_dialog(hands.alice.draft("BYE", own), answer_to(invite, "200 OK")).set("Route", "<sip:bob@127.0.0.77:5077>"));
  EXPECT_THAT(bye, StartsWith("BYE sip:bob@127.0.0.77:5077 SIP/2.0\r\n"));
  EXPECT_THAT(bye, Not(HasSubstr("\r\nRoute:")));
}

// [RFC3261 16.4] maddr with an address of ours is taken off, and the request is ours
TEST(Targets, MaddrOfOurs) {
  Hands hands;
  EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", "sip:bob@example.test;maddr=127.0.0.1")),
              StartsWith("MESSAGE sip:bob@127.0.0.77:5077 "));
}

// [RFC3261 16.5, MSG-15] Ours: the bindings of the address-of-record, whatever way it is written; not ours: the
// Request-URI itself and nothing else
TEST(Targets, OursAndOthers) {
  Hands hands(World::open_house(
      "[[account]]\nuser = \"+15551234\"\ndomain = \"example.test\"\npassword = \"x\"\n[sip]\nrelay = \"anybody\"\n"));
  for (const char* uri : {"sip:bob@example.test", "sip:BOB@Example.TEST:5060;transport=udp", "sip:%62ob@example.test",
                          "sip:bob@127.0.0.1:5060"})
    EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", uri)), StartsWith("MESSAGE sip:bob@127.0.0.77:5077 ")) << uri;
  Stranger remote(hands.world, Transport::udp, "127.0.0.9:5060");
  hands.alice.send(hands.alice.draft("MESSAGE", "sip:bob@127.0.0.9;user=phone").text());
  hands.world.run_for(milliseconds(50));
  EXPECT_THAT(remote.last("MESSAGE"), StartsWith("MESSAGE sip:bob@127.0.0.9;user=phone SIP/2.0\r\n"));
}

// [RFC3261 19.1.6, MSG-15] A tel URI is the user of that number here, with or without visual separators
TEST(Targets, TelephoneNumbers) {
  Hands hands(World::open_house("[[account]]\nuser = \"+15551234\"\ndomain = \"example.test\"\npassword = \"x\"\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:+15551234@example.test>")
                              .set("Contact", "<sip:line@127.0.0.77:5077>")),
            200);
  for (const char* uri : {"tel:+15551234", "tel:+1-555-1234", "sip:+15551234@example.test;user=phone"})
    EXPECT_THAT(hands.heard(hands.alice.draft("MESSAGE", uri).set("To", "<sip:bob@example.test>")),
                StartsWith("MESSAGE sip:line@127.0.0.77:5077 "))
        << uri;
}

// [RFC3327 5.4] A binding with a Path is reached along it, before whatever the caller's Route says
TEST(Targets, AlongThePath) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:carol@example.test>")
                              .set("Contact", "<sip:carol@10.0.0.9>")
                              .set("Supported", "path")
                              .set("Path", "<sip:127.0.0.9;lr>, <sip:10.0.0.1;lr>")),
            200);
  Stranger edge(hands.world, Transport::udp, "127.0.0.9:5060");
  hands.alice.send(hands.alice.draft("MESSAGE", "sip:carol@example.test").text());
  hands.world.run_for(milliseconds(50));
  EXPECT_THAT(edge.last("MESSAGE"), StartsWith("MESSAGE sip:carol@10.0.0.9 SIP/2.0\r\n"));
  EXPECT_THAT(edge.last("MESSAGE"), HasSubstr("\r\nRoute: <sip:127.0.0.9;lr>, <sip:10.0.0.1;lr>\r\n"));
}

// [RFC3261 10.2.1.2, RFC3261 8.3] A redirect names the contacts in the order of their q, and never the address that was
// asked for
TEST(Targets, RedirectedInOrder) {
  Hands hands(World::default_config({}, "authenticate = \"none\"\nmode = \"redirect\"\n"));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:carol@example.test>")
                              .set("Contact", "<sip:carol@127.0.0.7>;q=0.3, <sip:carol@127.0.0.8>;q=0.9")),
            200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("INVITE", "sip:carol@example.test")), 302);
  const std::string contacts = lines_of(hands.alice.received().back(), "Contact");
  EXPECT_THAT(contacts, testing::ContainsRegex("127.0.0.8[^,]*\r\nContact: <sip:carol@127.0.0.7>"));
  EXPECT_THAT(contacts, Not(HasSubstr("example.test")));
  EXPECT_EQ(hands.bob.ask(hands.bob.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:dave@example.test>")
                              .set("Contact", "<sip:dave@example.test>")),
            200);
  EXPECT_EQ(hands.alice.ask(hands.alice.draft("INVITE", "sip:dave@example.test")), 480);
}

}  // namespace
}  // namespace bellhop::scenario
