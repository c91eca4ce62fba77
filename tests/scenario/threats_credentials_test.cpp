// threats.md rows 20, 31 and 59 to 63: broken, forged, overheard and guessed credentials, and who asks around, against
// a server that wants passwords.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/digest.hpp"
#include "phone.hpp"
#include "sip/values.hpp"
#include "threat.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using crypto::HashAlgorithm;
using sip::Transport;
using testing::AnyOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

/// For [guard]: what is shown here is the answers, not how late they come (guard_test.cpp).
constexpr const char* at_once = "failed_login_delay = \"0s\"\n";

/// alice's credentials for a REGISTER as her phone writes them; a test then falsifies some part.
struct Credentials {
  std::string nonce;
  HashAlgorithm hash = HashAlgorithm::sha256;  ///< what is computed
  HashAlgorithm label = hash;                  ///< what it is said to be
  std::string user = "alice", password = "pw-alice";
  std::string uri = "sip:example.test", signed_uri = uri;
  std::string signed_method = "REGISTER";
  std::string count = "00000001";

  [[nodiscard]] std::string text() const {
    const auto secret = crypto::ha1(hash, user, "example.test", password);
    const auto response =
        crypto::digest_response({hash, false, secret, signed_method, signed_uri, nonce, count, "abc", "auth", {}});
    return fmt::format(
        R"(Digest username="{}", realm="example.test", nonce="{}", uri="{}", algorithm={}, qop=auth, nc={}, cnonce="abc", )"
        R"(response="{}")",
        user, nonce, uri, crypto::name_of(label), count, response.view());
  }
};

class BadCredentials : public ThreatOver {
 protected:
  BadCredentials() : ThreatOver(World::default_config(at_once)) {}
  void TearDown() override {
    EXPECT_EQ(world.gauge("location.bindings"), 0);
    ThreatOver::TearDown();
  }
  std::string nonce() {
    EXPECT_EQ(stranger.ask(reg()), 401);
    const std::string line = line_of(stranger.received().back(), "WWW-Authenticate");
    return std::string(sip::parse_auth(line.substr(line.find(' ') + 1))->value("nonce"));
  }
  int ask_with(const std::string& credentials) {
    return stranger.ask(alice().set("Authorization", credentials), milliseconds(50));
  }
  int ask_with(const Credentials& credentials) { return ask_with(credentials.text()); }
  /// alice registers, and takes her binding back.
  void alice_still_gets_in() {
    EXPECT_EQ(ask_with(Credentials{.nonce = nonce()}), 200);
    EXPECT_EQ(
        stranger.ask(
            alice().set("Authorization", Credentials{.nonce = nonce()}.text()).set("Contact", "*").set("Expires", "0")),
        200);
  }
  Draft alice() { return reg().set("From", "<sip:alice@example.test>;tag=a"); }
};
INSTANTIATE_TEST_SUITE_P(Over, BadCredentials, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 20] Right credentials cut after every octet: no piece of them gets in
TEST_P(BadCredentials, CutAfterEveryOctet) {
  const std::string whole = Credentials{.nonce = nonce()}.text();
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_THAT(ask_with(whole.substr(0, size)), AnyOf(400, 401)) << whole.substr(0, size);
  alice_still_gets_in();
}

// [threats 20] A response of 5 kB, an unknown algorithm, other schemes, two hundred copies: 401; what is no list of
// parameters: 400
TEST_P(BadCredentials, OfOtherKinds) {
  const std::string right = Credentials{.nonce = nonce()}.text();
  const auto with = [&](std::string_view part, std::string_view other) {
    std::string text = right;
    text.replace(text.find(part), part.size(), other);
    return text;
  };
  EXPECT_EQ(ask_with(with("response=\"", "response=\"" + std::string(5000, '0'))), 401);
  EXPECT_EQ(ask_with(with("algorithm=SHA-256", "algorithm=ROT13")), 401);
  EXPECT_EQ(ask_with("Basic YWxpY2U6cHctYWxpY2U="), 401);
  EXPECT_EQ(ask_with("Bearer abc.def.ghi"), 401);
  EXPECT_EQ(ask_with("Digest"), 400);
  EXPECT_EQ(ask_with("Digest ,,,"), 400);
  EXPECT_EQ(ask_with(""), 401);
  Draft copies = alice();
  for (int i = 0; i < 200; ++i) copies.add("Authorization: " + Credentials{.nonce = "x", .password = "guess"}.text());
  EXPECT_THAT(stranger.ask(copies), 401);
  alice_still_gets_in();
}

// [threats 31] Commands and queries as the name and password of an account: nobody gets in, and the log stays in lines
TEST_P(BadCredentials, CommandsAsNamesAndPasswords) {
  for (const char* text :
       {"' OR 1=1--", "alice'; DROP TABLE accounts; --", "$(reboot)", "%n%n%s%s", "*)(uid=*", "`id`"}) {
    EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .user = text}), 401) << text;
    EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .password = text}), 401) << text;
  }
  for (const std::string& line : world.log_lines())
    EXPECT_EQ(std::count_if(line.begin(), line.end(), [](unsigned char c) { return c < ' '; }), 0) << line;
  alice_still_gets_in();
}

