// Where requests go: address rules, relay policy, modes, limits and settings of the catalogue, seen from outside.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// alice and bob registered here, a server of others at 127.0.0.9.
struct Town {
  explicit Town(std::string config = {})
      : world({.config = std::move(config)}),
        alice(world, "alice", "127.0.0.2:5060"),
        bob(world, "bob", "127.0.0.3:5060"),
        remote(world, "remote", "127.0.0.9:5060") {
    alice.register_contact();
    bob.register_contact();
    world.run_for(seconds(2));
    alice.forget();
    bob.forget();
    (void)world.arrows();
  }
  /// The final status alice gets for a MESSAGE to this URI.
  int message(std::string_view uri, std::string_view more = {}) {
    bob.forget();
    remote.forget();
    alice.send("MESSAGE", uri, more, "hello");
    world.run_for(seconds(40));
    return alice.last_status("MESSAGE");
  }
  World world;
  Phone alice, bob, remote;
};

// [CGP-13, CGP-14] A local user by its binding, a remote one by its address
TEST(Routing, LocalAndRemote) {
  Town town;
  EXPECT_EQ(town.message("sip:bob@example.test"), 200);
  EXPECT_EQ(town.bob.count_requests("MESSAGE"), 1u);
  EXPECT_THAT(town.bob.last_request("MESSAGE"), StartsWith("MESSAGE sip:bob@127.0.0.3:5060 SIP/2.0\r\n"));
  EXPECT_EQ(town.message("sip:someone@127.0.0.9"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
}

// [CGP-15] Addresses as domains, with and without brackets; our own address is our domain
TEST(Routing, AddressesAsDomains) {
  Town town;
  EXPECT_EQ(town.message("sip:u@127.0.0.9"), 200);
  EXPECT_EQ(town.message("sip:u@[127.0.0.9]"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(town.message("sip:bob@127.0.0.1"), 200);
  EXPECT_EQ(town.bob.count_requests("MESSAGE"), 1u);
}

// [CGP-16] A domain without a dot that is not ours: 404; one with a dot is looked up
TEST(Routing, UndottedAndUnknownDomains) {
  Town town;
  EXPECT_EQ(town.message("sip:u@nodot"), 404);
  town.world.net().add_host("host.elsewhere.test", *IpAddress::parse("127.0.0.9"));
  EXPECT_EQ(town.message("sip:u@host.elsewhere.test"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
  EXPECT_THAT(town.message("sip:u@missing.elsewhere.test"), AnyOf(404, 480, 500, 503));
}

// [CGP-17] "%" in a user of ours stands for "@"
TEST(Routing, PercentForAt) {
  Town town;
  EXPECT_EQ(town.message("sip:bob%25example.test@example.test"), 200);
  EXPECT_EQ(town.bob.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(town.message("sip:u%25127.0.0.9@example.test"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
}

// [CGP-18] The suffix of a domain forces the transport and is taken off
TEST(Routing, TransportSuffix) {
  Town town;
  Phone tcp(town.world, "tcp", "127.0.0.19:5060", Transport::tcp);
  EXPECT_EQ(town.message("sip:u@127.0.0.19._tcp"), 200);
  EXPECT_THAT(tcp.last_request("MESSAGE"), StartsWith("MESSAGE sip:u@127.0.0.19 SIP/2.0\r\n"));
}

// [CGP-52, CGP-19] Relay via takes all foreign domains but those routed explicitly
TEST(Routing, RelayVia) {
  Town town(World::default_config("[sip]\nrelay_via = \"127.0.0.9\"\n"));
  Phone other(town.world, "other", "127.0.0.29:5060");
  EXPECT_EQ(town.message("sip:u@foreign.test"), 200);
  EXPECT_THAT(town.remote.last_request("MESSAGE"), StartsWith("MESSAGE sip:u@foreign.test SIP/2.0\r\n"));
  EXPECT_EQ(town.message("sip:u@127.0.0.29._via"), 200);
  EXPECT_EQ(other.count_requests("MESSAGE"), 1u);
}

// [CGP-12] An alias rings its account and logs in with its password; a static alias may lead elsewhere
TEST(Routing, Aliases) {
  Town town(World::default_config(
      "[[account]]\nuser = \"erin\"\ndomain = \"example.test\"\npassword = \"pw-erin\"\naliases = [\"e2\"]\n"
      "[[alias]]\nname = \"desk\"\ndomain = \"example.test\"\ntarget = \"bob\"\n"
      "[[alias]]\nname = \"away\"\ndomain = \"example.test\"\ntarget = \"sip:x@127.0.0.9\"\n"));
  EXPECT_EQ(town.message("sip:desk@example.test"), 200);
  EXPECT_EQ(town.bob.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(town.message("sip:away@example.test"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
  Phone erin(town.world, "e2", "127.0.0.39:5060");
  erin.password = "pw-erin";
  erin.register_contact();
  town.world.run_for(seconds(2));
  EXPECT_EQ(erin.last_status("REGISTER"), 200);
  EXPECT_EQ(town.message("sip:erin@example.test"), 200);
  EXPECT_EQ(erin.count_requests("MESSAGE"), 1u);
}

// [RT-01, RT-11, RFC3261 16.5] 484 without a user, 404 for nobody, 480 without a phone
TEST(Routing, WhoIsNotThere) {
  Town town;
  EXPECT_EQ(town.message("sip:example.test"), 484);
  EXPECT_EQ(town.message("sip:nobody@example.test"), 404);
  EXPECT_EQ(town.message("sip:dave@example.test"), 480);
}

// [REG-12] A phone whose Allow lacks the method: 405
TEST(Routing, MethodFiltering) {
  Town town(World::default_config("[registrar]\nmethod_filtering = true\n"));
  town.bob.send_register("Contact: *\r\nExpires: 0\r\n");
  town.world.run_for(seconds(1));
  town.bob.send_register(fmt::format("Contact: <{}>\r\nExpires: 600\r\n", town.bob.contact_uri()),
                         "Allow: INVITE, ACK, BYE, CANCEL\r\n");
  town.world.run_for(seconds(1));
  EXPECT_EQ(town.message("sip:bob@example.test"), 405);
  town.alice.call("sip:bob@example.test");
  town.world.run_for(seconds(5));
  EXPECT_EQ(town.alice.last_status("INVITE"), 200);
}

// [REG-07] Without parallel forking only the best contact rings
TEST(Routing, OneContactOnly) {
  Town town(World::default_config("[registrar]\nparallel_forking = false\n"));
  Phone second(town.world, "bob", "127.0.0.4:5060");
  second.register_contact(3600, ";q=0.2");
  town.world.run_for(seconds(2));
  town.bob.script.answers = {{milliseconds(10), 486}};
  town.alice.call("sip:bob@example.test");
  town.world.run_for(seconds(20));
  EXPECT_EQ(town.alice.last_status("INVITE"), 486);
  EXPECT_EQ(second.count_requests("INVITE"), 0u);
}

// [CGP-13] Another local domain's users are reached like ours
TEST(Routing, AnotherLocalDomain) {
  Town town(
      World::default_config("[[domain]]\nname = \"other.test\"\nauthenticate = \"none\"\n[[account]]\nuser = "
                            "\"zoe\"\ndomain = \"other.test\"\npassword = \"x\"\n",
                            "aliases = [\"alias.test\"]\n"));
  Stranger zoe(town.world, Transport::udp);
  EXPECT_EQ(zoe.ask(zoe.draft("REGISTER", "sip:other.test")
                        .set("To", "<sip:zoe@other.test>")
                        .set("From", "<sip:zoe@other.test>;tag=1")),
            200);
  town.alice.send("MESSAGE", "sip:zoe@other.test");
  town.world.run_for(seconds(1));
  EXPECT_THAT(zoe.last("MESSAGE"), StartsWith("MESSAGE sip:stranger@127.0.0.66:5066 SIP/2.0\r\n"));
}

// [CGP-12] A domain alias stands for its domain
TEST(Routing, DomainAlias) {
  Town town(World::default_config({}, "aliases = [\"alias.test\"]\n"));
  EXPECT_EQ(town.message("sip:bob@alias.test"), 200);
  EXPECT_EQ(town.bob.count_requests("MESSAGE"), 1u);
}

// [CGP-30] Short field names in what we send and what we answer
TEST(Settings, ShortFieldNames) {
  Town town(World::default_config("[sip]\nshort_field_names = true\n"));
  EXPECT_EQ(town.message("sip:bob@example.test"), 200);
  for (const char* name : {"\r\nv: ", "\r\nf: ", "\r\nt: ", "\r\ni: ", "\r\nl: "})
    EXPECT_THAT(town.bob.last_request("MESSAGE"), HasSubstr(name));
  Stranger stranger(town.world, Transport::udp);
  EXPECT_EQ(stranger.ask(stranger.draft("OPTIONS", "sip:127.0.0.1:5060")), 200);
  EXPECT_THAT(stranger.received().back(), HasSubstr("\r\nl: 0\r\n"));
}

// [CGP-31] Above the limit a request leaves over TCP, below over UDP; an explicit transport stays; LAN and WAN have
// their own limits
TEST(Settings, UdpSizeLimit) {
  Town town(
      World::default_config("[sip]\nudp_limit_lan = \"1300B\"\nudp_limit_wan = \"600B\"\nlan = [\"127.0.0.0/24\"]\n"));
  Phone tcp(town.world, "both", "127.0.0.49:5060", Transport::tcp), udp(town.world, "both", "127.0.0.49:5060");
  Phone far_tcp(town.world, "far", "127.0.9.49:5060", Transport::tcp), far_udp(town.world, "far", "127.0.9.49:5060");
  const auto padding = [](std::size_t size) { return "X-Padding: " + std::string(size, 'x') + "\r\n"; };
  EXPECT_EQ(town.message("sip:u@127.0.0.49", padding(300)), 200);
  EXPECT_EQ(udp.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(town.message("sip:u@127.0.0.49", padding(1200)), 200);
  EXPECT_EQ(tcp.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(town.message("sip:u@127.0.0.49;transport=udp", padding(1200)), 200);
  EXPECT_EQ(udp.count_requests("MESSAGE"), 2u);
  EXPECT_EQ(town.message("sip:u@127.0.9.49", padding(300)), 200);
  EXPECT_EQ(far_tcp.count_requests("MESSAGE"), 1u);
  EXPECT_EQ(far_udp.count_requests("MESSAGE"), 0u);
}

// [CGP-31, RFC3261 18.1.1] Nobody listens on TCP there: UDP is tried after all
TEST(Settings, UdpSizeLimitFallsBack) {
  Town town(World::default_config("[sip]\nudp_limit_lan = \"600B\"\nudp_limit_wan = \"600B\"\n"));
  EXPECT_EQ(town.message("sip:u@127.0.0.9", "X-Padding: " + std::string(800, 'x') + "\r\n"), 200);
  EXPECT_EQ(town.remote.count_requests("MESSAGE"), 1u);
}

// [CGP-44] 100 before anything else, even if the call fails at once
TEST(Settings, AlwaysTrying) {
  Town town(World::default_config("[sip]\nalways_trying = true\n"));
  town.alice.call("sip:nobody@example.test");
  town.world.run_for(seconds(5));
  EXPECT_THAT(town.world.arrows(),
              ElementsAre("alice -> INVITE", "alice <- 100 INVITE", "alice <- 407 INVITE", "alice -> ACK",
                          "alice -> INVITE", "alice <- 100 INVITE", "alice <- 404 INVITE", "alice -> ACK"));
}

// [CGP-43, RFC4320 4.1] 100 to a repeated non-INVITE only where it is asked for
TEST(Settings, TryingOnResend) {
  for (const bool on : {false, true}) {
    Town town(World::default_config(fmt::format("[sip]\ntrying_on_resend = {}\n", on), "authenticate = \"none\"\n"));
    town.world.net().set_silent(*IpAddress::parse("127.0.0.3"), true);
    Stranger stranger(town.world, Transport::udp);
    const std::string text = stranger.draft("MESSAGE").text();
    EXPECT_EQ(stranger.ask(text, milliseconds(200)), 0);
    EXPECT_EQ(stranger.ask(text, milliseconds(200)), on ? 100 : 0);
  }
}

// [CGP-50] Record-Route always, or only where it is needed
TEST(Settings, RecordRouteWhenNeeded) {
  Town always;
  always.alice.call("sip:u@127.0.0.9");
  always.world.run_for(seconds(5));
  EXPECT_THAT(always.remote.last_request("INVITE"), HasSubstr("Record-Route: <sip:127.0.0.1:5060;lr;bh="));
  Town needed(World::default_config("[sip]\nrecord_route = \"when-needed\"\n"));
  needed.alice.call("sip:u@127.0.0.9");
  needed.world.run_for(seconds(5));
  EXPECT_THAT(needed.remote.last_request("INVITE"), Not(HasSubstr("Record-Route")));
  Phone tcp(needed.world, "tcp", "127.0.0.59:5060", Transport::tcp);
  needed.alice.call("sip:u@127.0.0.59;transport=tcp");
  needed.world.run_for(seconds(5));
  const std::string& invite = tcp.last_request("INVITE");
  EXPECT_THAT(invite, HasSubstr("Record-Route: <sip:127.0.0.1:5060;transport=tcp;lr;bh="));
  EXPECT_EQ(invite.find(";lr;bh="), invite.find(";transport=tcp;lr;bh=") + 14) << "the callee's side on top";
  EXPECT_NE(invite.find(";lr;bh=", invite.find(";lr;bh=") + 1), std::string::npos) << "two values: UDP here, TCP there";
}

// [RT-04, MSG-19] Max-Forwards: one less, or the setting where it is missing
TEST(Hops, AreCounted) {
  Town town(World::default_config("[sip]\nmax_forwards = 33\n", "authenticate = \"none\"\n"));
  Stranger stranger(town.world, Transport::udp);
  EXPECT_EQ(stranger.ask(stranger.draft("MESSAGE").set("Max-Forwards", "5")), 200);
  EXPECT_THAT(town.bob.last_request("MESSAGE"), HasSubstr("\r\nMax-Forwards: 4\r\n"));
  EXPECT_EQ(stranger.ask(stranger.draft("MESSAGE").drop("Max-Forwards")), 200);
  EXPECT_THAT(town.bob.last_request("MESSAGE"), HasSubstr("\r\nMax-Forwards: 33\r\n"));
}

// [RT-09] In a dialog without our Route: 404 Not here; a stray ACK: silence
TEST(Dialog, NotOurs) {
  Town town(World::default_config({}, "authenticate = \"none\"\n"));
  Stranger stranger(town.world, Transport::udp);
  EXPECT_EQ(stranger.ask(stranger.draft("BYE").set("To", "<sip:bob@example.test>;tag=x")), 404);
  EXPECT_THAT(stranger.received().back(), StartsWith("SIP/2.0 404 Not here\r\n"));
  EXPECT_EQ(stranger.ask(stranger.draft("ACK", "sip:x@127.0.0.99")), 0);
}

// [KAM-03, BIG-13] The stateless mode forwards and forgets; repeats are forwarded with the same branch
TEST(Mode, Stateless) {
  Town town(World::default_config({}, "authenticate = \"none\"\nmode = \"stateless\"\n"));
  Stranger stranger(town.world, Transport::udp);
  const std::string text = stranger.draft("MESSAGE").text();
  EXPECT_EQ(stranger.ask(text), 200);
  EXPECT_EQ(town.world.transactions(), 0u);
  const std::string first = town.bob.last_request("MESSAGE");
  stranger.send(text);
  town.world.run_for(seconds(1));
  EXPECT_EQ(town.bob.last_request("MESSAGE"), first);
  EXPECT_EQ(town.world.counter("proxy.forwarded"), 0u);
}

// [ARCH-12] The redirect mode answers 302 with the bindings and their q
TEST(Mode, Redirect) {
  Town town(World::default_config({}, "authenticate = \"none\"\nmode = \"redirect\"\n"));
  Stranger stranger(town.world, Transport::udp);
  EXPECT_EQ(stranger.ask(stranger.draft("INVITE")), 302);
  EXPECT_THAT(stranger.received().back(), HasSubstr("Contact: <sip:bob@127.0.0.3:5060>;q="));
  EXPECT_EQ(town.bob.count_requests("INVITE"), 0u);
}

// [ARCH-07] A registrar and nothing else: 501
TEST(Mode, RegistrarOnly) {
  Town town(World::default_config("[registrar]\nonly = true\n", "authenticate = \"none\"\n"));
  Stranger stranger(town.world, Transport::udp);
  EXPECT_EQ(stranger.ask(stranger.draft("INVITE")), 501);
  EXPECT_EQ(stranger.ask(stranger.draft("REGISTER", "sip:example.test").set("To", "<sip:carol@example.test>")), 200);
}

// [KAM-01] Calls cross transports: UDP to TCP and back, over the phone's own connection
TEST(Transports, AreCrossed) {
  Town town;
  Phone carol(town.world, "carol", "127.0.0.6:5060", Transport::tcp);
  carol.register_contact();
  town.world.run_for(seconds(2));
  town.alice.call("sip:carol@example.test");
  town.world.run_for(seconds(5));
  ASSERT_EQ(town.alice.last_status("INVITE"), 200);
  EXPECT_GE(carol.count_requests("ACK"), 1u);
  carol.hang_up();
  town.world.run_for(seconds(40));
  EXPECT_EQ(carol.last_status("BYE"), 200);
  EXPECT_EQ(town.alice.count_requests("BYE"), 1u);
  carol.call("sip:alice@example.test");
  town.world.run_for(seconds(5));
  EXPECT_EQ(carol.last_status("INVITE"), 200);
}

}  // namespace
}  // namespace bellhop::scenario
