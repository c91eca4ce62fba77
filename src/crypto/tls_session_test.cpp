#include "crypto/tls_session.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "crypto/tls_pair_for_test.hpp"
#include "crypto/tls_raw_client_for_test.hpp"

namespace bellhop::crypto {
namespace {

using namespace for_test;
using testing::HasSubstr;
using testing::Not;

const std::string request = "OPTIONS sip:a.example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
const std::string answer = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

class TlsSessionTest : public testing::Test {
 protected:
  const Lab lab;
  const ContextPtr server = lab.context("a.example.com");
  const ContextPtr client = lab.context();
};

// [RFC3261 26.3.1, RFC9325 3.1.1] servers and proxies support TLS, in 1.2 and 1.3
TEST_F(TlsSessionTest, TwoSidesTalkInTheHighestVersionBothKnow) {
  for (const TlsVersion version : both_versions) {
    Pair pair(lab.context(version), to("a.example.com"), server);
    pair.run();
    ASSERT_TRUE(pair.open()) << pair.client.error() << pair.server.error();
    EXPECT_EQ(pair.opened_client, 1);
    EXPECT_EQ(pair.opened_server, 1);
    EXPECT_EQ(pair.server.version(), version == TlsVersion::tls_1_2 ? "TLSv1.2" : "TLSv1.3");
    EXPECT_EQ(pair.server.cipher(), pair.client.cipher());
    EXPECT_EQ(pair.server.server_name(), "a.example.com");
    EXPECT_FALSE(pair.server.resumed());

    ASSERT_TRUE(pair.client.write(request, pair.to_server));
    EXPECT_THAT(pair.to_server, Not(HasSubstr("OPTIONS")));
    pair.run();
    ASSERT_TRUE(pair.server.write(answer, pair.to_client));
    pair.run();
    EXPECT_EQ(pair.at_server, request);
    EXPECT_EQ(pair.at_client, answer);
  }
}

// [RFC9325 4.2] TLS 1.2 with forward secrecy and AEAD only, by default
TEST_F(TlsSessionTest, Tls12UsesEphemeralKeysAndAuthenticatedCiphers) {
  Pair pair(lab.context(TlsVersion::tls_1_2), to("a.example.com"), server);
  pair.run();
  EXPECT_THAT(std::string(pair.server.cipher()), testing::MatchesRegex("ECDHE-ECDSA-(AES(128|256)-GCM|CHACHA20).*"));
}

// [RFC5246 6.2.1, RFC8446 5.1] records are cut and joined by the stream as it likes
TEST_F(TlsSessionTest, PiecesOfAnySizeGiveTheSamePlaintext) {
  for (const TlsVersion version : both_versions) {
    const auto speaking = lab.context(version);
    for (const std::size_t piece : {1, 2, 3, 7, 100, 1000}) {
      Pair pair(speaking, to("a.example.com"), server);
      pair.run(piece);
      ASSERT_TRUE(pair.open()) << piece;
      for (int i = 0; i < 3; ++i) pair.client.write(request, pair.to_server);
      pair.server.write(answer, pair.to_client);
      pair.run(piece);
      EXPECT_EQ(pair.at_server, request + request + request) << piece;
      EXPECT_EQ(pair.at_client, answer) << piece;
    }
  }
}

// [RFC3261 18.1.1] a request may be sent before its connection is ready
TEST_F(TlsSessionTest, WhatIsWrittenDuringTheHandshakeWaitsAndGoesOutInOrder) {
  Pair pair(client, to("a.example.com"), server);
  const std::size_t hello = pair.to_server.size();
  ASSERT_TRUE(pair.client.write("first ", pair.to_server));
  ASSERT_TRUE(pair.client.write("second", pair.to_server));
  EXPECT_EQ(pair.to_server.size(), hello);
  EXPECT_EQ(pair.client.waiting(), 12u);
  ASSERT_TRUE(pair.server.write("early answer", pair.to_client));
  pair.run();
  EXPECT_EQ(pair.at_server, "first second");
  EXPECT_EQ(pair.at_client, "early answer");
  EXPECT_EQ(pair.client.waiting(), 0u);
}

// [RFC8446 4.6.1] a ticket may come in two records, and between them the library writes nothing
TEST_F(TlsSessionTest, WhatIsWrittenInTheMiddleOfATicketGoesOutAtItsEnd) {
  // The client's certificate is in the ticket: one larger than a record makes the ticket so.
  CertificateWish large{.common_name = "x"};
  for (int i = 0; i < 500; ++i) large.dns_names.push_back(fmt::format("phone-{}.of-a-long.example.net", i));
  Pair pair(Lab::built(lab.settings(lab.identity(large))), to("a.example.com"), server,
            asking(ClientCertificate::required));
  while (pair.server.state() == State::handshaking) {
    Pair::carry(pair.to_client, pair.client, pair.at_client, pair.to_server, SIZE_MAX);
    Pair::carry(pair.to_server, pair.server, pair.at_server, pair.to_client, SIZE_MAX);
  }
  const std::string ticket = std::exchange(pair.to_client, {});
  constexpr std::size_t record_header = 5;
  const std::size_t first =
      record_header + static_cast<unsigned char>(ticket[3]) * 256u + static_cast<unsigned char>(ticket[4]);
  ASSERT_LT(first, ticket.size());
  pair.client.feed(ticket.substr(0, first), pair.at_client, pair.to_server);
  EXPECT_TRUE(pair.client.write("first ", pair.to_server));
  EXPECT_TRUE(pair.client.write("second", pair.to_server));
  EXPECT_EQ(pair.to_server, "");
  EXPECT_EQ(pair.client.waiting(), 12u);
  pair.client.feed(ticket.substr(first), pair.at_client, pair.to_server);
  EXPECT_EQ(pair.client.waiting(), 0u);
  pair.run();
  EXPECT_TRUE(pair.open()) << pair.client.error() << pair.server.error();
  EXPECT_EQ(pair.at_server, "first second");
}

// [RFC3261 18.3] large messages take the stream
TEST_F(TlsSessionTest, AMegabytePassesUnharmed) {
  Random random(7);
  std::string large(1 << 20, '\0');
  for (char& c : large) c = static_cast<char>(random.next());
  Pair pair(client, to("a.example.com"), server);
  pair.run();
  ASSERT_TRUE(pair.client.write(large, pair.to_server));
  EXPECT_LT(pair.to_server.size(), large.size() + large.size() / 100);
  pair.run(1460);
  EXPECT_EQ(pair.at_server.size(), large.size());
  EXPECT_TRUE(pair.at_server == large);
  EXPECT_TRUE(pair.open());
}

// [RFC8446 6.1] close_notify ends the writing side; the other one learns of it and what came before is delivered
TEST_F(TlsSessionTest, CloseNotifyClosesBothSidesAfterTheLastOctet) {
  Pair pair(client, to("a.example.com"), server);
  pair.run();
  pair.client.write("last words", pair.to_server);
  pair.client.shutdown(pair.to_server);
  EXPECT_EQ(pair.client.state(), State::closing);
  EXPECT_FALSE(pair.client.write("more", pair.to_server));
  pair.run();
  EXPECT_EQ(pair.at_server, "last words");
  EXPECT_EQ(pair.server.state(), State::closing);
  EXPECT_EQ(pair.server.error(), "");
  EXPECT_FALSE(pair.server.write("too late", pair.to_client));
  const std::string before = pair.to_client;
  pair.server.shutdown(pair.to_client);
  EXPECT_EQ(pair.to_client, before) << "close_notify is sent once";
}

// [RFC8446 6.1] a handshake that is given up needs no alert
TEST_F(TlsSessionTest, ShutdownDuringTheHandshakeIsQuiet) {
  Pair pair(client, to("a.example.com"), server);
  std::string sent;
  pair.client.write("never sent", sent);
  pair.client.shutdown(sent);
  EXPECT_EQ(sent, "");
  EXPECT_EQ(pair.client.state(), State::closing);
  EXPECT_EQ(pair.client.waiting(), 0u);
}

// [RFC7301 3.2, RFC9325 3.8] wss speaks http/1.1; a client that wants to speak something else is turned away
TEST_F(TlsSessionTest, TheApplicationProtocolIsAgreedOrTheHandshakeEnds) {
  const auto agreed = [&](const std::string& offered, const std::string& wanted) {
    RawClient raw(TLS1_2_VERSION, TLS1_3_VERSION, "a.example.com");
    if (!offered.empty()) raw.offer(offered);
    TlsAccept accept;
    accept.application_protocol = wanted;
    auto session = TlsSession::accept(server, accept, today);
    const bool open = raw.run_with(session);
    EXPECT_EQ(open, session.state() == State::open);
    return open ? std::string(raw.agreed()) : session.error();
  };
  EXPECT_EQ(agreed("http/1.1", "http/1.1"), "http/1.1");
  EXPECT_THAT(agreed("http/1.1", "sip/2"), HasSubstr("no application protocol"));
  EXPECT_EQ(agreed("", "http/1.1"), "") << "who offers nothing passes";
  EXPECT_EQ(agreed("http/1.1", ""), "") << "nobody asked";
}

// [RFC9325 3.1.1] the administrator may demand 1.3
TEST_F(TlsSessionTest, MinimumVersionAndCiphersAreObeyed) {
  TlsSettings settings = lab.settings(lab.identity_named("a.example.com"));
  settings.min_version = TlsVersion::tls_1_3;
  const ContextPtr strict = Lab::built(settings);
  Pair modern(client, to("a.example.com"), strict);
  EXPECT_TRUE(modern.run().open());
  Pair old(lab.context(TlsVersion::tls_1_2), to("a.example.com"), strict);
  EXPECT_EQ(old.run().server.state(), State::failed);
  EXPECT_EQ(old.server.error(), "the client speaks TLS 1.2 at most, which is not allowed");
  EXPECT_THAT(old.client.error(), HasSubstr("protocol version"));

  settings.ciphers = "NO-SUCH-CIPHER";
  const auto refused = TlsContext::build(settings);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error(), HasSubstr("NO-SUCH-CIPHER"));
}

// [house] a context without certificates connects, but does not accept
TEST_F(TlsSessionTest, AContextWithoutIdentityFailsToAcceptWithASentence) {
  EXPECT_FALSE(client->can_accept());
  EXPECT_EQ(client->identity_for("a.example.com"), nullptr);
  auto session = TlsSession::accept(client, {}, today);
  EXPECT_EQ(session.state(), State::failed);
  EXPECT_THAT(session.error(), HasSubstr("certificate"));
}

// [house] moving a session does not disturb it
TEST_F(TlsSessionTest, ASessionCanBeMoved) {
  Pair pair(client, to("a.example.com"), server);
  TlsSession moved = std::move(pair.server);
  pair.server = std::move(moved);
  EXPECT_TRUE(pair.run().open());
}

}  // namespace
}  // namespace bellhop::crypto
