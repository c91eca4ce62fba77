#include "auth/authenticator.hpp"

#include <gmock/gmock.h>

#include <set>

#include "auth/digest_for_test.hpp"
#include "auth/quirks.hpp"

namespace bellhop::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = Authenticator::Kind;
using Verdict = Authenticator::Verdict;

class Digest : public DigestTest {
 protected:
  Digest() {
    storage::Directory::Contents contents;
    const auto add = [&](const char* user, const char* password, bool sip) {
      contents.accounts.push_back({user, "example.test", sip});
      for (auto& c : storage::make_credentials(user, "example.test", user, password)) contents.credentials.push_back(c);
    };
    add("alice", "wonderland", true);
    add("barred", "wonderland", false);
    contents.aliases.push_back({"a2", "example.test", "alice"});
    for (auto& c : storage::make_credentials("a2", "example.test", "alice", "wonderland"))
      contents.credentials.push_back(c);
    directory_.replace(std::move(contents));
    phone_.nonce = challenge_nonce();
  }
};

// [RFC8760 2.3] one challenge for each algorithm, the preferred one on top, with the domain as realm
// [RFC3261 22.4] the server always sends qop
TEST_F(Digest, ChallengesWithSha256FirstAndMd5Second) {
  const std::string text = challenge();
  EXPECT_THAT(text, StartsWith("WWW-Authenticate: Digest realm=\"example.test\", nonce=\""));
  const std::size_t second = text.find("\r\n") + 2;
  EXPECT_THAT(text.substr(0, second), HasSubstr("algorithm=SHA-256, qop=\"auth\"\r\n"));
  EXPECT_THAT(text.substr(second), StartsWith("WWW-Authenticate: Digest realm=\"example.test\""));
  EXPECT_THAT(text.substr(second), HasSubstr("algorithm=MD5, qop=\"auth\"\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("stale")));
  EXPECT_THAT(challenge(true), HasSubstr("stale=true\r\n"));
}

// [RFC3261 22.3] a proxy challenges with Proxy-Authenticate and reads Proxy-Authorization
TEST_F(Digest, ProxyUsesItsOwnHeaderFields) {
  EXPECT_THAT(challenge(false, Kind::proxy), StartsWith("Proxy-Authenticate: Digest"));
  const Request request("Proxy-Authorization: " + phone_.value() + "\r\n");
  EXPECT_EQ(check(request, Kind::www).verdict, Verdict::missing);
  EXPECT_EQ(check(request, Kind::proxy).verdict, Verdict::passed);
}

// [CGP-68] a device that makes the digest of its BYE for INVITE passes where that is allowed, and for INVITE only
TEST_F(Digest, ADigestForInviteServesAnotherMethodOnlyWhereAllowed) {
  const auto verdict_of_bye = [&](const char* made_for, bool or_as_invite) {
    phone_.method = made_for;
    const Request bye("Proxy-Authorization: " + phone_.value() + "\r\n", "sip:example.test", "BYE");
    EXPECT_TRUE(bye.well_formed) << bye.text;
    return authenticator_.check(bye.message, Kind::proxy, domain_, settings_, now_, {}, or_as_invite).verdict;
  };
  EXPECT_EQ(verdict_of_bye("INVITE", true), Verdict::passed);
  EXPECT_EQ(verdict_of_bye("INVITE", false), Verdict::wrong);
  EXPECT_EQ(verdict_of_bye("BYE", true), Verdict::passed) << "one that was mended";
  EXPECT_EQ(verdict_of_bye("MESSAGE", true), Verdict::wrong);
  phone_.password = "guessed";
  EXPECT_EQ(verdict_of_bye("INVITE", true), Verdict::wrong);
}

// [RFC8760 2.3] clients known to fail on SHA-256 get MD5 alone, unless only SHA-256 is allowed
TEST_F(Digest, ClientsThatStumbleOverSha256AreSpared) {
  for (const char* agent : {"baresip v1.0.0 (x86_64/linux)", "sipsak 0.9.8.1"}) {
    const std::string header = std::string("User-Agent: ") + agent + "\r\n";
    EXPECT_THAT(challenge(false, Kind::www, header), Not(HasSubstr("SHA-256"))) << agent;
    EXPECT_THAT(challenge(false, Kind::www, header), HasSubstr("MD5")) << agent;
  }
  EXPECT_THAT(challenge(false, Kind::www, "User-Agent: baresip v3.10.1\r\n"), HasSubstr("SHA-256"));
  settings_.md5 = false;
  EXPECT_THAT(challenge(false, Kind::www, "User-Agent: baresip v1.0.0\r\n"), HasSubstr("SHA-256"));
}

// [RFC8760 2.3] SIPp is known by its branches
TEST(Quirks, KnowSippByItsBranch) {
  const auto md5_only = [](const std::string& branch) {
    Request request("");
    std::string text = request.text;
    text.replace(text.find("z9hG4bKtest"), 11, branch);
    sip::Message message;
    EXPECT_TRUE(message.parse(text, sip::Limits{}, false).has_value());
    return knows_md5_only(message);
  };
  EXPECT_TRUE(md5_only("z9hG4bK-8639-1-0"));
  for (const char* other :
       {"z9hG4bKtest", "z9hG4bK-8639-1", "z9hG4bK-8639-1-0-1", "z9hG4bK-524287-1---ab", "z9hG4bK-a-1-0"})
    EXPECT_FALSE(md5_only(other)) << other;
}

// [CGP-38] a server that does not advertise Digest challenges without it
TEST_F(Digest, IsNotAdvertisedWhenSwitchedOff) {
  settings_.advertise_digest = false;
  EXPECT_EQ(challenge(), "");
}

// [CGP-37] a request without credentials is to be challenged
TEST_F(Digest, NoCredentialsAreMissing) {
  EXPECT_EQ(check(Request("")).verdict, Verdict::missing);
}

// [RFC3261 22] Basic credentials are never accepted, nor any scheme but Digest
TEST_F(Digest, OtherSchemesAreNoCredentials) {
  for (const char* value :
       {"Basic YWxpY2U6d29uZGVybGFuZA==", "NTLM realm=\"example.test\"", "Digestive a=b", "Bearer x"})
    EXPECT_EQ(verdict(value), Verdict::missing) << value;
}

// [DET-01] the right password passes with either algorithm, and the outcome names the account
TEST_F(Digest, RightPasswordPassesWithEitherAlgorithm) {
  for (const char* algorithm : {"MD5", "SHA-256", "MD5-sess", "SHA-256-sess", "", "md5", "sha-256"}) {
    phone_.algorithm = algorithm;
    const auto outcome = check(Request("Authorization: " + phone_.value() + "\r\n"));
    EXPECT_EQ(outcome.verdict, Verdict::passed) << algorithm << ": " << outcome.reason;
    EXPECT_EQ(outcome.user, "alice");
    EXPECT_EQ(outcome.domain, "example.test");
  }
}

// [RFC7616 3.4.1] the numbers of another implementation (Python's hashlib over the same inputs)
TEST_F(Digest, AgreesWithAnIndependentCalculation) {
  ASSERT_EQ(phone_.nonce, "618i1g7i000005b04k9og2spp2");
  EXPECT_EQ(
      verdict("Digest "
              "username=\"alice\",realm=\"example.test\",nonce=\"618i1g7i000005b04k9og2spp2\",uri=\"sip:example.test\","
              "response=\"4d54b13f1588f492421a14d27b0cb7b7\",cnonce=\"0a4f113b\",qop=auth,nc=00000001"),
      Verdict::passed);
  EXPECT_EQ(
      verdict("Digest "
              "username=\"alice\",realm=\"example.test\",nonce=\"618i1g7i000005b04k9og2spp2\",uri=\"sip:example.test\","
              "response=\"c66c58fef11b47c41a47a84d8a8acbce74f915b563925dfa4dc92797a3bbdfda\",cnonce=\"0a4f113b\",qop="
              "auth,nc=00000002,algorithm=SHA-256"),
      Verdict::passed);
}

// [DET-01] a wrong password and an unknown user get one and the same answer
TEST_F(Digest, WrongPasswordAndUnknownUserLookTheSame) {
  phone_.password = "looking-glass";
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong);
  phone_.username = "nobody";
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong);
}

