// threats.md rows 45 to 72, as far as they concern calls, registration and connections: bad peers against a whole
// server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "shard/shard.hpp"
#include "threat.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A caller with a real phone, a callee played by a stranger who registered as bob; both over one transport.
struct BadCallee {
  explicit BadCallee(Transport over, std::string_view more = {})
      : transport(over),
        world({.config = World::open_house(more)}),
        callee(world, over),
        alice(world, "alice", "127.0.0.2:5060", over) {
    alice.register_contact();
    register_as("bob", contact("bob", "127.0.0.66:5066"));
  }
  /// By somebody who is gone again, so that the contact's address alone counts (`found_by_contact`).
  void leave_contact(std::string_view user, std::string contact) {
    Stranger passing(world, transport, "127.0.0.88:5088");
    EXPECT_EQ(passing.ask(passing.draft("REGISTER", "sip:example.test")
                              .set("To", fmt::format("<sip:{}@example.test>", user))
                              .set("Contact", std::move(contact))),
              200);
    passing.disconnect();
    (void)world.arrows();
  }
  /// What became of this call within a second.
  int call_of_a_second(std::string_view uri) {
    alice.forget();
    alice.call(uri);
    world.run_for(seconds(1));
    return alice.last_status("INVITE");
  }
  [[nodiscard]] std::string contact(std::string_view user, std::string_view address) const {
    return fmt::format("<sip:{}@{};transport={}>", user, address, sip::param_name(transport));
  }
  void register_as(std::string_view user, std::string contact) {
    const int status = callee.ask(callee.draft("REGISTER", "sip:example.test")
                                      .set("To", fmt::format("<sip:{}@example.test>", user))
                                      .set("From", fmt::format("<sip:{}@example.test>;tag=r", user))
                                      .set("Contact", std::move(contact)));
    EXPECT_EQ(status, 200);
    callee.forget();
    (void)world.arrows();
  }
  std::string& call() {
    alice.call("sip:bob@example.test");
    world.run_for(milliseconds(100));
    EXPECT_FALSE(callee.received().empty());
    if (!callee.received().empty()) invite = callee.received().front();
    return invite;
  }
  void expect_clean() {
    world.run_for(seconds(120));
    EXPECT_EQ(world.transactions(), 0u);
    EXPECT_EQ(world.forks(), 0u);
    EXPECT_TRUE(Stranger::server_lives(world));
  }
  const Transport transport;
  World world;
  Stranger callee;
  Phone alice;
  std::string invite;
};

constexpr const char* found_by_contact = "[nat]\ndetect = []\n";

class BadPeer : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, BadPeer, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 45] Contacts that are no phone: refused, or the call to them fails, and nothing is broadcast
TEST_P(BadPeer, ContactsThatAreNoPhone) {
  struct Row {
    const char* contact;
    int registered, called;
  };
  for (const Row& row : {Row{"<sip:bob@.1>", 400, 480}, Row{"<sip:bob@127.0.0.9:0>", 400, 480},
                         Row{"<sip:bob@255.255.255.255>", 400, 480},
                         Row{"<sip:bob@127.0.0.9;maddr=224.0.1.75>", 400, 480}, Row{"<tel:+15551234>", 200, 404},
                         Row{"<sip:bob@127.0.0.1:5060>", 200, 482}, Row{"<mailto:bob@example.test>", 200, 416}}) {
    SCOPED_TRACE(row.contact);
    World world({.config = World::open_house(found_by_contact)});
    Stranger passing(world, GetParam());
    EXPECT_EQ(passing.ask(passing.draft("REGISTER", "sip:example.test")
                              .set("To", "<sip:bob@example.test>")
                              .set("Contact", row.contact)),
              row.registered);
    passing.disconnect();
    Phone alice(world, "alice", "127.0.0.2:5060", GetParam());
    alice.call("sip:bob@example.test");
    world.run_for(seconds(70));
    EXPECT_EQ(alice.last_status("INVITE"), row.called);
    for (const std::string& arrow : world.arrows()) {
      EXPECT_THAT(arrow, Not(HasSubstr("255.255.255.255")));
      EXPECT_THAT(arrow, Not(HasSubstr("224.0.1.75")));
    }
    EXPECT_EQ(world.transactions(), 0u);
    EXPECT_TRUE(Stranger::server_lives(world));
  }
}