// [threats 59] Credentials overheard and sent from another address: 401, as they are and with a contact of the thief's
TEST_P(BadCredentials, OverheardAndPlayedAgain) {
  const std::string captured = alice().set("Authorization", Credentials{.nonce = nonce()}.text()).text();
  EXPECT_EQ(stranger.ask(captured), 200);
  Stranger thief(world, GetParam(), "127.0.0.68:5068");
  EXPECT_EQ(thief.ask(captured), 401);
  std::string own = captured;
  own.replace(own.find("stranger@127.0.0.66:5066"), 24, "thieving@127.0.0.68:5068");
  EXPECT_EQ(thief.ask(own), 401);
  EXPECT_EQ(stranger.ask(own), 401);
  EXPECT_EQ(world.gauge("location.bindings"), 1);
  EXPECT_EQ(stranger.ask(alice().set("Authorization", Credentials{.nonce = nonce()}.text()).set("Expires", "0")), 200);
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [threats 60] Credentials made for another Request-URI or another method
TEST_P(BadCredentials, MadeForAnotherRequest) {
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .uri = "sip:elsewhere.test"}), 400) << "it says so itself";
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .signed_uri = "sip:elsewhere.test"}), 401);
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .signed_method = "MESSAGE"}), 401);
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .signed_method = "INVITE"}), 401);
  alice_still_gets_in();
}

// [threats 61] A nonce made up, altered, of 3 kB: 401, though the response to it is right
TEST_P(BadCredentials, NonceThatIsNotOurs) {
  std::string altered = nonce();
  altered.back() = altered.back() == 'a' ? 'b' : 'a';
  std::string shorter = nonce();
  shorter.pop_back();
  for (const std::string& forged : {"made-up"s, altered, shorter, nonce() + "a", std::string(3000, 'n')})
    EXPECT_EQ(ask_with(Credentials{.nonce = forged}), 401) << forged;
  alice_still_gets_in();
}

// [threats 62] An MD5 response labelled SHA-256, and the other way round
TEST_P(BadCredentials, MislabelledHash) {
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .hash = HashAlgorithm::md5, .label = HashAlgorithm::sha256}), 401);
  EXPECT_EQ(ask_with(Credentials{.nonce = nonce(), .hash = HashAlgorithm::sha256, .label = HashAlgorithm::md5}), 401);
  alice_still_gets_in();
}

// ---- who asks around

/// What of an answer could tell one user from another: its status, the names of its header fields, its size.
std::string shape_of(const std::string& answer) {
  std::string out = answer.substr(0, answer.find("\r\n"));
  for (auto at = answer.find("\r\n"); at + 4 < answer.size(); at = answer.find("\r\n", at + 2))
    out += " " + answer.substr(at + 2, answer.find(':', at) - at - 2);
  return fmt::format("{} {} octets", out, answer.size());
}

class AskingAround : public ThreatOver {
 protected:
  AskingAround() : ThreatOver(World::default_config(at_once)) {}
  std::string answer_about(const std::string& user, const std::string& method, std::string_view more = {}) {
    const std::string uri = fmt::format("sip:{}@example.test", user);
    Draft draft = method == "REGISTER" ? reg() : stranger.draft(method, uri);
    draft.set("From", fmt::format("<{}>;tag=a", uri)).set("To", fmt::format("<{}>", uri));
    draft.set("Via",
              fmt::format("SIP/2.0/{} 127.0.0.66:5066;rport;branch=z9hG4bK{:05}", sip::via_name(GetParam()), ++asked_));
    draft.set("Call-ID", fmt::format("asking-{:05}", asked_));
    if (!more.empty()) draft.add(std::string(more));
    EXPECT_NE(stranger.ask(draft, milliseconds(50)), 0);
    return shape_of(stranger.received().back());
  }
  int asked_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Over, AskingAround, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 63] The same code, header fields and size for a user who is registered, one who is not and one who does not
// exist, without credentials and with a wrong password
TEST_P(AskingAround, TellsNobodyWhoExists) {
  Phone alice(world, "alice", "127.0.0.2:5060");
  alice.register_contact();
  world.run_for(seconds(1));
  const std::string guess =
      R"(Digest username="{}", realm="example.test", nonce="x", uri="{}", algorithm=MD5, response="0123456789abcdef0123456789abcdef")";
  for (const char* method : {"REGISTER", "INVITE", "OPTIONS", "MESSAGE"}) {
    const bool registering = method == "REGISTER"s;
    EXPECT_THAT(answer_about("alice", method), HasSubstr(registering ? "SIP/2.0 401 " : "SIP/2.0 407 "));
    const std::string header = registering ? "Authorization: " : "Proxy-Authorization: ";
    const auto with_guess = [&](std::string user) {
      const std::string uri = registering ? "sip:example.test" : fmt::format("sip:{}@example.test", user);
      return answer_about(user, method, header + fmt::format(fmt::runtime(guess), user, uri));
    };
    EXPECT_EQ(answer_about("carol", method), answer_about("alice", method)) << method;
    EXPECT_EQ(answer_about("nobod", method), answer_about("alice", method)) << method;
    EXPECT_EQ(with_guess("carol"), with_guess("alice")) << method;
    EXPECT_EQ(with_guess("nobod"), with_guess("alice")) << method;
    EXPECT_EQ(with_guess("nobod"), answer_about("nobod", method)) << method << ": a guess is answered like none";
  }
  alice.register_contact(0);
  world.run_for(seconds(1));
}

