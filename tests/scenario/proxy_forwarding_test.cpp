// What RFC 3261 sections 16.6 to 16.11 and 18 ask of a proxy, and the catalogue beside it, seen from outside a whole
// server: what it passes on and how.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hands.hpp"
#include "phone.hpp"
#include "shard/shard.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using sip::Transport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// [RFC3261 16.6, MSG-08, MSG-12] Fields in their order with their values, a body of any type octet by octet
TEST(PassedOn, Unchanged) {
  Hands hands;
  const std::string body =
      "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\nContent-Type: application/x\r\n\r\n\x01\xff--\r\n--b--\r\n"s;
  const std::string got = hands.heard(hands.alice.draft("INVITE")
                                          .add("X-First: 1")
                                          .add("Subject: a ,  b")
                                          .add("x-second:2")
                                          .add("Accept: */*;q=0.1, text/x")
                                          .body(body, "multipart/mixed;boundary=b"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + body));
  EXPECT_THAT(got, HasSubstr("X-First: 1\r\nSubject: a ,  b\r\nx-second:2\r\nAccept: */*;q=0.1, "
                             "text/x\r\nContent-Type: multipart/mixed;boundary=b\r\n"));
}

// [RFC3261 16.6, MSG-10] Our Via first, its branch with the cookie; a CANCEL goes with the branch of its INVITE and has
// one Via
TEST(PassedOn, BranchOfCancel) {
  Hands hands;
  const Draft invite = hands.alice.draft();
  const std::string via = line_of(hands.heard(invite), "Via");
  EXPECT_THAT(via, StartsWith("Via: SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK"));
  hands.bob_says("180 Ringing");
  const std::string there = hands.bob.last("INVITE");
  hands.alice.send(cancel_of(invite.text()));
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
  EXPECT_THAT(
      hands.heard(hands.alice.draft("MESSAGE").drop("Content-Length").set("Content-Type", "text/plain").tail("hello")),
      HasSubstr("\r\nContent-Length: 5\r\n"));
  Hands back(World::open_house(), Transport::tcp, Transport::udp);
  std::string answer = answer_to(back.heard(back.alice.draft("MESSAGE")), "200 OK");
  back.bob.send(answer.erase(answer.find("Content-Length: 0\r\n"), 19));
  back.world.run_for(milliseconds(50));
  EXPECT_THAT(back.alice.last("SIP/2.0 200"), HasSubstr("\r\nContent-Length: 0\r\n"));
}

// [RFC3261 16.6, RFC3261 16.7] Record-Route where the transport changes stands twice; the callee's answer passes with
// both as they are
TEST(PassedOn, DoubleRecordRoute) {
  Hands hands(World::open_house(), Transport::udp, Transport::tcp);
  const std::string invite = hands.heard(hands.alice.draft());
  const std::string routes = lines_of(invite, "Record-Route");
  EXPECT_THAT(routes, StartsWith("Record-Route: <sip:127.0.0.1:5060;transport=tcp;lr;bh="));
  EXPECT_NE(routes.find("<sip:127.0.0.1:5060;lr;bh="), std::string::npos);
  hands.bob_says("200 OK");
  EXPECT_EQ(lines_of(hands.alice.last("SIP/2.0 200"), "Record-Route"), routes);
}

// [RFC3261 16.7, MSG-07, MSG-26] The answer of the callee passes with its code, phrase and tag; our Via is gone, the
// caller's is left
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
  for (const char* method :
       {"INFO", "REFER", "NOTIFY", "SUBSCRIBE", "PUBLISH", "UPDATE", "PRACK", "BENOTIFY", "Invite"})
    EXPECT_THAT(hands.heard(hands.alice.draft(method)),
                StartsWith(fmt::format("{} sip:bob@127.0.0.77:5077 SIP/2.0\r\n", method)));
}

// [MSG-05, RFC3261 9.2] CANCEL: 200 to it, 487 to the INVITE from the callee, and its ACK ends here
TEST(PassedOn, Cancel) {
  Hands hands;
  const Draft invite = hands.alice.draft();
  hands.heard(invite);
  hands.bob_says("180 Ringing");
  EXPECT_EQ(hands.alice.ask(cancel_of(invite.text()), milliseconds(50)), 200);
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
  for (const char* uri : {"sip:bob@example.test", "sip:nobody@example.test", "sip:x@127.0.0.9", "sip:127.0.0.1:5060",
                          "urn:service:sos", "sip:", "sip:x@nodot"})
    EXPECT_EQ(alice.ask(alice.draft("ACK", uri).set("To", "<sip:bob@example.test>;tag=x").set("Max-Forwards", "0")), 0)
        << uri;
}