// [threats 45] Nor is anything sent when a user of ours dials such an address himself
TEST_P(BadPeer, AddressesThatAreNoPhone) {
  World world({.config = World::default_config(World::dual_stack())});
  Phone alice(world, "alice", "127.0.0.2:5060", GetParam());
  const std::vector<std::pair<const char*, int>> rows{
      {"sip:x@255.255.255.255", 500}, {"sip:x@224.0.1.75", 500},    {"sip:x@0.0.0.0", 500},
      {"sip:x@127.0.0.9:0", 404},     {"sip:x@[127.0.0.9]:0", 404}, {"sip:x@127.0.0.9;maddr=224.0.1.75", 500},
      {"sip:x@[ff02::1]", 500}};
  for (const auto& [uri, status] : rows) {
    alice.forget();
    (void)world.arrows();
    alice.call(uri);
    world.run_for(seconds(5));
    EXPECT_EQ(alice.last_status("INVITE"), status) << uri;
    for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<- INVITE"))) << uri;
  }
  world.run_for(seconds(60));
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_TRUE(Stranger::server_lives(world));
}

// [threats 46, RFC5393 4.1] Users whose contacts point at each other, or at themselves: found within a second
TEST_P(BadPeer, ContactsThatPointAtEachOther) {
  BadCallee bad(GetParam(), found_by_contact);
  bad.leave_contact("carol", bad.contact("dave", "127.0.0.1:5060"));
  bad.leave_contact("dave", bad.contact("carol", "example.test"));
  EXPECT_EQ(bad.call_of_a_second("sip:carol@example.test"), 482);
  EXPECT_EQ(bad.world.counter("proxy.forwarded"), 3u) << "carol, dave, carol by her other URI";
  bad.leave_contact("alice", bad.contact("alice", "example.test"));
  EXPECT_EQ(bad.call_of_a_second("sip:dave@example.test"), 482);
  bad.expect_clean();
}

// [threats 47, RFC5393 5.3] Two users that each fork to both: bounded, not doubled with each turn
TEST_P(BadPeer, ForksThatForkAgain) {
  BadCallee bad(GetParam(), std::string("[sip]\nmax_breadth = 20\n") + found_by_contact);
  const std::string both = bad.contact("carol", "127.0.0.1:5060") + ", " + bad.contact("dave", "127.0.0.1:5060");
  bad.leave_contact("carol", both);
  bad.leave_contact("dave", both);
  EXPECT_EQ(bad.call_of_a_second("sip:carol@example.test"), 482);
  EXPECT_LE(bad.world.counter("proxy.forwarded"), 20u);
  bad.expect_clean();
}

