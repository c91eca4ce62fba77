#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "stranger.hpp"
#include "world.hpp"

namespace bellhop::scenario {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// Each over UDP and over TCP.
class Doors : public testing::TestWithParam<sip::Transport> {
 protected:
  void open(std::string_view more = {}) { world.apply(World::guarded(more)); }
  /// Asks as a new neighbour does, from an address of its own.
  int ask_from(const std::string& address, std::string_view method = "OPTIONS") {
    Stranger who(world, GetParam(), address);
    return who.ask(who.draft(method, "sip:example.test"));
  }
  World world{World::Options{}};
};

INSTANTIATE_TEST_SUITE_P(OverUdpAndTcp, Doors, testing::Values(sip::Transport::udp, sip::Transport::tcp),
                         [](const auto& param) { return std::string(sip::param_name(param.param)); });

// [RT-02, threats 67] The 17th request in 2 s is dropped, and everything until 300 s have passed
TEST_P(Doors, AFloodIsBannedAndOthersAreServed) {
  open();
  Stranger scanner(world, GetParam());
  for (int i = 0; i < 40; ++i) scanner.send(scanner.draft("OPTIONS", "sip:example.test").text());
  world.run_for(seconds(1));
  EXPECT_EQ(scanner.count("SIP/2.0 200"), 16u);
  EXPECT_EQ(ask_from("127.0.0.67:5067"), 200);
  world.run_for(seconds(285));
  EXPECT_EQ(ask_from("127.0.0.66:5070"), 0);
  world.run_for(seconds(20));
  EXPECT_EQ(ask_from("127.0.0.66:5071"), 200);
  EXPECT_THAT(world.log_lines(), Contains(HasSubstr("banned source=127.0.0.66 rule=requests seconds=300")));
}

// [CGP-46] Malformed messages beyond the limit ban their source, and nobody else
TEST_P(Doors, MalformedMessagesBan) {
  open("malformed_packets = 3\n");
  for (int i = 0; i < 4; ++i) {
    Stranger who(world, GetParam(), "127.0.0.66:" + std::to_string(5100 + i));
    (void)who.ask(who.draft("OPTIONS", "sip:example.test").drop("Call-ID"));
  }
  EXPECT_EQ(ask_from("127.0.0.66:5070"), 0);
  EXPECT_EQ(ask_from("127.0.0.67:5067"), 200);
}

// [RT-03] A scanner that says its name hears nothing more
TEST_P(Doors, AScannerIsBannedByItsName) {
  open();
  Stranger scanner(world, GetParam());
  EXPECT_EQ(scanner.ask(scanner.draft("REGISTER", "sip:example.test").set("User-Agent", "friendly-scanner")), 0);
  EXPECT_EQ(ask_from("127.0.0.66:5070"), 0);
  EXPECT_EQ(ask_from("127.0.0.67:5067"), 200);
}

// [RT-03] ... or a 200 that stores nothing, as the operator likes
TEST_P(Doors, AScannerIsToldWhatItWantsToHear) {
  open("scanner_answer = \"ok\"\n");
  Stranger scanner(world, GetParam());
  EXPECT_EQ(scanner.ask(scanner.draft("REGISTER", "sip:example.test")
                            .set("User-Agent", "friendly-scanner")
                            .set("Contact", "<sip:100@127.0.0.66:5066>")),
            200);
  EXPECT_EQ(world.gauge("location.bindings"), 0);
  EXPECT_EQ(ask_from("127.0.0.66:5070"), 200);
}

Draft with_wrong_password(Stranger& who, const std::string& challenge) {
  const std::string line = line_of(challenge, "WWW-Authenticate");
  const auto at = line.find("nonce=\"") + 7;
  const std::string nonce = line.substr(at, line.find('"', at) - at);
  const auto stamp = line.find(", opaque=");
  const std::string opaque =
      stamp == std::string::npos ? "" : line.substr(stamp, line.find('"', stamp + 10) + 1 - stamp);
  return who.draft("REGISTER", "sip:example.test")
      .set("Authorization", "Digest username=\"alice\", realm=\"example.test\", nonce=\"" + nonce +
                                "\", uri=\"sip:example.test\", algorithm=SHA-256" + opaque + ", response=\"" +
                                std::string(64, '0') + "\"");
}

// [CGP-47, threats 64] Wrong credentials are answered late; more than the limit ban, and the ban ends by itself
TEST_P(Doors, WrongPasswordsAreAnsweredLateAndBanned) {
  open("failed_logins = 3\n");
  Stranger guesser(world, GetParam());
  ASSERT_EQ(guesser.ask(guesser.draft("REGISTER", "sip:example.test"), milliseconds(50)), 401);
  const std::string challenge = guesser.last("SIP/2.0 401");
  for (int i = 0; i < 3; ++i) {
    guesser.forget();
    EXPECT_EQ(guesser.ask(with_wrong_password(guesser, challenge), milliseconds(900)), 0) << i;
    world.run_for(milliseconds(200));
    EXPECT_EQ(guesser.count("SIP/2.0 401"), 1u) << i;
  }
  guesser.forget();
  (void)guesser.ask(with_wrong_password(guesser, challenge), seconds(2));
  EXPECT_EQ(ask_from("127.0.0.66:5070"), 0);
  EXPECT_EQ(ask_from("127.0.0.67:5067"), 200);
  world.run_for(seconds(300));
  EXPECT_EQ(ask_from("127.0.0.66:5071"), 200);
}

// [CGP-47] A repetition while the answer waits is absorbed: it is neither judged again nor counted
TEST(DoorsOverUdp, ARepetitionDoesNotCountAsAnotherGuess) {
  World world{World::Options{}};
  world.apply(World::guarded("failed_logins = 3\n"));
  Stranger guesser(world, sip::Transport::udp);
  ASSERT_EQ(guesser.ask(guesser.draft("REGISTER", "sip:example.test")), 401);
  const std::string guess = with_wrong_password(guesser, guesser.last("SIP/2.0 401")).text();
  guesser.forget();
  for (int i = 0; i < 5; ++i) guesser.send(guess);
  world.run_for(seconds(2));
  EXPECT_EQ(guesser.count("SIP/2.0 401"), 1u);
  EXPECT_EQ(world.counter("auth.challenges"), 2u);
}

// [CGP-47] A normal challenge is no failure: an office of phones behind one address is served
TEST(DoorsOverUdp, AnOfficeBehindOneAddressIsNoFlood) {
  World world{World::Options{}};
  world.apply(World::guarded() + "[registrar]\nmax_contacts = 40\n");
  for (int i = 0; i < 40; ++i) {
    Phone phone(world, i % 2 != 0 ? "alice" : "bob", "127.0.0.50:" + std::to_string(6000 + i));
    phone.register_contact();
    world.run_for(milliseconds(40));
    EXPECT_EQ(phone.last_status("REGISTER"), 200) << i;
  }
}

// [KAM-12, PAR-07] A peer known by its network needs no password, others do
TEST_P(Doors, APeerKnownByItsNetworkNeedsNoPassword) {
  world.apply(World::guarded() + "[[peer]]\nname = \"gateway\"\nnetworks = [\"127.0.0.66\"]\n");
  Stranger gateway(world, GetParam());
  EXPECT_EQ(gateway.ask(gateway.draft("INVITE", "sip:bob@example.test")), 480);
  Stranger other(world, GetParam(), "127.0.0.67:5067");
  EXPECT_EQ(other.ask(other.draft("INVITE", "sip:bob@example.test")), 407);
  gateway.forget();
  EXPECT_EQ(gateway.ask(gateway.draft("REGISTER", "sip:example.test")), 401)
      << "phones register with a password wherever they stand";
}

// [CGP-47] Failures in another's name do not ban it: only who heard the challenge at that address could answer it
TEST(DoorsOverUdp, ForgedFailuresDoNotBanAPhone) {
  World world{World::Options{}};
  world.apply(World::guarded("failed_logins = 3\nfailed_login_delay = \"0s\"\n"));
  Phone phone(world, "alice", "127.0.0.50:5060");
  phone.register_contact();
  world.run_for(seconds(1));
  Stranger forger(world, sip::Transport::udp);
  ASSERT_EQ(forger.ask(forger.draft("REGISTER", "sip:example.test")), 401);
  const std::string overheard = forger.last("SIP/2.0 401");
  Stranger in_its_name(world, sip::Transport::udp, "127.0.0.50:5099");  // as good as a forged source address
  for (int i = 0; i < 10; ++i) (void)in_its_name.ask(with_wrong_password(in_its_name, overheard));
  phone.forget();
  phone.register_contact();
  world.run_for(seconds(1));
  EXPECT_EQ(phone.last_status("REGISTER"), 200);
  // With what that address itself was told it is no forgery any more.
  in_its_name.forget();
  (void)in_its_name.ask(in_its_name.draft("REGISTER", "sip:example.test"));
  const std::string own = in_its_name.last("SIP/2.0 401");
  for (int i = 0; i < 4; ++i) (void)in_its_name.ask(with_wrong_password(in_its_name, own));
  in_its_name.forget();
  EXPECT_EQ(in_its_name.ask(in_its_name.draft("OPTIONS", "sip:example.test")), 0);
}

// [RT-03] Who is exempt is not judged by a name either: an operator may scan his own server
TEST_P(Doors, AnExemptScannerIsHeard) {
  Stranger scanner(world, GetParam());
  EXPECT_EQ(scanner.ask(scanner.draft("OPTIONS", "sip:example.test").set("User-Agent", "friendly-scanner")), 200);
}

// [RT-03] A peer is not to blame for the User-Agents it carries
TEST_P(Doors, APeerMayCarryAScannersName) {
  world.apply(World::guarded() + "[[peer]]\nname = \"gateway\"\nnetworks = [\"127.0.0.66\"]\n");
  Stranger gateway(world, GetParam());
  const Draft draft = gateway.draft("INVITE", "sip:bob@example.test").set("User-Agent", "friendly-scanner");
  EXPECT_EQ(gateway.ask(draft), 480);
}

}  // namespace
}  // namespace bellhop::scenario
