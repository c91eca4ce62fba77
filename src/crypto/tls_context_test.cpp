// Server names and resumption: what sessions of one context, or of two, have to do with each other.
#include "crypto/tls_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/tls_pair_for_test.hpp"

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
  TlsTicket won_from(const ContextPtr& server, const TlsAccept& accept = {}) const {
    TlsConnect connect = to("a.example.com");
    connect.keep_ticket = true;
    Pair pair(client, connect, server, accept);
    EXPECT_TRUE(pair.run().open()) << pair.client.error() << pair.server.error();
    EXPECT_FALSE(pair.server.resumed());
    EXPECT_TRUE(pair.client.ticket());
    return pair.client.ticket();
  }
  Pair back(const TlsTicket& ticket, const ContextPtr& server, const TlsAccept& accept = {},
            TimePoint now = today) const {
    TlsConnect connect = to("a.example.com");
    connect.ticket = ticket;
    Pair pair(client, connect, server, accept, now);
    pair.run();
    EXPECT_EQ(pair.client.resumed(), pair.server.resumed());
    return pair;
  }
  ContextPtr with_keys(const std::vector<TlsTicketKey>& keys) const {
    TlsSettings settings = lab.settings(shown);
    settings.ticket_keys = keys;
    return Lab::built(settings);
  }
  ContextPtr client_with(const IdentityPtr& identity) const {
    TlsSettings settings = lab.settings(identity);
    settings.max_version = GetParam();
    return Lab::built(settings);
  }

  const Lab lab;
  const IdentityPtr shown = lab.identity_named("a.example.com");
  ContextPtr client = client_with(nullptr);
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsResumption, testing::ValuesIn(both_versions),
                         [](const auto& version) { return version.param == TlsVersion::tls_1_2 ? "Tls12" : "Tls13"; });

// [RFC5077 3.1, RFC8446 2.2] a phone that comes back skips the certificates
TEST_P(TlsResumption, ATicketResumesASessionOfTheSameContext) {
  const auto server = with_keys({});
  const auto ticket = won_from(server);
  EXPECT_TRUE(back(ticket, server).server.resumed());
  const auto again = back(ticket, server);
  EXPECT_TRUE(again.open()) << again.client.error() << again.server.error();
  EXPECT_TRUE(again.server.resumed());
  EXPECT_EQ(again.server.server_name(), "a.example.com");
  EXPECT_THAT(again.client.peer_names(), ElementsAre("a.example.com"));
}

// [house] a reload that builds the context anew, and every shard, knows the tickets given before
TEST_P(TlsResumption, TicketsAreGoodInEveryContextWithTheSameKeys) {
  const auto key = random_ticket_key();
  const auto ticket = won_from(with_keys({key}));
  EXPECT_TRUE(back(ticket, with_keys({key})).server.resumed());
  EXPECT_TRUE(back(ticket, with_keys({random_ticket_key(), key})).server.resumed()) << "the key before the newest";
  const auto other = back(ticket, with_keys({random_ticket_key()}));
  EXPECT_FALSE(other.server.resumed());
  EXPECT_TRUE(other.open()) << "an unknown ticket costs a full handshake and nothing else";
}

// [RFC5922 7.4] who was known stays known, without showing the certificate again
TEST_P(TlsResumption, AResumedClientKeepsItsNames) {
  client = client_with(lab.identity_named("peer.example.net"));
  const auto server = with_keys({});
  const auto accept = asking(ClientCertificate::required);
  const auto again = back(won_from(server, accept), server, accept);
  EXPECT_TRUE(again.server.resumed());
  EXPECT_THAT(again.server.peer_names(), ElementsAre("peer.example.net"));
}

// [RFC5922 7.4] a ticket is no way around a certificate
TEST_P(TlsResumption, ATicketOfAListenerThatAsksForNothingIsNotGoodWhereACertificateIsRequired) {
  const auto server = with_keys({});
  const auto ticket = won_from(server);
  const auto again = back(ticket, server, asking(ClientCertificate::required));
  EXPECT_FALSE(again.server.resumed());
  EXPECT_EQ(again.server.state(), State::failed);
}

// [RFC5922 7.4] nor a way around its end
TEST_P(TlsResumption, ATicketEndsWithTheCertificateOfTheClient) {
  const auto short_lived =
      lab.identity({.common_name = "x", .dns_names = {"p.example.net"}, .not_after = today + hours(1)});
  client = client_with(short_lived);
  const auto server = with_keys({});
  const auto accept = asking(ClientCertificate::required);
  const auto ticket = won_from(server, accept);
  EXPECT_TRUE(back(ticket, server, accept, today + minutes(59)).server.resumed());
  const auto late = back(ticket, server, accept, today + minutes(61));
  EXPECT_FALSE(late.server.resumed());
  EXPECT_THAT(late.server.error(), HasSubstr("has expired"));
}

// [RFC5922 7.3] a ticket stands for the server it was won from
TEST_P(TlsResumption, ATicketIsNotUsedForAnotherNameOrWithStricterVerification) {
  const auto server = with_keys({});
  TlsConnect loose = to("a.example.com");
  loose.verify = false;
  loose.keep_ticket = true;
  Pair unverified(client, loose, server);
  unverified.run();
  ASSERT_TRUE(unverified.client.ticket());
  EXPECT_FALSE(back(unverified.client.ticket(), server).server.resumed());

  TlsConnect elsewhere = to("b.example.com");
  elsewhere.ticket = won_from(server);
  Pair other(client, elsewhere, server);
  EXPECT_EQ(other.run().client.state(), State::failed) << "the certificate must be looked at again";
}

// [house] one context serves all shards
TEST_P(TlsResumption, ThreadsShareAContext) {
  const auto server = with_keys({});
  const auto ticket = won_from(server);
  std::atomic<int> open = 0;
  std::vector<std::thread> shards;
  for (int i = 0; i < 3; ++i) {
    shards.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        open += back(ticket, server).server.resumed() ? 1 : 0;
        open += Pair(client, to("a.example.com"), server).run().open() ? 1 : 0;
      }
    });
  }
  for (auto& shard : shards) shard.join();
  EXPECT_EQ(open, 120);
}

}  // namespace
}  // namespace bellhop::crypto