// [CUCM-03] the authentication name may be the user, user@domain or an alias; the account comes out
TEST_F(Digest, EveryNameOfTheAccountAuthenticates) {
  for (const char* name : {"alice", "alice@example.test", "a2", "a2@example.test"}) {
    phone_.username = name;
    const auto outcome = check(Request("Authorization: " + phone_.value() + "\r\n"));
    EXPECT_EQ(outcome.verdict, Verdict::passed) << name;
    EXPECT_EQ(outcome.user, "alice") << name;
  }
}

// [CGP-12] a request authenticated by an alias may come from any name of the account, and from no other
// [threats 58] user A's credentials with From or To of B
TEST_F(Digest, OutcomeTellsWhoseNamesAreAllowed) {
  phone_.username = "a2";
  const auto outcome = check(Request("Authorization: " + phone_.value() + "\r\n"));
  EXPECT_TRUE(directory_.is_name_of("alice", outcome.user, outcome.domain));
  EXPECT_TRUE(directory_.is_name_of("a2", outcome.user, outcome.domain));
  EXPECT_FALSE(directory_.is_name_of("barred", outcome.user, outcome.domain));
}

// [CGP-42] without the SIP Service right of the account or of its domain the right password is refused
TEST_F(Digest, WithoutTheSipRightItIsForbidden) {
  phone_.username = "barred";
  EXPECT_EQ(verdict(phone_.value()), Verdict::forbidden);
  phone_.password = "wrong";
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong) << "the right is nothing a guesser may learn";
  phone_.username = "alice";
  phone_.password = "wonderland";
  domain_.sip = false;
  EXPECT_EQ(verdict(phone_.value()), Verdict::forbidden);
}