// ---- a small datagram for a large answer

/// What a request must have and nothing else, with every name in its short form.
std::string smallest(const std::string& method, int n) {
  return fmt::format(
      "{0} sip:example.test SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:sip:x;tag=1\r\nt:sip:x\r\ni:{1}\r\nCSeq:1 {0}\r\n\r\n",
      method, n);
}

/// The same as RFC 3261 section 8.1.1 wants it.
std::string small(const std::string& method, int n) {
  return fmt::format(
      "{0} sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.66;branch=z9hG4bK{1}\r\nMax-Forwards: 70\r\n"
      "From: <sip:a@example.test>;tag=1\r\nTo: <sip:a@example.test>\r\nCall-ID: {1}\r\nCSeq: 1 {0}\r\n\r\n",
      method, n);
}

struct Amplified {
  explicit Amplified(std::string_view more = {})
      : world({.config = World::default_config(more)}), stranger(world, Transport::udp, "127.0.0.66:5060") {}
  /// All that comes back within 40 s.
  std::vector<std::string> all_of(const std::string& octets) {
    stranger.forget();
    (void)stranger.ask(octets, seconds(40));
    EXPECT_LE(stranger.octets_received(), 3 * stranger.octets_sent()) << octets;
    return stranger.received();
  }
  World world;
  Stranger stranger;
};

constexpr const char* kinds[] = {"INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "CANCEL", "ACK", "BYE", "X"};

// [threats 66] One datagram without credentials brings at most three times its size back within 40 s, whatever is
// offered
TEST(Amplification, IsBounded) {
  for (const char* more : {"", "[auth]\nmd5 = false\n", "[auth]\nsha256 = false\n", "[sip]\nalways_trying = true\n",
                           "[sip]\nshort_field_names = true\n"}) {
    SCOPED_TRACE(more);
    Amplified house(more);
    int n = 1000;
    for (const std::string method : kinds) {
      (void)house.all_of(house.stranger.draft(method).text());
      (void)house.all_of(small(method, ++n));
      (void)house.all_of(smallest(method, ++n));
      std::string broken = smallest(method, ++n);
      (void)house.all_of(broken.replace(broken.find("CSeq:1"), 6, "CSeq:"));
      (void)house.all_of(broken.replace(broken.find("SIP/2.0"), 7, "SIP/9.9"));
      (void)house.all_of(broken.replace(broken.find("sip:example.test"), 16, ""));
      (void)house.all_of(fmt::format("{} a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:\r\nt:\r\ni:\r\nCSeq:\r\n\r\n", method));
    }
  }
}

// [threats 66] A request of usual size is told every algorithm, a small one MD5 alone
TEST(Amplification, SmallRequestsAreToldLess) {
  Amplified house;
  const auto algorithms = [](const std::string& answer) {
    return std::pair(answer.find("algorithm=SHA-256") != std::string::npos,
                     answer.find("algorithm=MD5") != std::string::npos);
  };
  const auto usual = house.all_of(house.stranger.draft("REGISTER", "sip:example.test").text());
  ASSERT_EQ(usual.size(), 1u);
  EXPECT_EQ(algorithms(usual.front()), std::pair(true, true));
  const auto lesser = house.all_of(smallest("REGISTER", 1));
  ASSERT_EQ(lesser.size(), 1u);
  EXPECT_EQ(algorithms(lesser.front()), std::pair(false, true));
  EXPECT_TRUE(Stranger::server_lives(house.world));
}

// [threats 66] What is too much even so is not said: with a 100 before it there is no room for the challenge
TEST(Amplification, EndsInSilence) {
  Amplified house("[sip]\nalways_trying = true\n");
  const auto answers = house.all_of(smallest("INVITE", 1));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_THAT(answers.front(), testing::StartsWith("SIP/2.0 100 "));
  EXPECT_EQ(house.world.counter("answers.withheld"), 1u);
  EXPECT_TRUE(Stranger::server_lives(house.world));
}

// [threats 66] Who has a connection has shown where he is: he is told all
TEST(Amplification, IsNoneOnAConnection) {
  World world({});
  Stranger stranger(world, Transport::tcp);
  EXPECT_EQ(stranger.ask(smallest("REGISTER", 1).insert(smallest("REGISTER", 1).size() - 2, "l:0\r\n")), 401);
  EXPECT_THAT(stranger.received().back(), testing::AllOf(HasSubstr("algorithm=SHA-256"), HasSubstr("algorithm=MD5")));
}

}  // namespace
}  // namespace bellhop::scenario
