// Server names and resumption: what sessions of one context, or of two, have to do with each other.
#include "crypto/tls_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/tls_impl.hpp"
#include "crypto/tls_pair_for_test.hpp"
#include "crypto/tls_raw_client_for_test.hpp"

namespace bellhop::crypto {
namespace {

using namespace for_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TlsServerNames : public testing::Test {
 protected:
  TlsServerNames() {
    const auto two = lab.identity({.common_name = "x", .dns_names = {"two.example.com", "alias.example.com"}});
    // Another kind of key, which the library would keep beside the default's.
    const auto other_key = lab.identity({.common_name = "x", .dns_names = {"ed.example.com"}, .key = KeyKind::ed25519});
    settings = lab.settings(lab.identity_named("default.example.com"));
    settings.by_server_name = {{"Two.Example.com.", two},
                               {"configured.example.org", two},
                               {"", lab.identity_named("*.wild.example.com")},
                               {"", other_key}};
  }
  /// A verifying client asks for this name; its error tells what it was shown if that does not match.
  Pair asked(const std::string& name, TlsVersion version = TlsVersion::tls_1_3) const {
    Pair pair(lab.context(version), to(name), Lab::built(settings));
    pair.run();
    return pair;
  }

  const Lab lab;
  TlsSettings settings;
};

// [KAM-13, RFC5922 7.8] two domains on one address, each with its certificate
TEST_F(TlsServerNames, TheServerNameChoosesTheCertificate) {
  for (const TlsVersion version : both_versions) {
    EXPECT_THAT(asked("default.example.com", version).client.peer_names(), ElementsAre("default.example.com"));
    EXPECT_THAT(asked("two.example.com", version).client.peer_names(),
                ElementsAre("two.example.com", "alias.example.com"));
    EXPECT_THAT(asked("ALIAS.example.com", version).client.peer_names(), SizeIs(2));
    EXPECT_THAT(asked("ed.example.com", version).client.peer_names(), ElementsAre("ed.example.com"));
  }
}

// [KAM-13] a name of the configuration counts even if the certificate does not have it
TEST_F(TlsServerNames, AConfiguredNameIsServedByItsIdentity) {
  EXPECT_THAT(asked("configured.example.org").client.error(), HasSubstr("it is for two.example.com, alias"));
}

// [KAM-13, RFC6066 3] a client that asks for nobody we know is shown the default
TEST_F(TlsServerNames, UnknownNamesAndNoNameGetTheDefault) {
  EXPECT_THAT(asked("unknown.example.com").client.error(), HasSubstr("it is for default.example.com, not"));
  EXPECT_THAT(asked("192.0.2.1").client.error(), HasSubstr("it is for default.example.com, not"));
  EXPECT_EQ(asked("unknown.example.com").server.server_name(), "unknown.example.com");
}

// [KAM-13] the choice follows RFC 6125 6.4.3; that SIP clients do not believe wildcards is theirs to say
TEST_F(TlsServerNames, AWildcardCoversOneLabel) {
  EXPECT_THAT(asked("a.wild.example.com").client.error(), HasSubstr("it is for *.wild.example.com, not"));
  EXPECT_THAT(asked("a.b.wild.example.com").client.error(), HasSubstr("it is for default.example.com, not"));
  EXPECT_THAT(asked("wild.example.com").client.error(), HasSubstr("it is for default.example.com, not"));
  EXPECT_THAT(asked(".wild.example.com").client.error(), HasSubstr("it is for default.example.com, not"));
}

// [house] days to expiry are told of each certificate once
TEST_F(TlsServerNames, IdentitiesAreListedOnceWithTheDefaultFirst) {
  const auto context = Lab::built(settings);
  ASSERT_THAT(context->identities(), SizeIs(4));
  EXPECT_EQ(context->identities().front(), settings.identity);
  settings.identity = nullptr;
  EXPECT_EQ(Lab::built(settings)->identity_for(""), settings.by_server_name.front().identity.get());
}

class TlsResumption : public testing::TestWithParam<TlsVersion> {
 protected:
  using Won = Owned<SSL_SESSION>;

  RawClient client() const {
    const int version = GetParam() == TlsVersion::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    RawClient raw(version, version, "a.example.com");
    if (peer != nullptr) show_identity(raw.ssl(), *peer);
    return raw;
  }
  Won won_from(const ContextPtr& server, const TlsAccept& accept = {}) const {
    RawClient raw = client();
    auto session = TlsSession::accept(server, accept, today);
    EXPECT_TRUE(raw.run_with(session)) << session.error();
    EXPECT_FALSE(session.resumed());
    return raw.won();
  }
  /// The server's side when a client comes back with what it won.
  TlsSession back(const Won& won, const ContextPtr& server, const TlsAccept& accept = {}, TimePoint now = today) const {
    RawClient raw = client();
    raw.resume(won);
    auto session = TlsSession::accept(server, accept, now);
    raw.run_with(session);
    return session;
  }
  ContextPtr with_keys(const std::vector<TlsTicketKey>& keys) const {
    TlsSettings settings = lab.settings(shown);
    settings.ticket_keys = keys;
    return Lab::built(settings);
  }

