// Devices and sites that do not keep to the standards (CGP-62 to CGP-74), and the face we show each network (KAM-21).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/phone_for_test.hpp"
#include "behind_nat.hpp"
#include "config/loader.hpp"

namespace bellhop::scenario {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string device(std::string_view workarounds) {
  return fmt::format("[[device]]\nname = \"Odd\"\nuser_agent = \"odd phone *\"\nworkarounds = [{}]\n", workarounds);
}

/// alice has an odd phone; bob's is like any other.
struct Odd {
  explicit Odd(std::string_view more)
      : world({.config = World::open_house(more)}),
        alice(world, "alice", "127.0.0.66:5066", "127.0.0.66:5066"),
        bob(world, "bob", "127.0.0.77:5077", "127.0.0.77:5077") {
    register_odd(alice, "alice");
    bob.register_contact();
    bob.stranger.forget();
    alice.stranger.forget();
  }
  void register_odd(BehindNat& phone, const std::string& user) {
    phone.tell(phone.draft("REGISTER", "sip:example.test")
                   .set("To", fmt::format("<sip:{}@example.test>", user))
                   .set("User-Agent", agent));
  }
  /// alice calls bob.
  std::string alice_calls(std::string_view name = "Contact", std::string_view value = "<sip:alice@127.0.0.66:5066>") {
    alice.tell(alice.draft("INVITE", "sip:bob@example.test").set("User-Agent", agent).set(name, std::string(value)));
    return bob.last("INVITE");
  }
  std::string bob_calls(std::string_view contact) {
    bob.tell(bob.draft("INVITE", "sip:alice@example.test").set("Contact", std::string(contact)));
    return alice.last("INVITE");
  }
  World world;
  BehindNat alice, bob;
  std::string agent = "Odd Phone 3.1";
};

// [CGP-62] The pattern decides whom a row is for
TEST(Workarounds, AreForThoseWhoMatch) {
  Odd odd(device("\"no-tcp\""));
  EXPECT_THAT(odd.bob_calls("<sip:bob@127.0.0.77:5077;transport=tcp>"),
              HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077>\r\n"));
  EXPECT_THAT(odd.alice_calls("Contact", "<sip:alice@127.0.0.66:5066;transport=tcp>"), HasSubstr(";transport=tcp>"))
      << "bob's phone is not odd";
}

// [CGP-66] noTCP and noMaddr: Contacts sent to such a device lose these parameters, in requests and in responses
TEST(Workarounds, NoTcpAndNoMaddr) {
  Odd odd(device("\"no-tcp\", \"no-maddr\""));
  EXPECT_THAT(odd.bob_calls("<sip:bob@127.0.0.77:5077;maddr=127.0.0.9;transport=TCP;x=y>;q=0.5"),
              HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077;x=y>;q=0.5\r\n"));
  odd.alice_calls();
  odd.bob.stranger.send(with_contact(answer_to(odd.bob.last("INVITE"), "200 OK"),
                                     "Contact: <sip:bob@127.0.0.77:5077;transport=tcp;maddr=127.0.0.9>"));
  odd.world.run_for(milliseconds(50));
  EXPECT_THAT(odd.alice.last("SIP/2.0 200"), HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077>\r\n"));
}

// [CGP-74] FixContacts: its Contact names where it sends from, registered or calling
TEST(Workarounds, FixContacts) {
  Odd odd(device("\"fix-contacts\""));
  EXPECT_THAT(odd.alice_calls("Contact", "<sip:alice@10.9.8.7:1234;x=y>"),
              HasSubstr("\r\nContact: <sip:alice@127.0.0.66:5066;x=y>\r\n"));
  odd.alice.tell(odd.alice.draft("REGISTER", "sip:example.test")
                     .set("To", "<sip:alice@example.test>")
                     .set("User-Agent", odd.agent)
                     .set("Contact", "<sip:alice@phone.invalid.example>")
                     .set("CSeq", "2 REGISTER"));
  odd.bob_calls("<sip:bob@127.0.0.77:5077>");
  const std::string invite = odd.alice.last("INVITE sip:alice@phone.invalid.example SIP/2.0\r\n");
  ASSERT_FALSE(invite.empty()) << "sent to where it registered from";
  odd.alice.stranger.send(
      with_contact(answer_to(invite, "200 OK"), "User-Agent: Odd Phone 3.1\r\nContact: <sip:alice@10.9.8.7:1234>"));
  odd.world.run_for(milliseconds(50));
  EXPECT_THAT(odd.bob.last("SIP/2.0 200"), HasSubstr("\r\nContact: <sip:alice@127.0.0.66:5066>\r\n"));
}

// [CGP-73] badUpdate: what it allows is told without UPDATE, in its requests and in its answers
TEST(Workarounds, BadUpdate) {
  Odd odd(device("\"bad-update\""));
  EXPECT_THAT(odd.alice_calls("Allow", "INVITE, UPDATE, BYE"), HasSubstr("\r\nAllow: INVITE, BYE\r\n"));
  odd.bob_calls("<sip:bob@127.0.0.77:5077>");
  odd.alice.answer("INVITE", "200 OK", "Server: odd phone 9\r\nAllow: ACK,UPDATE\r\nAllow: UPDATE\r\n");
  EXPECT_THAT(odd.bob.last("SIP/2.0 200"), HasSubstr("\r\nAllow: ACK\r\n"));
  EXPECT_THAT(odd.bob.last("SIP/2.0 200"), Not(HasSubstr("UPDATE")));
}

// [CGP-68] badBYEAuth: the digest of its BYE may be made for INVITE; nobody else's may
TEST(Workarounds, BadByeAuth) {
  Odd odd(device("\"bad-bye-auth\""));
  std::string config = World::default_config(device("\"bad-bye-auth\""));
  config.insert(config.find("[guard]\n") + 8, "failed_login_delay = \"0s\"\n");
  odd.world.apply(config);
  const auto bye_with_digest_for = [&](const char* method, const std::string& agent) {
    const auto bye = [&] { return odd.alice.draft("BYE", "sip:bob@example.test").set("User-Agent", agent); };
    const std::string challenge = line_of(odd.alice.tell(bye()), "Proxy-Authenticate");
    const auto nonce = challenge.find("nonce=\"") + 7;
    auth::Phone digest;
    digest.password = "pw-alice";
    digest.nonce = challenge.substr(nonce, challenge.find('"', nonce) - nonce);
    digest.uri = "sip:bob@example.test";
    digest.method = method;
    odd.bob.stranger.forget();
    const std::string answer = odd.alice.tell(bye().set("Proxy-Authorization", digest.value()));
    return odd.bob.last("BYE").empty() ? answer.substr(0, 11) : "passed on";
  };
  EXPECT_EQ(bye_with_digest_for("INVITE", odd.agent), "passed on");
  EXPECT_EQ(bye_with_digest_for("BYE", odd.agent), "passed on");
  EXPECT_EQ(bye_with_digest_for("MESSAGE", odd.agent), "SIP/2.0 407");
  EXPECT_EQ(bye_with_digest_for("INVITE", "Plain Phone 1.0"), "SIP/2.0 407");
  EXPECT_EQ(bye_with_digest_for("BYE", "Plain Phone 1.0"), "passed on");
}

// [CGP-69] needsEpid: a peer that drops it from answers and from its own requests does no harm
TEST(Workarounds, NeedsEpid) {
  Odd odd(device("\"needs-epid\""));
  const std::string heard = odd.alice_calls("From", "<sip:alice@example.test>;tag=1;epid=4711abc");
  std::string answer = answer_to(heard, "200 OK");
  answer.erase(answer.find(";epid=4711abc"), 13);
  odd.bob.stranger.send(answer);
  odd.world.run_for(milliseconds(50));
  EXPECT_THAT(odd.alice.last("SIP/2.0 200"), HasSubstr("\r\nFrom: <sip:alice@example.test>;tag=1;epid=4711abc\r\n"));
  odd.alice.stranger.forget();
  odd.bob.tell(
      in_dialog(odd.bob.draft("BYE", "sip:alice@127.0.0.66:5066"), heard).set("To", "<sip:alice@example.test>;tag=1"));
  EXPECT_THAT(odd.alice.last("BYE"), HasSubstr("\r\nTo: <sip:alice@example.test>;tag=1;epid=4711abc\r\n"));
}

// [CGP-63] Of a request to a remote site the rows of its domain and of the server it goes through both count
TEST(Workarounds, OfSites) {
  Odd odd(
      "[sip]\nrelay = \"anybody\"\nrelay_via = \"proxy.test\"\n[[host]]\nname = \"proxy.test\"\naddresses = "
      "[\"127.0.0.88:5088\"]\n"
      "[[site]]\nname = \"a\"\ndomains = [\"far.*\"]\nworkarounds = [\"no-tcp\"]\n"
      "[[site]]\nname = \"b\"\ndomains = [\"proxy.test\"]\nworkarounds = [\"no-maddr\"]\n");
  BehindNat proxy(odd.world, "proxy", "127.0.0.88:5088", "127.0.0.88:5088");
  odd.bob.tell(odd.bob.draft("INVITE", "sip:x@far.test")
                   .set("Contact", "<sip:bob@127.0.0.77:5077;transport=tcp;maddr=127.0.0.9>"));
  EXPECT_THAT(proxy.last("INVITE"), HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077>\r\n"));
  odd.bob.tell(odd.bob.draft("INVITE", "sip:x@near.test")
                   .set("Contact", "<sip:bob@127.0.0.77:5077;transport=tcp;maddr=127.0.0.9>"));
  EXPECT_THAT(proxy.last("INVITE"), HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077;transport=tcp>\r\n"));
}

// [CGP-62, CGP-64, CGP-65, CGP-70, CGP-71] Those that belong to presence and media are known and refused with the place
TEST(Workarounds, NotYetSupported) {
  const std::string listener = "[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n";
  for (const char* word : {"microsoft", "sub-presence", "no-sub-mwi", "active-hold"}) {
    const auto loaded = config::load_text(listener + device("\"" + std::string(word) + "\""), "x.toml");
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().front().to_string(),
                testing::AllOf(StartsWith("x.toml:7:16"), HasSubstr(word), HasSubstr("not supported yet")));
  }
  const auto mistyped = config::load_text(listener + device("\"no-tpc\""), "x.toml");
  ASSERT_FALSE(mistyped);
  EXPECT_THAT(mistyped.error().front().to_string(), HasSubstr("no-tcp"));
}

// ---- zones

constexpr const char* two_zones =
    "[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.5:5070\"\n"
    "[[zone]]\nname = \"office\"\nnetworks = [\"127.0.0.0/16\"]\n"
    "[[zone]]\nname = \"outside\"\nnetworks = [\"127.1.0.0/16\", \"127.0.0.77\"]\nlisteners = "
    "[\"127.0.0.5:5070\"]\nadvertise = \"sip.example.test\"\n";

// [KAM-21] Who is in a zone is spoken to from its listener and sees its name in Via and Record-Route; all others see
// the address
TEST(Zones, EachSeesItsOwnFace) {
  Odd odd(two_zones);
  const std::string heard =
      odd.alice_calls();  // bob's address is in both zones, in the second with the smaller network
  EXPECT_THAT(heard, HasSubstr("\r\nVia: SIP/2.0/UDP sip.example.test:5070;rport;branch="));
  EXPECT_THAT(heard, HasSubstr("\r\nRecord-Route: <sip:sip.example.test:5070;lr;"));
  EXPECT_THAT(heard, HasSubstr(", <sip:127.0.0.1:5060;lr;")) << "the caller's side of the dialog";
  odd.bob_calls("<sip:bob@127.0.0.77:5077>");
  EXPECT_THAT(odd.alice.last("INVITE"), HasSubstr("\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;rport;branch="));
}

// [KAM-21] The name is ours when it comes back in a Route or Request-URI
TEST(Zones, TheAdvertisedNameIsOurs) {
  Odd odd(two_zones);
  const std::string heard = odd.alice_calls();
  odd.bob.answer("INVITE", "200 OK");
  odd.alice.stranger.forget();
  odd.bob.tell(in_dialog(odd.bob.draft("BYE", "sip:alice@127.0.0.66:5066"), heard));
  EXPECT_THAT(odd.alice.last(), StartsWith("BYE sip:alice@127.0.0.66:5066 SIP/2.0\r\n"));
  EXPECT_EQ(odd.bob.stranger.ask(odd.bob.draft("OPTIONS", "sip:sip.example.test:5070")), 200);
}

}  // namespace
}  // namespace bellhop::scenario