// [RFC7616 5.5] a count serves once, in any order within the window
// [threats 59] a captured Authorization played again from anywhere
TEST_F(Digest, UsedCountIsRefused) {
  const std::string first = phone_.value(1), third = phone_.value(3), second = phone_.value(2);
  EXPECT_EQ(verdict(first), Verdict::passed);
  EXPECT_EQ(verdict(first), Verdict::stale);
  EXPECT_EQ(verdict(third), Verdict::passed);
  EXPECT_EQ(verdict(second), Verdict::passed);
  EXPECT_EQ(verdict(second), Verdict::stale);
  EXPECT_EQ(verdict(third), Verdict::stale);
  EXPECT_EQ(verdict(phone_.value(4)), Verdict::passed);
}

// [threats 59] a retransmission passes, the same message from another address does not
TEST_F(Digest, RetransmissionPassesButNotFromElsewhere) {
  const Request request("Authorization: " + phone_.value(1) + "\r\n");
  const Endpoint phone = *Endpoint::parse("192.0.2.1:5060"), thief = *Endpoint::parse("192.0.2.66:5060");
  const auto from = [&](const Endpoint& source) {
    return authenticator_.check(request.message, Kind::www, domain_, settings_, now_, source).verdict;
  };
  EXPECT_EQ(from(phone), Verdict::passed);
  EXPECT_EQ(from(phone), Verdict::passed);
  EXPECT_EQ(from(thief), Verdict::stale);
}

// [threats 59] nor does a message that is not the same to the last octet, from the same address with the same branch
TEST_F(Digest, RetransmissionWithAnotherContactIsAReplay) {
  const std::string credentials = "Authorization: " + phone_.value(1) + "\r\n";
  const Request first(credentials + "Contact: <sip:alice@192.0.2.1>\r\n");
  const Request second(credentials + "Contact: <sip:alice@192.0.2.6>\r\n");
  const Endpoint phone = *Endpoint::parse("192.0.2.1:5060");
  const auto judged = [&](const Request& request) {
    return authenticator_.check(request.message, Kind::www, domain_, settings_, now_, phone).verdict;
  };
  EXPECT_EQ(judged(first), Verdict::passed);
  EXPECT_EQ(judged(second), Verdict::stale);
  EXPECT_EQ(judged(first), Verdict::passed);
}