// [threats 48] The callee sends the INVITE back: it is a stranger's request to somebody else's address, and the call
// goes on
TEST_P(BadPeer, ReflectedInvite) {
  BadCallee bad(GetParam());
  const std::string invite = bad.call();
  bad.callee.send(invite);
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.callee.count("SIP/2.0 401"), 1u);
  EXPECT_EQ(bad.world.counter("proxy.forwarded"), 1u);
  bad.callee.send(answer_to(invite, "486 Busy Here"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 48] Where we relay for anybody it comes back with another Request-URI once, and is a loop the second time
TEST_P(BadPeer, ReflectedInviteWhereRelayIsFree) {
  BadCallee bad(GetParam(), "[sip]\nrelay = \"anybody\"\n");
  const std::string first = bad.call();
  bad.callee.forget();
  bad.callee.send(first);
  bad.world.run_for(milliseconds(100));
  if (GetParam() == Transport::udp) {
    const std::string second = bad.callee.last("INVITE");
    ASSERT_NE(second, "");
    bad.callee.send(second);
    bad.world.run_for(milliseconds(100));
    EXPECT_EQ(bad.callee.count("SIP/2.0 482"), 1u);
    bad.callee.send(answer_to(second, "486 Busy Here"));
  } else {
    EXPECT_EQ(bad.callee.count("SIP/2.0 500"), 1u) << "nobody listens at the address of its Contact";
  }
  EXPECT_EQ(bad.world.counter("proxy.forwarded"), 2u);
  bad.callee.send(answer_to(first, "486 Busy Here"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 49, RFC3261 17.1.3] Responses with a Via more, a Via less, another branch, another CSeq: not an answer to
// anything
TEST_P(BadPeer, ResponsesWithAlteredVia) {
  BadCallee bad(GetParam());
  const std::string invite = bad.call();
  const std::string good = answer_to(invite, "486 Busy Here");
  const auto altered = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
  };
  const std::string first_via = line_of(invite, "Via") + "\r\n";
  bad.callee.send(altered(first_via, ""));
  bad.callee.send(altered(first_via, first_via + "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKextra\r\n"));
  bad.callee.send(altered("branch=z9hG4bK", "branch=z9hG4bKx"));
  bad.callee.send(altered(" INVITE\r\n", " MESSAGE\r\n"));
  bad.world.run_for(milliseconds(100));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 100);
  bad.callee.send(good);
  bad.world.run_for(milliseconds(100));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 50] 300 times 180, junk status codes, then 486: the caller gets 486
TEST_P(BadPeer, StormOfResponses) {
  BadCallee bad(GetParam());
  const std::string invite = bad.call();
  for (int i = 0; i < 300; ++i) bad.callee.send(answer_to(invite, "180 Ringing"));
  for (const char* junk : {"0 x", "99 x", "2OO OK", "99999999999 x", "700 x"}) bad.callee.send(answer_to(invite, junk));
  bad.callee.send(answer_to(invite, "486 Busy Here"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 51] A callee that challenges with our own realm: passed up, never answered by the server
TEST_P(BadPeer, ChallengeInOurRealm) {
  BadCallee bad(GetParam());
  const std::string invite = bad.call();
  std::string challenge = answer_to(invite, "407 Proxy Authentication Required");
  challenge.insert(challenge.find("Content-Length"),
                   "Proxy-Authenticate: Digest realm=\"example.test\", nonce=\"stolen\", algorithm=MD5\r\n");
  bad.alice.password.clear();
  const std::size_t before = bad.callee.received().size();
  bad.callee.send(challenge);
  bad.world.run_for(milliseconds(100));
  EXPECT_THAT(bad.alice.responses(), Contains("407 INVITE"));
  for (std::size_t i = before; i < bad.callee.received().size(); ++i) {
    if (bad.callee.received()[i].starts_with("INVITE ")) {
      EXPECT_THAT(bad.callee.received()[i], HasSubstr("127.0.0.2")) << "only the caller may repeat it";
    }
  }
  bad.expect_clean();
}

// [threats 52] A re-INVITE without SDP after BYE is passed on like any request of the dialog
TEST_P(BadPeer, ReInviteAfterBye) {
  World world({});
  Phone alice(world, "alice", "127.0.0.2:5060", GetParam()), bob(world, "bob", "127.0.0.3:5060", GetParam());
  bob.register_contact();
  world.run_for(seconds(1));
  alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  alice.hang_up();
  world.run_for(seconds(2));
  EXPECT_EQ(alice.last_status("BYE"), 200);
  alice.forget();
  bob.script.answers = {{milliseconds(10), 481}};
  alice.in_dialog("INVITE");
  world.run_for(seconds(120));
  EXPECT_EQ(alice.last_status("INVITE"), 481);
  EXPECT_EQ(bob.count_requests("INVITE"), 2u);
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_TRUE(Stranger::server_lives(world));
}

// [threats 53] 200 and CANCEL cross: the 200 reaches the caller
TEST_P(BadPeer, AnswerCrossesCancel) {
  BadCallee bad(GetParam());
  const std::string invite = bad.call();
  bad.callee.send(answer_to(invite, "180 Ringing"));
  bad.world.run_for(milliseconds(100));
  bad.alice.cancel();
  bad.callee.send(answer_to(invite, "200 OK"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 200);
  EXPECT_TRUE(bad.alice.in_call());
  bad.expect_clean();
}

// [CGP-54, RFC3261 9.1] A 487 that comes after the wait is over is still acknowledged, and told to nobody
TEST_P(BadPeer, LateAnswerToCancel) {
  BadCallee bad(GetParam(), "[sip]\ncancel_wait = \"500ms\"\n");
  const std::string invite = bad.call();
  bad.callee.send(answer_to(invite, "180 Ringing"));
  bad.world.run_for(milliseconds(100));
  bad.alice.cancel();
  bad.world.run_for(seconds(2));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 487);
  bad.callee.forget();
  bad.callee.send(answer_to(invite, "487 Request Terminated"));
  bad.world.run_for(seconds(1));
  ASSERT_FALSE(bad.callee.received().empty());
  EXPECT_THAT(bad.callee.received().back(), testing::StartsWith("ACK "));
  EXPECT_EQ(bad.alice.count_responses("487 INVITE"), 1u);
  bad.expect_clean();
}

// [threats 53, RFC6026 8.7] A second 200 long after the first, from another tag: it reaches the caller too
TEST_P(BadPeer, LateSecondAnswer) {
  BadCallee bad(GetParam());
  Stranger second(bad.world, GetParam(), "127.0.0.68:5068");
  EXPECT_EQ(second.ask(second.draft("REGISTER", "sip:example.test")
                           .set("To", "<sip:bob@example.test>")
                           .set("Contact", bad.contact("bob", "127.0.0.68:5068"))),
            200);
  second.forget();
  const std::string invite = bad.call();
  ASSERT_FALSE(second.received().empty());
  const std::string other = second.received().front();
  bad.callee.send(answer_to(invite, "200 OK"));
  bad.world.run_for(milliseconds(100));
  std::string late = answer_to(other, "200 OK");
  late.replace(late.find("tag=callee"), 10, "tag=second");
  second.send(late);
  bad.world.run_for(seconds(2));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 200);
  EXPECT_THAT(bad.alice.last_response("INVITE"), HasSubstr("tag=second"));
  bad.expect_clean();
}

// [threats 53, RFC3261 16.7] One phone declines for all while another answers: the 200 reaches the caller
TEST_P(BadPeer, AnswerAfterADeclineForAll) {
  BadCallee bad(GetParam());
  Stranger second(bad.world, GetParam(), "127.0.0.68:5068");
  EXPECT_EQ(second.ask(second.draft("REGISTER", "sip:example.test")
                           .set("To", "<sip:bob@example.test>")
                           .set("Contact", bad.contact("bob", "127.0.0.68:5068"))),
            200);
  second.forget();
  const std::string invite = bad.call();
  const std::string other = second.last("INVITE");
  ASSERT_NE(other, "");
  second.send(answer_to(other, "180 Ringing"));
  bad.world.run_for(milliseconds(100));
  bad.callee.send(answer_to(invite, "603 Decline"));
  bad.world.run_for(milliseconds(100));
  EXPECT_NE(second.last("CANCEL"), "");
  EXPECT_EQ(bad.alice.last_status("INVITE"), 180) << "the 603 waits for what the other phone says";
  second.send(answer_to(other, "200 OK"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 200);
  EXPECT_TRUE(bad.alice.in_call());
  bad.expect_clean();
}

class BadCaller : public ThreatOver {
 protected:
  BadCaller() : ThreatOver(World::default_config()) {}
};
INSTANTIATE_TEST_SUITE_P(Over, BadCaller, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 54] A CANCEL with another branch or sent-by has no effect, and is never challenged
TEST_P(BadCaller, CancelOfSomebodyElse) {
  Phone alice(world, "alice", "127.0.0.2:5060", GetParam()), bob(world, "bob", "127.0.0.3:5060", GetParam());
  bob.register_contact();
  world.run_for(seconds(1));
  bob.script.answers = {{milliseconds(10), 180}};
  alice.call("sip:bob@example.test");
  world.run_for(seconds(1));
  ASSERT_EQ(alice.last_status("INVITE"), 180);
  const std::string cancel = cancel_of(alice.last_sent("INVITE"));
  for (const auto& [part, other] :
       {std::pair("branch=z9hG4bK", "branch=z9hG4bKx"), std::pair("127.0.0.2:5060", "127.0.0.66:5066"),
        std::pair("127.0.0.2:5060", "127.0.0.2:5061")}) {
    std::string forged = cancel;
    forged.replace(forged.find(part), std::string_view(part).size(), other);
    EXPECT_EQ(stranger.ask(forged), 481) << other;
  }
  EXPECT_EQ(stranger.ask(stranger.draft("CANCEL")), 481);
  EXPECT_EQ(bob.count_requests("CANCEL"), 0u);
  EXPECT_EQ(alice.last_status("INVITE"), 180);
  alice.cancel();
  world.run_for(seconds(1));
  EXPECT_EQ(bob.count_requests("CANCEL"), 1u);
  EXPECT_EQ(alice.last_status("INVITE"), 487);
}

// [threats 55, threats 56, RT-22] Requests without credentials, for our users and for others: challenged, and no packet
// leaves
TEST_P(BadCaller, WithoutCredentials) {
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  for (const char* method : {"INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "PUBLISH", "INFO"}) {
    EXPECT_EQ(stranger.ask(stranger.draft(method)), 407) << method;
    for (const char* uri :
         {"sip:victim@127.0.0.99", "sip:bob@example.test;maddr=127.0.0.99", "sip:victim%40127.0.0.99@example.test",
          "sip:victim%127.0.0.99@example.test", "sip:victim@elsewhere.test"})
      EXPECT_EQ(stranger.ask(stranger.draft(method, uri)), 407) << method << ' ' << uri;
    EXPECT_EQ(stranger.ask(stranger.draft(method).set("Route", "<sip:127.0.0.99;lr>")), 407) << method;
    // From nobody of ours: to one of ours, and to nobody of ours.
    EXPECT_EQ(stranger.ask(stranger.draft(method).set("From", "<sip:x@foreign.test>;tag=1")), 407) << method;
    EXPECT_EQ(stranger.ask(stranger.draft(method, "sip:victim@127.0.0.99").set("From", "<sip:x@foreign.test>;tag=1")),
              401)
        << method;
  }
  stranger.forget();
  EXPECT_EQ(stranger.ask(stranger.draft(), seconds(40)), 407);
  EXPECT_EQ(stranger.received().size(), 1u) << "once";
  EXPECT_EQ(bob.requests().size(), 0u);
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("127.0.0.99"))) << arrow;
  EXPECT_EQ(world.transactions(), 0u);
}

// [threats 57] A To tag and a Route to us without our token open no way through
TEST_P(BadCaller, InventedDialog) {
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  for (const char* route : {"<sip:127.0.0.1:5060;lr>", "<sip:127.0.0.1:5060;lr;bh=AAAAAAAAAAAAA>",
                            "<sip:example.test;lr>, <sip:127.0.0.99;lr>"})
    for (const char* uri : {"sip:victim@127.0.0.99", "sip:bob@127.0.0.3:5060"})
      for (const char* method : {"INVITE", "BYE", "INFO"})
        EXPECT_EQ(
            stranger.ask(stranger.draft(method, uri).set("To", "<sip:x@example.test>;tag=made-up").set("Route", route)),
            481)
            << method << ' ' << route << ' ' << uri;
  EXPECT_EQ(bob.requests().size(), 0u);
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("127.0.0.99"))) << arrow;
}