// [CGP-03, RFC3261 16.6] An ACK to a 2xx has no transaction: it goes along its route set, and is not answered
TEST(PassedOn, AckOf2xx) {
  Hands hands;
  const std::string invite = hands.heard(hands.alice.draft());
  hands.bob_says("200 OK");
  const std::string ack =
      hands.heard(in_dialog(hands.alice.draft("ACK", "sip:bob@127.0.0.77:5077"), hands.alice.last("SIP/2.0 200"))
                      .set("CSeq", "1 ACK"));
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

// [RFC5393 5.3.3, RFC5393 5.3.3.1] What rings at once shares the breadth; when there is too little, one rings after the
// other, with the breadth of the one that ended
TEST(PassedOn, BreadthOfAFork) {
  Hands hands;
  EXPECT_EQ(hands.bob.ask(
                hands.bob.draft("REGISTER", "sip:example.test")
                    .set("To", "<sip:carol@example.test>")
                    .set("Contact", "<sip:c1@127.0.0.77:5077>, <sip:c2@127.0.0.77:5077>, <sip:c3@127.0.0.77:5077>")),
            200);
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test")), HasSubstr("\r\nMax-Breadth: 20\r\n"));
  EXPECT_EQ(hands.bob.count("INVITE"), 3u);
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test").set("Max-Breadth", "500")),
              HasSubstr("\r\nMax-Breadth: 20\r\n"));
  EXPECT_THAT(hands.heard(hands.alice.draft("INVITE", "sip:carol@example.test").set("Max-Breadth", "2")),
              HasSubstr("\r\nMax-Breadth: 2\r\n"));
  EXPECT_EQ(hands.bob.count("INVITE"), 1u);
  hands.bob_says("486 Busy Here");
  EXPECT_EQ(hands.bob.count("INVITE"), 2u);
  EXPECT_THAT(hands.bob.last("INVITE"), HasSubstr("\r\nMax-Breadth: 2\r\n"));
}

// [CGP-10, ARCH-11] Three phones ring at once, one answers, the others are cancelled
TEST(PassedOn, ThreePhonesRing) {
  World world({});
  Phone alice(world, "alice", "127.0.0.2:5060");
  Phone first(world, "bob", "127.0.0.3:5060"), second(world, "bob", "127.0.0.4:5060"),
      third(world, "bob", "127.0.0.5:5060");
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
    Hands hands(World::default_config("[sip]\nrecord_route = \"when-needed\"\n",
                                      fmt::format("authenticate = \"none\"\nmode = \"{}\"\n", mode)));
    EXPECT_THAT(hands.heard(hands.alice.draft()), Not(HasSubstr("Record-Route"))) << mode;
    EXPECT_THAT(hands.heard(hands.alice.draft().set("Via", "SIP/2.0/UDP 192.168.1.7:5060;rport;branch=z9hG4bKnatted")),
                HasSubstr("\r\nRecord-Route: "))
        << mode;
  }
}

// [CGP-49, threats 68] No room for one more client transaction: 503 with Retry-After; when calls have ended there is
// room again
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
  EXPECT_EQ(hands.alice.ask(cancel_of(invite.text()), milliseconds(50)), 200);
  hands.world.run_for(seconds(80));
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [MSG-02] A re-INVITE that is refused leaves the call as it was
TEST(PassedOn, RefusedReInvite) {
  World world({});
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  ASSERT_EQ(phones.alice.last_status("INVITE"), 200);
  phones.bob.script.answers = {{milliseconds(10), 488}};
  phones.alice.in_dialog("INVITE");
  world.run_for(seconds(2));
  EXPECT_EQ(phones.alice.last_status("INVITE"), 488);
  phones.alice.hang_up();
  world.run_for(seconds(2));
  EXPECT_EQ(phones.alice.last_status("BYE"), 200);
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

// [RFC3261 17.2.4, RFC3261 18.2.2] A caller whose connection broke while it rang hears the answer over a new one, to
// its sent-by port
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

// [RFC3261 16.11, ARCH-09] The branch is made of the request: INVITE, its repeat, CANCEL and ACK have the same; no 100,
// nothing is repeated or kept
TEST(StatelessProxy, RemembersNothing) {
  Stateless hands;
  const Draft invite = hands.alice.draft();
  const std::string via = line_of(hands.heard(invite), "Via");
  EXPECT_EQ(line_of(hands.heard(invite), "Via"), via);
  Draft ack = invite;
  EXPECT_EQ(line_of(hands.heard(cancel_of(invite.text())), "Via"), via);
  EXPECT_EQ(line_of(hands.heard(ack.start("ACK sip:bob@example.test SIP/2.0")
                                    .set("CSeq", "1 ACK")
                                    .set("To", "<sip:bob@example.test>;tag=callee")),
                    "Via"),
            via);
  hands.bob.forget();
  hands.world.run_for(seconds(40));
  EXPECT_TRUE(hands.bob.received().empty());
  EXPECT_TRUE(hands.alice.received().empty());
  EXPECT_EQ(hands.world.transactions(), 0u);
}

// [CGP-02, RFC6026 7.3] A response finds its way by its Vias in stateless mode; a stateful proxy that knows no
// transaction drops it
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
