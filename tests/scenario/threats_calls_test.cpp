// threats.md rows 45 to 72, as far as they concern calls, registration and connections: bad peers against a whole
// server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shard/shard.hpp"
#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A caller with a real phone, a callee played by a stranger who registered as bob.
struct BadCallee {
  explicit BadCallee(std::string_view more = {})
      : world({.config = World::open_house(more)}),
        callee(world, Transport::udp),
        alice(world, "alice", "127.0.0.2:5060") {
    alice.register_contact();
    register_as("bob", "<sip:bob@127.0.0.66:5066>");
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
  World world;
  Stranger callee;
  Phone alice;
  std::string invite;
};

// [threats 45] Contacts that are no phone: the call fails and nothing is broadcast
TEST(BadPeer, ContactsThatAreNoPhone) {
  for (const char* contact :
       {"<sip:bob@.1>", "<sip:bob@127.0.0.9:0>", "<sip:bob@255.255.255.255>", "<sip:bob@127.0.0.9;maddr=224.0.1.75>",
        "<tel:+15551234>", "<sip:bob@127.0.0.1:5060>", "<mailto:bob@example.test>"}) {
    World world({.config = World::open_house()});
    Stranger registering(world, Transport::udp);
    (void)registering.ask(
        registering.draft("REGISTER", "sip:example.test").set("To", "<sip:bob@example.test>").set("Contact", contact));
    Phone alice(world, "alice", "127.0.0.2:5060");
    alice.call("sip:bob@example.test");
    world.run_for(seconds(70));
    EXPECT_GE(alice.last_status("INVITE"), 300) << contact;
    for (const std::string& arrow : world.arrows()) {
      EXPECT_THAT(arrow, Not(HasSubstr("255.255.255.255"))) << contact;
      EXPECT_THAT(arrow, Not(HasSubstr("224.0.1.75"))) << contact;
    }
    EXPECT_EQ(world.transactions(), 0u) << contact;
  }
}

// [threats 45] Nor is anything sent when a user of ours dials such an address himself
TEST(BadPeer, AddressesThatAreNoPhone) {
  World world({.config = World::default_config(World::dual_stack())});
  Phone alice(world, "alice", "127.0.0.2:5060");
  for (const char* uri : {"sip:x@255.255.255.255", "sip:x@224.0.1.75", "sip:x@0.0.0.0", "sip:x@127.0.0.9:0",
                          "sip:x@[127.0.0.9]:0", "sip:x@127.0.0.9;maddr=224.0.1.75", "sip:x@[ff02::1]"}) {
    alice.forget();
    (void)world.arrows();
    alice.call(uri);
    world.run_for(seconds(5));
    EXPECT_GE(alice.last_status("INVITE"), 400) << uri;
    for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<- INVITE"))) << uri;
  }
  world.run_for(seconds(60));
  EXPECT_EQ(world.transactions(), 0u);
}

// [threats 46, RFC5393 4.1] Two users whose contacts point at each other: found within a second
TEST(BadPeer, ContactsThatPointAtEachOther) {
  BadCallee bad;
  bad.register_as("bob", "<sip:carol@127.0.0.1:5060>");
  bad.register_as("carol", "<sip:bob@example.test>");
  bad.register_as("dave", "<sip:dave@example.test>");
  bad.alice.call("sip:dave@example.test");
  bad.world.run_for(seconds(1));
  EXPECT_GE(bad.alice.last_status("INVITE"), 400);
  bad.alice.call("sip:carol@example.test");
  bad.world.run_for(seconds(1));
  EXPECT_LT(bad.world.arrows().size(), 500u);
  bad.expect_clean();
}

// [threats 47, RFC5393 5.3] Two users that each fork to both: bounded, not doubled with each turn
TEST(BadPeer, ForksThatForkAgain) {
  BadCallee bad("[sip]\nmax_breadth = 20\n");
  bad.register_as("carol", "<sip:carol@127.0.0.1:5060>, <sip:dave@127.0.0.1:5060>");
  bad.register_as("dave", "<sip:carol@127.0.0.1:5060>, <sip:dave@127.0.0.1:5060>");
  bad.alice.call("sip:carol@example.test");
  bad.world.run_for(seconds(60));
  EXPECT_GE(bad.alice.last_status("INVITE"), 400);
  EXPECT_LT(bad.world.counter("proxy.forwarded"), 200u);
  bad.expect_clean();
}

// [threats 48] The callee sends the INVITE back: the loop is found and the call goes on
TEST(BadPeer, ReflectedInvite) {
  BadCallee bad;
  const std::string invite = bad.call();
  bad.callee.send(invite);
  bad.world.run_for(seconds(1));
  EXPECT_LT(bad.world.arrows().size(), 30u);
  bad.callee.send(answer_to(invite, "486 Busy Here"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 49, RFC3261 17.1.3] Responses with a Via more, a Via less, another branch, another CSeq: not an answer to
// anything
TEST(BadPeer, ResponsesWithAlteredVia) {
  BadCallee bad;
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
TEST(BadPeer, StormOfResponses) {
  BadCallee bad;
  const std::string invite = bad.call();
  for (int i = 0; i < 300; ++i) bad.callee.send(answer_to(invite, "180 Ringing"));
  for (const char* junk : {"0 x", "99 x", "2OO OK", "99999999999 x", "700 x"}) bad.callee.send(answer_to(invite, junk));
  bad.callee.send(answer_to(invite, "486 Busy Here"));
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.alice.last_status("INVITE"), 486);
  bad.expect_clean();
}

// [threats 51] A callee that challenges with our own realm: passed up, never answered by the server
TEST(BadPeer, ChallengeInOurRealm) {
  BadCallee bad;
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
TEST(BadPeer, ReInviteAfterBye) {
  World world({});
  TwoPhones phones(world);
  phones.alice.call("sip:bob@example.test");
  world.run_for(seconds(2));
  phones.alice.hang_up();
  world.run_for(seconds(2));
  EXPECT_EQ(phones.alice.last_status("BYE"), 200);
  phones.alice.forget();
  phones.alice.in_dialog("INVITE");
  world.run_for(seconds(120));
  EXPECT_GE(phones.alice.last_status("INVITE"), 200);
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_TRUE(Stranger::server_lives(world));
}

// [threats 53] 200 and CANCEL cross: the 200 reaches the caller
TEST(BadPeer, AnswerCrossesCancel) {
  BadCallee bad;
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
TEST(BadPeer, LateAnswerToCancel) {
  BadCallee bad("[sip]\ncancel_wait = \"500ms\"\n");
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
TEST(BadPeer, LateSecondAnswer) {
  BadCallee bad;
  Stranger second(bad.world, Transport::udp, "127.0.0.68:5068");
  EXPECT_EQ(second.ask(second.draft("REGISTER", "sip:example.test")
                           .set("To", "<sip:bob@example.test>")
                           .set("Contact", "<sip:bob@127.0.0.68:5068>")),
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

class BadCaller : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, BadCaller, testing::Values(Transport::udp, Transport::tcp),
                         [](const auto& one) { return std::string(sip::param_name(one.param)); });

// [threats 54] A CANCEL with another branch or sent-by has no effect, and is never challenged
TEST_P(BadCaller, CancelOfSomebodyElse) {
  World world({.config = World::open_house()});
  Phone alice(world, "alice", "127.0.0.2:5060"), bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  bob.script.answers = {{milliseconds(10), 180}};
  alice.call("sip:bob@example.test");
  world.run_for(seconds(1));
  Stranger stranger(world, GetParam());
  for (const auto& entry : world.shard(0).tap().find({})) {
    if (!entry.octets.starts_with("INVITE ")) continue;
    std::string cancel(entry.octets.substr(0, entry.octets.find("\r\n\r\n") + 4));
    cancel.replace(0, 6, "CANCEL");
    cancel.replace(cancel.find(" INVITE\r\n"), 7, " CANCEL");
    cancel.replace(cancel.find("branch=z9hG4bK"), 14, "branch=z9hG4bKx");
    EXPECT_THAT(stranger.ask(cancel), AnyOf(0, 400, 481));
    break;
  }
  EXPECT_EQ(bob.count_requests("CANCEL"), 0u);
  EXPECT_EQ(stranger.ask(stranger.draft("CANCEL")), 481);
}

// [threats 55, threats 56, RT-22] Requests without credentials, for our users and for others: challenged, and no packet
// leaves
TEST_P(BadCaller, WithoutCredentials) {
  World world({});
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  Stranger stranger(world, GetParam());
  for (const char* method : {"INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "PUBLISH", "INFO"}) {
    EXPECT_THAT(stranger.ask(stranger.draft(method)), AnyOf(401, 407)) << method;
    for (const char* uri : {"sip:victim@127.0.0.99", "sip:bob@example.test;maddr=127.0.0.99",
                            "sip:victim%40127.0.0.99@example.test", "sip:victim@elsewhere.test"})
      EXPECT_THAT(stranger.ask(stranger.draft(method, uri)), AnyOf(401, 403, 404, 407)) << method << ' ' << uri;
    EXPECT_THAT(stranger.ask(stranger.draft(method).set("Route", "<sip:127.0.0.99;lr>")), AnyOf(401, 403, 407))
        << method;
    // From nobody of ours, to nobody of ours
    EXPECT_THAT(stranger.ask(stranger.draft(method, "sip:victim@127.0.0.99").set("From", "<sip:x@foreign.test>;tag=1")),
                AnyOf(401, 403, 407))
        << method;
  }
  EXPECT_EQ(bob.requests().size(), 0u);
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("127.0.0.99"))) << arrow;
  EXPECT_EQ(world.transactions(), 0u);
}

// [threats 57] A To tag and a Route to us without our token open no way through
TEST_P(BadCaller, InventedDialog) {
  World world({});
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  Stranger stranger(world, GetParam());
  for (const char* route : {"<sip:127.0.0.1:5060;lr>", "<sip:127.0.0.1:5060;lr;bh=AAAAAAAAAAAAA>",
                            "<sip:example.test;lr>, <sip:127.0.0.99;lr>"})
    for (const char* uri : {"sip:victim@127.0.0.99", "sip:bob@127.0.0.3:5060"}) {
      const int status =
          stranger.ask(stranger.draft("INVITE", uri).set("To", "<sip:x@example.test>;tag=made-up").set("Route", route));
      EXPECT_THAT(status, AnyOf(401, 403, 407, 481)) << route << ' ' << uri;
    }
  EXPECT_EQ(bob.requests().size(), 0u);
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("127.0.0.99"))) << arrow;
}

// [threats 58] Credentials of alice with the From or To of bob: 403
TEST_P(BadCaller, CredentialsOfSomebodyElse) {
  World world({});
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
  World world({});
  Stranger stranger(world, GetParam());
  Draft draft = stranger.draft("OPTIONS", "sip:127.0.0.1:5060");
  draft.set("Via", fmt::format("SIP/2.0/{} 127.0.0.98:5098;received=127.0.0.99;rport=99;branch=z9hG4bKmade-up",
                               sip::via_name(GetParam())));
  EXPECT_EQ(stranger.ask(draft), 200);
  EXPECT_THAT(stranger.received().back(), HasSubstr("received=127.0.0.66"));
  EXPECT_THAT(stranger.received().back(), Not(HasSubstr("received=127.0.0.99")));
}

// [threats 66] One datagram without credentials brings at most three times its size back, repeats included
TEST(Amplification, IsBounded) {
  World world({});
  Stranger stranger(world, Transport::udp);
  for (const char* method : {"INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE"}) {
    stranger.forget();
    (void)stranger.ask(stranger.draft(method), seconds(40));
    EXPECT_LE(stranger.octets_received(), 3 * stranger.octets_sent()) << method;
  }
}

// [threats 68, CGP-35] Calls to a silent phone end by Timer B and leave nothing
TEST(SilentPhone, ManyCallsEndByTimerB) {
  BadCallee bad;
  Stranger caller(bad.world, Transport::udp, "127.0.0.70:5070");
  for (int i = 0; i < 1000; ++i) {
    caller.send(caller.draft().text());
    if (i % 100 == 99) bad.world.run_for(milliseconds(10));
  }
  bad.world.run_for(seconds(1));
  EXPECT_EQ(bad.world.forks(), 1000u);
  bad.expect_clean();
}

// [threats 69] Connections that dribble, idle or reset in mid request: others are served, and they are closed
TEST(Connections, ThatDribbleAreClosed) {
  World world({.config = World::default_config("[tcp]\nconnections_per_address = 100\n")});
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

// [threats 72, RFC3261 16.9] The callee's port is closed: the caller hears at once; another phone of the same user
// rings on
TEST(ClosedPort, FailsAtOnceAndOnlyItself) {
  BadCallee bad;
  {
    Stranger gone(bad.world, Transport::udp, "127.0.0.77:5077");
    EXPECT_EQ(gone.ask(gone.draft("REGISTER", "sip:example.test")
                           .set("To", "<sip:carol@example.test>")
                           .set("Contact", "<sip:carol@127.0.0.77:5077>")),
              200);
  }
  bad.alice.call("sip:carol@example.test");
  bad.world.run_for(seconds(1));
  EXPECT_GE(bad.alice.last_status("INVITE"), 400);
  bad.register_as("carol", "<sip:carol@127.0.0.66:5066>");
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