// [threats 59] the count is part of the hash: changing it on a captured request gives no access
TEST_F(Digest, CountCannotBeRaisedByAThief) {
  std::string value = phone_.value(1);
  EXPECT_EQ(verdict(value), Verdict::passed);
  value.replace(value.find("nc=00000001"), 11, "nc=00000002");
  EXPECT_EQ(verdict(value), Verdict::wrong);
}

// [RFC7616 3.3] an old nonce with the right password is stale; with a wrong one it is not
TEST_F(Digest, OldNonceIsStaleOnlyWithTheRightPassword) {
  now_ += settings_.nonce_lifetime;
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
  now_ += microseconds(1);
  EXPECT_EQ(verdict(phone_.value()), Verdict::stale);
  phone_.password = "wrong";
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong);
}

// [threats 61] forged, altered and huge nonces give no access
TEST_F(Digest, ForgedNonceGivesNoAccess) {
  const std::string genuine = phone_.nonce;
  for (const std::string& nonce : {std::string("x"), std::string(26, '0'), std::string(3000, 'a'), genuine + "0",
                                   genuine.substr(1), "1" + genuine.substr(1)}) {
    phone_.nonce = nonce;
    EXPECT_EQ(verdict(phone_.value()), Verdict::stale) << nonce;
    Phone thief = phone_;
    thief.password = "guess";
    EXPECT_EQ(verdict(thief.value()), Verdict::wrong) << nonce;
  }
  for (std::size_t i = 0; i < genuine.size(); ++i) {
    phone_.nonce = genuine;
    phone_.nonce[i] = genuine[i] == '7' ? '8' : '7';
    EXPECT_EQ(verdict(phone_.value()), Verdict::stale) << i;
  }
}

// [RFC3261 22.1] the realm alone defines the protection domain: a nonce of one realm is none of another
TEST_F(Digest, NonceOfAnotherRealmIsNotAccepted) {
  config::Domain other = domain_;
  other.name = "other.test";
  std::string text;
  authenticator_.append_challenge(text, Request("").message, Kind::www, other, settings_, false, now_);
  phone_.nonce = text.substr(text.find("nonce=\"") + 7, 26);
  EXPECT_EQ(verdict(phone_.value()), Verdict::stale);
}

// [threats 59] after a restart with a kept key, nonces of before cannot be played again
TEST_F(Digest, NonceOfBeforeTheRestartIsStale) {
  const std::string captured = phone_.value();
  EXPECT_EQ(verdict(captured), Verdict::passed);
  observe::Metrics metrics;
  Authenticator restarted(directory_, key_, metrics, 1000);
  now_ += seconds(1);
  const Request request("Authorization: " + captured + "\r\n");
  EXPECT_EQ(restarted.check(request.message, Kind::www, domain_, settings_, now_).verdict, Verdict::stale);
}

// [threats 59] a nonce that fell out of the table is stale, so a replay finds no gap
TEST_F(Digest, ForgottenNonceIsStale) {
  observe::Metrics metrics;
  Authenticator small(directory_, key_, metrics, 2);
  std::vector<Phone> phones(4, phone_);
  for (auto& phone : phones) {
    std::string text;
    now_ += milliseconds(1);
    small.append_challenge(text, Request("").message, Kind::www, domain_, settings_, false, now_);
    phone.nonce = text.substr(text.find("nonce=\"") + 7, 26);
  }
  const auto ask = [&](const std::string& value) {
    return small.check(Request("Authorization: " + value + "\r\n").message, Kind::www, domain_, settings_, now_)
        .verdict;
  };
  const std::string captured = phones[0].value();
  EXPECT_EQ(ask(captured), Verdict::passed);
  for (std::size_t i = 1; i < phones.size(); ++i) EXPECT_EQ(ask(phones[i].value()), Verdict::passed);
  EXPECT_EQ(ask(captured), Verdict::stale);
  EXPECT_EQ(ask(phones[0].value()), Verdict::stale);
}

