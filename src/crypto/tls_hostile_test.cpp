// What phones, scanners and attackers send to a TLS port beside TLS as it should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/random.hpp"
#include "crypto/tls_pair_for_test.hpp"
#include "crypto/tls_raw_client_for_test.hpp"

namespace bellhop::crypto {
namespace {

using namespace for_test;
using testing::HasSubstr;
using testing::StartsWith;

class TlsHostile : public testing::Test {
 protected:
  TlsSession accepted() const { return TlsSession::accept(server, {}, today); }
  /// The error after these octets; what was answered goes to `answered`.
  std::string error_after(const std::string& octets) {
    auto session = accepted();
    std::string plaintext;
    answered.clear();
    const auto fed = session.feed(octets, plaintext, answered);
    EXPECT_EQ(plaintext, "");
    EXPECT_FALSE(fed.opened);
    EXPECT_EQ(fed.state == State::failed, !session.error().empty());
    EXPECT_EQ(ERR_peek_error(), 0u);
    return session.error();
  }

  const Lab lab;
  const ContextPtr server = lab.context("a.example.com");
  const ContextPtr client = lab.context();
  std::string answered;
};

// [threats 3] a phone set to TCP on the TLS port
TEST_F(TlsHostile, PlainSipIsToldFromTlsByItsFirstOctets) {
  EXPECT_EQ(error_after("REGISTER sip:example.com SIP/2.0\r\n"), R"(not TLS: starts with "REGISTER sip:exa")");
  EXPECT_EQ(error_after("R"), R"(not TLS: starts with "R")");
  EXPECT_EQ(error_after("GET / HTTP/1.1\r\n"), R"(not TLS: starts with "GET / HTTP/1.1\x0d\x0a")");
  EXPECT_EQ(error_after("\r\n\r\n"), R"(not TLS: starts with "\x0d\x0a\x0d\x0a")");
  EXPECT_EQ(error_after(std::string("\0\1\0\0", 4)), R"(not TLS: starts with "\x00\x01\x00\x00")");
  EXPECT_EQ(answered, "") << "an alert would only puzzle whoever does not speak TLS";
}

// [RFC5922 7.3] a server that answers in the clear
TEST_F(TlsHostile, APlainAnswerToAClientHelloIsNamedToo) {
  std::string out, plaintext;
  auto session = TlsSession::connect(client, to("a.example.com"), today, out);
  session.feed("SIP/2.0 400 Bad Request\r\n", plaintext, out);
  EXPECT_EQ(session.error(), R"(not TLS: starts with "SIP/2.0 400 Bad ")");
}

// [threats 74, RFC8996 5] TLS 1.0 and 1.1 are refused
TEST_F(TlsHostile, OldVersionsAreRefusedWithAnAlert) {
  for (const auto& [version, name] : {std::pair{TLS1_VERSION, "TLS 1.0"}, std::pair{TLS1_1_VERSION, "TLS 1.1"}}) {
    RawClient old(version, version, "a.example.com");
    auto session = accepted();
    EXPECT_FALSE(old.run_with(session));
    EXPECT_EQ(session.state(), State::failed);
    EXPECT_EQ(session.error(), std::string("the client speaks ") + name + " at most, which is not allowed");
  }
}

// [threats 74, RFC9325 3.5] renegotiation is refused and costs no handshake
TEST_F(TlsHostile, RenegotiationIsRefused) {
  RawClient raw(TLS1_2_VERSION, TLS1_2_VERSION, "a.example.com");
  auto session = accepted();
  ASSERT_TRUE(raw.run_with(session));
  ASSERT_EQ(SSL_renegotiate(raw.ssl()), 1);
  SSL_do_handshake(raw.ssl());
  std::string back;
  const std::string hello = raw.taken();
  ASSERT_FALSE(hello.empty());
  session.feed(hello, raw.plaintext, back);
  EXPECT_LT(back.size(), 60u) << "an alert, not a ServerHello with a certificate";
  BIO_write(SSL_get_rbio(raw.ssl()), back.data(), static_cast<int>(back.size()));
  EXPECT_NE(SSL_do_handshake(raw.ssl()), 1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

// [RFC8446 8, RFC9325 3.10] no early data, so nothing can be replayed
TEST_F(TlsHostile, TicketsDoNotAllowEarlyData) {
  RawClient raw(TLS1_3_VERSION, TLS1_3_VERSION, "a.example.com");
  auto session = accepted();
  ASSERT_TRUE(raw.run_with(session));
  const SSL_SESSION* won = SSL_get0_session(raw.ssl());
  EXPECT_EQ(SSL_SESSION_is_resumable(won), 1);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(won), 0u);
}

// [RFC8446 6.2] alerts of the peer are told by name
TEST_F(TlsHostile, AlertsInPlaceOfAnAnswerEndTheSession) {
  const auto error_of = [&](std::string_view alert) {
    std::string out, plaintext;
    auto session = TlsSession::connect(client, to("a.example.com"), today, out);
    session.feed(alert, plaintext, out);
    EXPECT_EQ(session.state(), State::failed);
    return session.error();
  };
  EXPECT_EQ(error_of({"\x15\x03\x03\x00\x02\x02\x28", 7}),
            "the peer sent the alert handshake failure: nothing it would agree to was offered");
  EXPECT_EQ(error_of({"\x15\x03\x03\x00\x02\x02\x30", 7}),
            "the peer sent the alert unknown CA: it does not believe our certificate");
  EXPECT_EQ(error_of({"\x15\x03\x03\x00\x02\x01\x00", 7}),
            "the peer closed the connection in the middle of the handshake");
  EXPECT_EQ(error_after(std::string("\x15\x03\x01\x00\x02\x01\x00", 7)), "the handshake failed: unexpected message");
}

// [threats 74] junk records
TEST_F(TlsHostile, RecordsThatCannotBeAreRefusedAtTheirHeader) {
  EXPECT_THAT(error_after(std::string("\x16\x03\x01\xff\xff\x01", 6)), StartsWith("the handshake failed: "));
  EXPECT_THAT(error_after(std::string("\x16\x03\x01\x00\x04\x0e\x00\x00\x00", 9)),
              StartsWith("the handshake failed: "));
  EXPECT_THAT(answered, StartsWith("\x15\x03")) << "an alert";
  EXPECT_THAT(error_after(std::string("\x16\x03\x01\x00\x00", 5)), testing::IsEmpty()) << "waits for more";
  EXPECT_THAT(error_after(std::string("\x80\x2e\x01\x00\x02", 5) + std::string(60, 'x')),
              StartsWith("the handshake failed: "));
  std::string empty_records;
  for (int i = 0; i < 100; ++i) empty_records += std::string("\x16\x03\x01\x00\x00", 5);
  EXPECT_THAT(error_after(empty_records), StartsWith("the handshake failed: "));
}

// [threats 74] random octets, seeded: no crash, no loop, no plaintext, and in the end a failure
TEST_F(TlsHostile, GarbageEndsInFailure) {
  Random random(20261121);
  const std::string headers[]{std::string("\x16\x03\x01", 3), std::string("\x16\x03\x03\x00\x50\x01\x00\x00\x4c", 9),
                              "\x16", "\x15", "\x80"};
  std::string noise(100'000, '\0');
  for (char& c : noise) c = static_cast<char>(random.next());
  for (int round = 0; round < 2000; ++round) {
    std::string octets = headers[random.below(std::size(headers))];
    // Longer than any record, so that none is still waited for at the end.
    octets += std::string_view(noise).substr(random.below(noise.size() - 40'000), 40'000);
    auto session = accepted();
    std::string plaintext, out;
    std::string_view left = octets;
    while (!left.empty() && session.state() == State::handshaking) {
      const auto piece = left.substr(0, 1 + random.below(5000));
      session.feed(piece, plaintext, out);
      left.remove_prefix(piece.size());
    }
    EXPECT_EQ(session.state(), State::failed) << round;
    EXPECT_NE(session.error(), "") << round;
    EXPECT_EQ(plaintext, "") << round;
    EXPECT_LT(out.size(), 100u) << round;
    EXPECT_EQ(ERR_peek_error(), 0u) << round;
  }
}

// [threats 74] one bit turned anywhere in a handshake: whoever opens has not been deceived
TEST_F(TlsHostile, ATurnedBitInTheHandshakeNeverChangesWhatIsHeard) {
  Random random(74);
  int refused = 0;
  constexpr int rounds = 500;
  const ContextPtr clients[]{lab.context(TlsVersion::tls_1_2), lab.context(TlsVersion::tls_1_3)};
  for (int round = 0; round < rounds; ++round) {
    Pair pair(clients[random.below(2)], to("a.example.com"), server);
    pair.client.write("to server", pair.to_server);
    pair.server.write("to client", pair.to_client);
    std::uint64_t until = random.below(1100);  // about as many octets as a handshake has
    for (int flight = 0; flight < 8; ++flight) {
      for (std::string* wire : {&pair.to_server, &pair.to_client}) {
        if (until < wire->size()) (*wire)[until] = static_cast<char>((*wire)[until] ^ 1 << random.below(8));
        until = until < wire->size() ? UINT64_MAX : until - std::min<std::uint64_t>(wire->size(), until);
        const bool up = wire == &pair.to_server;
        Pair::carry(*wire, up ? pair.server : pair.client, up ? pair.at_server : pair.at_client,
                    up ? pair.to_client : pair.to_server, SIZE_MAX);
      }
    }
    EXPECT_TRUE(std::string("to server").starts_with(pair.at_server)) << round;
    EXPECT_TRUE(std::string("to client").starts_with(pair.at_client)) << round;
    EXPECT_EQ(ERR_peek_error(), 0u);
    refused += pair.open() ? 0 : 1;
  }
  EXPECT_GT(refused, rounds / 2);
}

// [RFC8446 5.2] a record that was changed ends the connection with an alert, and nothing of it is delivered
TEST_F(TlsHostile, ATurnedBitAfterTheHandshakeEndsTheConnection) {
  Random random(75);
  for (const TlsVersion version : both_versions) {
    const auto speaking = lab.context(version);
    for (int round = 0; round < 150; ++round) {
      Pair pair(speaking, to("a.example.com"), server);
      pair.run();
      pair.client.write("the first message", pair.to_server);
      const std::size_t at = random.below(pair.to_server.size());
      pair.to_server[at] = static_cast<char>(pair.to_server[at] ^ 1 << random.below(8));
      // A length that grew swallows what follows; more than a record of it does not fit.
      pair.client.write(std::string(20'000, 'x'), pair.to_server);
      pair.run();
      EXPECT_EQ(pair.server.state(), State::failed) << round;
      EXPECT_THAT(pair.server.error(), StartsWith("the connection is broken: "));
      EXPECT_EQ(pair.at_server, "");
      EXPECT_EQ(pair.client.state(), State::failed) << "it was told by an alert";
      EXPECT_THAT(pair.client.error(), HasSubstr("the peer sent the alert "));
      EXPECT_FALSE(pair.server.write("x", pair.to_client));
    }
  }
}

// [RFC8446 4.6.3] a peer that asks for new keys again and again gets no more than it sends
TEST_F(TlsHostile, KeyUpdatesAreAnsweredInProportion) {
  RawClient raw(TLS1_3_VERSION, TLS1_3_VERSION, "a.example.com");
  auto session = accepted();
  ASSERT_TRUE(raw.run_with(session));
  std::string asked;
  for (int i = 0; i < 200; ++i) {
    SSL_key_update(raw.ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(raw.ssl());
    asked += raw.taken();
  }
  ASSERT_GT(asked.size(), 4000u);
  std::string out;
  session.feed(asked, raw.plaintext, out);
  EXPECT_LE(out.size(), asked.size() + 100);
}

// [house] an error another use of the library left behind is not ours
TEST_F(TlsHostile, ADirtyErrorQueueDisturbsNothing) {
  Pair pair(client, to("a.example.com"), server);
  const auto soil = [] { ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH); };
  soil();
  pair.run(50);
  ASSERT_TRUE(pair.open());
  soil();
  EXPECT_TRUE(pair.client.write("x", pair.to_server));
  soil();
  pair.run();
  EXPECT_EQ(pair.at_server, "x");
  soil();
  pair.client.shutdown(pair.to_server);
  soil();
  EXPECT_EQ(pair.run().server.state(), State::closing);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// [house] what comes after the end is ignored
TEST_F(TlsHostile, AFailedSessionStaysFailedAndQuiet) {
  auto session = accepted();
  std::string plaintext, out;
  session.feed("plain", plaintext, out);
  const std::string error = session.error();
  EXPECT_FALSE(session.feed("\x16\x03\x01", plaintext, out).opened);
  session.shutdown(out);
  EXPECT_FALSE(session.write("x", out));
  EXPECT_EQ(session.state(), State::failed);
  EXPECT_EQ(session.error(), error);
  EXPECT_EQ(out, "");
  EXPECT_TRUE(session.peer_names().empty());
}

}  // namespace
}  // namespace bellhop::crypto