  const Lab lab;
  const IdentityPtr shown = lab.identity_named("a.example.com");
  IdentityPtr peer;  ///< what the client shows, if anything
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsResumption, testing::ValuesIn(both_versions),
                         [](const auto& version) { return version.param == TlsVersion::tls_1_2 ? "Tls12" : "Tls13"; });

// [RFC5077 3.1, RFC8446 2.2] a phone that comes back skips the certificates
TEST_P(TlsResumption, ATicketResumesASessionOfTheSameContext) {
  const auto server = with_keys({});
  const auto won = won_from(server);
  EXPECT_TRUE(back(won, server).resumed());
  const auto again = back(won, server);
  EXPECT_EQ(again.state(), State::open) << again.error();
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(again.server_name(), "a.example.com");
}

// [house] a reload that builds the context anew, and every shard, knows the tickets given before
TEST_P(TlsResumption, TicketsAreGoodInEveryContextWithTheSameKeys) {
  const auto key = random_ticket_key();
  const auto won = won_from(with_keys({key}));
  EXPECT_TRUE(back(won, with_keys({key})).resumed());
  EXPECT_TRUE(back(won, with_keys({random_ticket_key(), key})).resumed()) << "the key before the newest";
  const auto other = back(won, with_keys({random_ticket_key()}));
  EXPECT_FALSE(other.resumed());
  EXPECT_EQ(other.state(), State::open) << "an unknown ticket costs a full handshake and nothing else";
}

// [RFC5922 7.4] who was known stays known, without showing the certificate again
TEST_P(TlsResumption, AResumedClientKeepsItsNames) {
  peer = lab.identity_named("peer.example.net");
  const auto server = with_keys({});
  const auto accept = asking(ClientCertificate::required);
  const auto again = back(won_from(server, accept), server, accept);
  EXPECT_TRUE(again.resumed());
  EXPECT_THAT(again.peer_names(), ElementsAre("peer.example.net"));
}

// [RFC5922 7.4] who was known by authorities that are trusted no more is judged anew
TEST_P(TlsResumption, ATicketIsGoodOnlyWhereTheSameAuthoritiesAreTrusted) {
  peer = lab.identity_named("peer.example.net");
  const Lab stranger("Unknown CA");
  const auto accept = asking(ClientCertificate::optional);
  TlsSettings settings = lab.settings(shown);
  settings.ticket_keys = {random_ticket_key()};
  const auto won = won_from(Lab::built(settings), accept);
  const auto same = back(won, Lab::built(settings), accept);
  EXPECT_TRUE(same.resumed());
  EXPECT_THAT(same.peer_names(), ElementsAre("peer.example.net"));
  settings.ca_file = stranger.ca_file;
  const auto other = back(won, Lab::built(settings), accept);
  EXPECT_FALSE(other.resumed());
  EXPECT_EQ(other.state(), State::open) << other.error();
  EXPECT_THAT(other.peer_names(), IsEmpty());
}

// [RFC5922 7.4] a ticket is no way around a certificate
TEST_P(TlsResumption, ATicketOfAListenerThatAsksForNothingIsNotGoodWhereACertificateIsRequired) {
  const auto server = with_keys({});
  const auto again = back(won_from(server), server, asking(ClientCertificate::required));
  EXPECT_FALSE(again.resumed());
  EXPECT_EQ(again.state(), State::failed);
}

// [RFC5922 7.4] nor a way around its end
TEST_P(TlsResumption, ATicketEndsWithTheCertificateOfTheClient) {
  peer = lab.identity({.common_name = "x", .dns_names = {"p.example.net"}, .not_after = today + hours(1)});
  const auto server = with_keys({});
  const auto accept = asking(ClientCertificate::required);
  const auto won = won_from(server, accept);
  EXPECT_TRUE(back(won, server, accept, today + minutes(59)).resumed());
  const auto late = back(won, server, accept, today + minutes(61));
  EXPECT_FALSE(late.resumed());
  EXPECT_THAT(late.error(), HasSubstr("has expired"));
}

// [RFC6066 3] a ticket is good under the server name it was won with, in any case
TEST_P(TlsResumption, ATicketIsNotGoodUnderAnotherServerName) {
  const auto server = with_keys({});
  const auto won = won_from(server);
  for (const char* name : {"A.example.com", "b.example.com"}) {
    RawClient raw = client();
    SSL_set_tlsext_host_name(raw.ssl(), name);
    raw.resume(won);
    auto session = TlsSession::accept(server, {}, today);
    ASSERT_TRUE(raw.run_with(session)) << session.error();
    EXPECT_EQ(session.resumed(), std::string_view(name) == "A.example.com");
  }
}

// [house] one context serves all shards
TEST_P(TlsResumption, ThreadsShareAContext) {
  const auto server = with_keys({});
  const auto won = won_from(server);
  std::atomic<int> open = 0;
  std::vector<std::thread> shards;
  for (int i = 0; i < 3; ++i) {
    shards.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        open += back(won, server).resumed() ? 1 : 0;
        open += Pair(lab.context(GetParam()), to("a.example.com"), server).run().open() ? 1 : 0;
      }
    });
  }
  for (auto& shard : shards) shard.join();
  EXPECT_EQ(open, 120);
}

}  // namespace
}  // namespace bellhop::crypto