// [RFC3261 22.4] a client without qop is accepted as RFC 2069 has it
// [CUCM-03] a no-qop client's refresh with the same nonce is answered with stale=true, which it retries by itself
TEST_F(Digest, ClientWithoutQopPassesOnceForEachMethodAndUri) {
  phone_.qop.clear();
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
  EXPECT_EQ(verdict(phone_.value()), Verdict::stale);
  Phone other = phone_;
  other.uri = "sip:bob@example.test";
  other.method = "INVITE";
  const Request invite("Authorization: " + other.value() + "\r\n", other.uri, "INVITE");
  EXPECT_EQ(check(invite).verdict, Verdict::passed);
  EXPECT_EQ(check(invite).verdict, Verdict::stale);
  phone_.nonce = challenge_nonce();
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
}

// [RFC7616 3.4.3] auth-int covers the body
TEST_F(Digest, AuthIntCoversTheBody) {
  phone_.qop = "auth-int";
  phone_.method = "MESSAGE";
  phone_.body = "Hello";
  for (const char* algorithm : {"MD5", "SHA-256"}) {
    phone_.algorithm = algorithm;
    const std::string header = "Authorization: " + phone_.value() + "\r\n";
    EXPECT_EQ(check(Request(header, phone_.uri, "MESSAGE", "Hellx")).verdict, Verdict::wrong);
    EXPECT_EQ(check(Request(header, phone_.uri, "MESSAGE", "Hello")).verdict, Verdict::passed);
  }
  phone_.body.clear();
  EXPECT_EQ(check(Request("Authorization: " + phone_.value() + "\r\n", phone_.uri, "MESSAGE")).verdict,
            Verdict::passed);
}

// [threats 62] an MD5 response labelled SHA-256, and the other way round
TEST_F(Digest, MislabelledHashIsWrong) {
  Phone md5 = phone_;
  std::string value = md5.value();
  value.replace(value.find("algorithm=MD5"), 13, "algorithm=SHA-256");
  EXPECT_EQ(verdict(value), Verdict::wrong);
  phone_.algorithm = "SHA-256";
  value = phone_.value();
  value.replace(value.find("algorithm=SHA-256"), 17, "algorithm=MD5");
  EXPECT_EQ(verdict(value), Verdict::wrong);
}

// [RFC8760 3] where MD5 is not offered it is not accepted: no downgrade
TEST_F(Digest, AlgorithmNotOfferedIsNotAccepted) {
  settings_.md5 = false;
  EXPECT_THAT(challenge(), Not(HasSubstr("MD5")));
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong);
  phone_.algorithm = "SHA-256";
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
  settings_.sha256 = false;
  settings_.md5 = true;
  EXPECT_EQ(verdict(phone_.value()), Verdict::wrong);
}

// [RFC3261 22.3] credentials of other realms are none of ours
TEST_F(Digest, PicksTheCredentialsOfOurRealm) {
  Phone other = phone_;
  other.realm = "other.test";
  EXPECT_EQ(verdict(other.value()), Verdict::missing);
  EXPECT_EQ(check(Request("Authorization: " + other.value() + "\r\nAuthorization: " + phone_.value() + "\r\n")).verdict,
            Verdict::passed);
  EXPECT_EQ(
      check(Request("Authorization: Digest realm=\"other.test\", junk=1\r\nAuthorization: " + phone_.value() + "\r\n"))
          .verdict,
      Verdict::passed);
}

// [RFC8760 2.4] of several credentials for one realm the strongest algorithm decides
TEST_F(Digest, PrefersSha256OfSeveral) {
  Phone sha = phone_;
  sha.algorithm = "SHA-256";
  const std::string good = "Authorization: " + sha.value() + "\r\n";
  Phone broken = phone_;
  broken.password = "wrong";
  EXPECT_EQ(check(Request("Authorization: " + broken.value() + "\r\n" + good)).verdict, Verdict::passed);
  sha.password = "wrong";
  EXPECT_EQ(check(Request("Authorization: " + phone_.value() + "\r\nAuthorization: " + sha.value() + "\r\n")).verdict,
            Verdict::wrong);
}