// [threats 58] Credentials of alice with the From or To of bob: 403
TEST_P(BadCaller, CredentialsOfSomebodyElse) {
  Phone alice(world, "alice", "127.0.0.2:5060", GetParam());
  alice.from_user = "bob";
  alice.send("MESSAGE", "sip:carol@example.test");
  world.run_for(seconds(5));
  EXPECT_EQ(alice.last_status("MESSAGE"), 403);
  alice.register_contact();
  world.run_for(seconds(5));
  EXPECT_EQ(alice.last_status("REGISTER"), 403);
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [threats 65] received and rport made up by the client are overwritten; the answer goes where the packet came from
TEST_P(BadCaller, MadeUpReceived) {
  Draft draft = stranger.draft("OPTIONS", "sip:127.0.0.1:5060");
  draft.set("Via", fmt::format("SIP/2.0/{} 127.0.0.98:5098;received=127.0.0.99;rport=99;branch=z9hG4bKmade-up",
                               sip::via_name(GetParam())));
  EXPECT_EQ(stranger.ask(draft), 200);
  EXPECT_THAT(stranger.received().back(), HasSubstr("received=127.0.0.66"));
  EXPECT_THAT(stranger.received().back(), Not(HasSubstr("received=127.0.0.99")));
}

// [threats 68, CGP-35] Calls to a silent phone end by Timer B and leave nothing
TEST_P(BadPeer, SilentPhone) {
  BadCallee bad(GetParam());
  Stranger caller(bad.world, GetParam(), "127.0.0.70:5070");
  for (int i = 0; i < 3000; ++i) {
    caller.send(caller.draft().text());
    if (i % 100 == 99) bad.world.run_for(milliseconds(10));
  }
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.world.forks(), 3000u);
  bad.expect_clean();
}