// [threats 60] credentials made for another Request-URI or method
TEST_F(Digest, CredentialsForAnotherUriOrMethodAreRefused) {
  const std::string header = "Authorization: " + phone_.value() + "\r\n";
  EXPECT_EQ(check(Request(header, "sip:bob@example.test")).verdict, Verdict::bad_request);
  EXPECT_EQ(check(Request(header, "sip:other.test")).verdict, Verdict::bad_request);
  EXPECT_EQ(check(Request(header, "tel:+15551234")).verdict, Verdict::bad_request);
  EXPECT_EQ(check(Request(header, "sip:example.test", "INVITE")).verdict, Verdict::wrong);
  EXPECT_EQ(check(Request(header)).verdict, Verdict::passed);
}

// [RFC8760 2.6] the uri need not be letter for letter the Request-URI: same user and host are enough
TEST_F(Digest, UriMayDifferInPortAndParameters) {
  const auto asked = [&](const std::string& named, const std::string& request_uri) {
    phone_.uri = named;
    return check(Request("Authorization: " + phone_.value() + "\r\n", request_uri)).verdict;
  };
  EXPECT_EQ(asked("sip:example.test", "sip:example.test:5060"), Verdict::passed);
  EXPECT_EQ(asked("sip:EXAMPLE.test;transport=tcp", "sip:example.test"), Verdict::passed);
  EXPECT_EQ(asked("sip:bob@example.test", "sip:b%6Fb@example.test;user=phone"), Verdict::passed);
  EXPECT_EQ(asked("sip:Bob@example.test", "sip:bob@example.test"), Verdict::bad_request);
  EXPECT_EQ(asked("sip:bob@example.test", "sip:bob@example.test.evil.test"), Verdict::bad_request);
  EXPECT_EQ(asked("tel:+1-555-1234", "tel:+15551234"), Verdict::passed);
}

// [RFC8760 2.6] an address without user stands for this server: so SIPp signs whatever it asks for
TEST_F(Digest, UriMayNameTheServerByItsAddress) {
  for (const char* named : {"sip:127.0.0.1:5060", "sip:[::1]:5060", "sip:127.0.0.1"}) {
    phone_.uri = named;
    EXPECT_EQ(check(Request("Authorization: " + phone_.value() + "\r\n", "sip:bob@example.test")).verdict,
              Verdict::passed)
        << named;
  }
  phone_.uri = "sip:carol@127.0.0.1";
  EXPECT_EQ(verdict(phone_.value()), Verdict::bad_request);
}

// [threats 20] credentials cut after every octet never pass, and are challenged or refused
TEST_F(Digest, CutCredentialsNeverPass) {
  for (const char* qop : {"auth", ""}) {
    phone_.qop = qop;
    const std::string whole = phone_.value();
    const std::size_t proof = whole.find("response=\"");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Request request("Authorization: " + whole.substr(0, size) + "\r\n");
      if (!request.well_formed) continue;
      const Verdict v = check(request).verdict;
      // Behind the response of a client without qop only the algorithm can be missing, which means MD5 anyway.
      const bool complete = *qop == '\0' && size > proof + 42;
      EXPECT_TRUE(complete || v == Verdict::bad_request || v == Verdict::missing || v == Verdict::wrong)
          << whole.substr(0, size) << " " << static_cast<int>(v);
    }
  }
}