// [threats 69] A gateway that the guard does not judge may open more than the limit of one address
TEST(Connections, OfWhoeverIsExemptAreNotCountedByAddress) {
  World world({.config = World::default_config("[tcp]\nconnections_per_address = 10\n")});
  std::vector<std::unique_ptr<Stranger>> lines;
  for (int i = 0; i < 30; ++i) lines.push_back(std::make_unique<Stranger>(world, Transport::tcp));
  world.run_for(seconds(1));
  EXPECT_TRUE(std::none_of(lines.begin(), lines.end(), [](const auto& s) { return s->closed(); }));
}

// [threats 69] Connections that dribble, idle or reset in mid request: others are served, and they are closed
TEST(Connections, ThatDribbleAreClosed) {
  World world({.config = World::guarded({}, "[tcp]\nconnections_per_address = 100\n")});
  std::vector<std::unique_ptr<Stranger>> dribbling;
  for (int i = 0; i < 150; ++i) {
    dribbling.push_back(std::make_unique<Stranger>(world, Transport::tcp));
    dribbling.back()->send("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: ");
  }
  world.run_for(seconds(1));
  EXPECT_EQ(std::count_if(dribbling.begin(), dribbling.end(), [](const auto& s) { return s->closed(); }), 50)
      << "those above the limit of one address";
  EXPECT_TRUE(Stranger::server_lives(world));
  for (int i = 0; i < 40; ++i) {
    for (const auto& stranger : dribbling)
      if (!stranger->closed()) stranger->send("x");
    world.run_for(seconds(1));
  }
  for (const auto& stranger : dribbling) EXPECT_TRUE(stranger->closed());
}

// [threats 70] A name server that never answers: calls to its names fail by themselves, nobody else waits
TEST_P(BadPeer, NameServerThatNeverAnswers) {
  BadCallee bad(GetParam(), "[sip]\nrelay = \"anybody\"\n");
  Stranger caller(bad.world, GetParam(), "127.0.0.70:5070");
  bad.world.net().set_dns_delay(seconds(20));  // when our resolver gives up
  for (int i = 0; i < 30; ++i) {
    const std::string name = fmt::format("silent{}.test", i);
    bad.world.net().set_failing(name);
    caller.send(caller.draft("INVITE", fmt::format("sip:u@{}:5060", name)).text());
  }
  bad.callee.send(answer_to(bad.call(), "486 Busy Here"));
  bad.world.run_for(milliseconds(100));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  EXPECT_EQ(caller.count("SIP/2.0 500"), 0u);
  bad.world.run_for(seconds(20));
  EXPECT_EQ(caller.count("SIP/2.0 500"), 30u);
  bad.expect_clean();
}

// [threats 72, RFC3261 16.9] The callee's port is closed: the caller hears at once; another phone of the same user
// rings on
TEST_P(BadPeer, CalleeThatIsGone) {
  BadCallee bad(GetParam());
  {
    Stranger gone(bad.world, GetParam(), "127.0.0.77:5077");
    EXPECT_EQ(gone.ask(gone.draft("REGISTER", "sip:example.test")
                           .set("To", "<sip:carol@example.test>")
                           .set("Contact", bad.contact("carol", "127.0.0.77:5077"))),
              200);
  }
  bad.alice.call("sip:carol@example.test");
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 500);
  bad.register_as("carol", bad.contact("carol", "127.0.0.66:5066"));
  bad.alice.call("sip:carol@example.test");
  bad.world.run_for(milliseconds(100));
  ASSERT_FALSE(bad.callee.received().empty());
  bad.callee.send(answer_to(bad.callee.received().front(), "200 OK"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 200);
  bad.expect_clean();
}

}  // namespace
}  // namespace bellhop::scenario