// [threats 20] improper values are refused, whoever asks
TEST_F(Digest, ImproperParametersAreBadRequests) {
  const std::string good = phone_.value();
  const auto bent = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    out.replace(out.find(from), from.size(), to);
    return out;
  };
  for (const std::string& value :
       {bent("nc=00000001", "nc=1"), bent("nc=00000001", "nc=0000000g"), bent("nc=00000001", "nc=000000001"),
        bent("nc=00000001", "nc=00000000"), bent(", nc=00000001", ""), bent("qop=auth", "qop=authentic"),
        bent("qop=auth", "qop=\"\""), bent("cnonce=\"0a4f113b\"", "cnonce=\"\""), bent("cnonce=\"0a4f113b\", ", ""),
        bent("username=\"alice\", ", ""), bent("username=\"alice\"", "username=\"\""),
        bent("username=\"alice\"", "username=\"alice\", username*=UTF-8''alice"), bent("realm=\"example.test\", ", ""),
        bent("uri=\"sip:example.test\"", "uri=\"\""), bent("uri=\"sip:example.test\"", "uri=\"*\""),
        bent("Digest ", "Digest realm=\"example.test\", "), std::string("Digest"), std::string("Digest ,,,")})
    EXPECT_EQ(verdict(value), Verdict::bad_request) << value;
  EXPECT_EQ(verdict(good), Verdict::passed);
}

// [threats 20] an unknown algorithm, a huge response and two hundred copies are answered like a wrong password
TEST_F(Digest, OddButWellFormedCredentialsAreWrong) {
  Phone odd = phone_;
  odd.algorithm = "SHA-512-256";
  EXPECT_EQ(verdict(odd.value()), Verdict::wrong);
  odd.algorithm = "ROT13";
  EXPECT_EQ(verdict(odd.value()), Verdict::wrong);
  std::string huge = phone_.value();
  huge.replace(huge.find("response=\"") + 10, 32, std::string(5000, 'a'));
  EXPECT_EQ(verdict(huge), Verdict::wrong);
  std::string copies;
  odd = phone_;
  odd.password = "guess";
  for (int i = 0; i < 200; ++i) copies += "Authorization: " + odd.value() + "\r\n";
  EXPECT_EQ(check(Request(copies)).verdict, Verdict::wrong);
}

// [RFC8760 2.7] empty values before the first challenge are a wish to be challenged
TEST_F(Digest, EmptyNonceOrResponseIsMissing) {
  EXPECT_EQ(verdict(R"(Digest username="alice", realm="example.test", nonce="", uri="sip:example.test", response="")"),
            Verdict::missing);
}

// [RFC7616 3.4.5] quoted-pairs are resolved before hashing
TEST_F(Digest, QuotedPairsAreResolved) {
  std::string value = phone_.value();
  value.replace(value.find("\"alice\""), 7, "\"al\\ice\"");
  value.replace(value.find("\"0a4f113b\""), 10, "\"0a4\\f113b\"");
  EXPECT_EQ(verdict(value), Verdict::passed);
}

// [RFC7616 3.4] quotes where they should not be, and blanks around, are forgiven
TEST_F(Digest, ForgivesQuotesOnQopAndNc) {
  std::string value = phone_.value();
  value.replace(value.find("qop=auth, nc=00000001"), 21, "qop=\"auth\" ,nc = \"00000001\"");
  EXPECT_EQ(verdict(value), Verdict::passed);
}

// [RFC3261 22.1] ACK and CANCEL are never challenged
// [threats 54] a CANCEL gets no 401 or 407
TEST(Challenges, AreNotForAckAndCancel) {
  EXPECT_FALSE(may_be_challenged(sip::Method::ack));
  EXPECT_FALSE(may_be_challenged(sip::Method::cancel));
  for (const auto method : {sip::Method::invite, sip::Method::register_, sip::Method::bye, sip::Method::other})
    EXPECT_TRUE(may_be_challenged(method));
}

// [RFC7616 3.3] nonces are unique, also within one microsecond
TEST_F(Digest, NoncesAreUnique) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(challenge_nonce()).second);
}

// [house 1] what was decided is counted
TEST_F(Digest, CountsItsVerdicts) {
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
  EXPECT_EQ(verdict(phone_.value()), Verdict::passed);
  EXPECT_EQ(check(Request("")).verdict, Verdict::missing);
  observe::Metrics::Values values;
  metrics_.collect(values);
  EXPECT_EQ(values.gauges["auth.passed"], 2);
  EXPECT_EQ(values.gauges["auth.missing"], 1);
  EXPECT_EQ(values.gauges["auth.wrong"], 0);
  EXPECT_EQ(values.gauges["auth.nonces"], 1);
}

}  // namespace
}  // namespace bellhop::auth
