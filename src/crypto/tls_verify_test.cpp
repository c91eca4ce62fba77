#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/tls_pair_for_test.hpp"

namespace bellhop::crypto {
namespace {

using namespace for_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TlsVerify : public testing::Test {
 protected:
  /// A client that verifies connects to a server with this identity.
  Pair connected(const IdentityPtr& shown, const std::string& name, TimePoint now = today,
                 TlsVersion version = TlsVersion::tls_1_3) const {
    Pair pair(lab.context(version), to(name), Lab::built(lab.settings(shown)), {}, now);
    pair.run();
    return pair;
  }
  /// A client that shows this identity connects to a server that asks for one.
  Pair shown_to(ClientCertificate policy, const IdentityPtr& identity, TlsVersion version = TlsVersion::tls_1_3) const {
    TlsSettings settings = lab.settings(identity);
    settings.max_version = version;
    Pair pair(Lab::built(settings), to("server.example.com"), server, asking(policy));
    pair.run();
    return pair;
  }

  const Lab lab;
  const Lab stranger{"Unknown CA"};
  const ContextPtr server = lab.context("server.example.com");
};

// [RFC5922 7.3] the server is authenticated when one of its identities is the domain the request was for
TEST_F(TlsVerify, AServerWithTheRightNameIsBelieved) {
  const auto pair =
      connected(lab.identity({.common_name = "x", .dns_names = {"B.example.com", "a.example.com"}}), "A.Example.COM");
  EXPECT_TRUE(pair.open()) << pair.client.error();
  EXPECT_THAT(pair.client.peer_names(), ElementsAre("b.example.com", "a.example.com"));
  EXPECT_THAT(pair.server.peer_names(), IsEmpty());
}

// [RFC5922 7.3] without a matching identity the client closes the connection
TEST_F(TlsVerify, AServerWithAnotherNameIsRefusedAndBothNamesAreTold) {
  for (const TlsVersion version : both_versions) {
    const auto pair = connected(lab.identity_named("a.example.net"), "b.example.net", today, version);
    EXPECT_EQ(pair.client.state(), State::failed);
    EXPECT_EQ(pair.client.error(),
              "the certificate of the peer is refused: it is for a.example.net, not for \"b.example.net\"");
    EXPECT_EQ(pair.server.state(), State::failed);
    EXPECT_THAT(pair.server.error(), HasSubstr("the peer sent the alert bad certificate"));
    EXPECT_THAT(pair.client.peer_names(), IsEmpty());
  }
}

// [RFC5922 7.2] no suffixes, no wildcards
TEST_F(TlsVerify, WildcardsAndSuffixesDoNotMatch) {
  EXPECT_EQ(connected(lab.identity_named("*.example.com"), "a.example.com").client.state(), State::failed);
  EXPECT_EQ(connected(lab.identity_named("example.com"), "a.example.com").client.state(), State::failed);
  EXPECT_EQ(connected(lab.identity_named("a.example.com"), "example.com").client.state(), State::failed);
}

// [RFC5922 7.1] a certificate that names no domain authenticates nobody
TEST_F(TlsVerify, ACertificateWithoutNamesIsRefused) {
  const auto pair = connected(lab.identity({.common_name = "", .uris = {"sip:alice@a.example.com"}}), "a.example.com");
  EXPECT_EQ(pair.client.state(), State::failed);
  EXPECT_THAT(pair.client.error(), HasSubstr("names no SIP domain"));
}

// [RFC5922 7.1] the URI counts before the DNS names
TEST_F(TlsVerify, ASipUriIsTheIdentityWhenThereIsOne) {
  const auto identity =
      lab.identity({.common_name = "x", .dns_names = {"host1.example.com"}, .uris = {"sip:example.com"}});
  EXPECT_TRUE(connected(identity, "example.com").open());
  EXPECT_EQ(connected(identity, "host1.example.com").client.state(), State::failed);
}

// [RFC5922 7.1] validity by RFC 5280
TEST_F(TlsVerify, AServerWhoseIssuerIsUnknownIsRefused) {
  const auto pair = connected(stranger.identity_named("a.example.com"), "a.example.com");
  EXPECT_EQ(pair.client.state(), State::failed);
  EXPECT_THAT(pair.client.error(), HasSubstr("the certificate of the peer is refused: unable to get"));
  EXPECT_THAT(pair.client.error(), HasSubstr("CN=Unknown CA"));
  EXPECT_THAT(pair.server.error(), HasSubstr("unknown CA: it does not believe our certificate"));
}

// [RFC5922 7.1] dates are held against the time the caller gives
TEST_F(TlsVerify, ExpiredAndFutureCertificatesAreRefusedWithTheirDates) {
  const auto identity = lab.identity(
      {.common_name = "x", .dns_names = {"a.example.com"}, .not_before = today, .not_after = today + hours(24 * 30)});
  EXPECT_TRUE(connected(identity, "a.example.com", today + hours(1)).open());
  const auto late = connected(identity, "a.example.com", today + hours(24 * 31));
  EXPECT_EQ(late.client.state(), State::failed);
  EXPECT_THAT(late.client.error(), HasSubstr("has expired on 2026-01-31"));
  const auto early = connected(identity, "a.example.com", today - hours(24));
  EXPECT_EQ(early.client.state(), State::failed);
  EXPECT_THAT(early.client.error(), HasSubstr("is not valid before 2026-01-01"));
}

// [RFC5922 7.1] restrictions of the extended key usage are obeyed (RFC 5924)
TEST_F(TlsVerify, TheExtendedKeyUsageMustAllowSip) {
  const auto with_usage = [&](const std::string& usage) {
    return lab.identity({.common_name = "x", .dns_names = {"a.example.com"}, .extended_key_usage = usage});
  };
  EXPECT_TRUE(connected(with_usage("serverAuth"), "a.example.com").open());
  EXPECT_TRUE(connected(with_usage("1.3.6.1.5.5.7.3.20"), "a.example.com").open());
  EXPECT_TRUE(connected(with_usage("anyExtendedKeyUsage"), "a.example.com").open());
  EXPECT_EQ(connected(with_usage("clientAuth"), "a.example.com").client.state(), State::failed);
  const auto mail = connected(with_usage("emailProtection"), "a.example.com");
  EXPECT_THAT(mail.client.error(), HasSubstr("extended key usage"));
}

// [house] a chain is checked up to the authority
TEST_F(TlsVerify, AnIntermediateAuthorityIsFollowedToTheRoot) {
  const Authority middle = lab.authority.intermediate("Middle CA");
  const PemPair pem = middle.issue({.common_name = "x", .dns_names = {"a.example.com"}});
  EXPECT_TRUE(connected(Lab::identity_of(pem), "a.example.com").open());
  const std::string own = pem.certificate.substr(0, pem.certificate.find("-----BEGIN", 5));
  EXPECT_EQ(connected(Lab::identity_of({own, pem.key}), "a.example.com").client.state(), State::failed);
}

// [house] a peer's self-signed certificate can be named as the CA file
TEST_F(TlsVerify, ASelfSignedPeerIsBelievedWhenItsCertificateIsTrusted) {
  const PemPair pem = self_signed({.common_name = "x", .dns_names = {"a.example.com"}});
  TlsSettings settings = lab.settings();
  settings.ca_file = lab.file("pinned.pem", pem.certificate);
  const auto server_context = Lab::built(lab.settings(Lab::identity_of(pem)));
  Pair pinned(Lab::built(settings), to("a.example.com"), server_context);
  EXPECT_TRUE(pinned.run().open()) << pinned.client.error();
  Pair unknown(lab.context(), to("a.example.com"), server_context);
  EXPECT_EQ(unknown.run().client.state(), State::failed);
}

// [house] verification can be switched off, and then nobody has a name
TEST_F(TlsVerify, WithoutVerificationAnyServerWillDoAndHasNoName) {
  TlsConnect connect = to("b.example.com");
  connect.verify = false;
  Pair pair(lab.context(), connect, Lab::built(lab.settings(stranger.identity_named("a.example.com"))));
  EXPECT_TRUE(pair.run().open());
  EXPECT_THAT(pair.client.peer_names(), IsEmpty());
}

// [RFC6066 3] an address is no server name
TEST_F(TlsVerify, AnAddressIsNotSentAsServerNameButCompared) {
  const auto pair = connected(lab.identity({.common_name = "x", .uris = {"sip:192.0.2.1;transport=tls"}}), "192.0.2.1");
  EXPECT_TRUE(pair.open()) << pair.client.error();
  EXPECT_EQ(pair.server.server_name(), "");
  const auto v6 = connected(lab.identity({.common_name = "x", .uris = {"sip:[2001:db8::1]:5061"}}), "[2001:db8::1]");
  EXPECT_TRUE(v6.open()) << v6.client.error();
  EXPECT_EQ(v6.server.server_name(), "");
}

// [RFC5922 7.4] a client that shows no certificate is not authenticated; to refuse it is policy
TEST_F(TlsVerify, AClientWithoutCertificatePassesUnlessOneIsRequired) {
  for (const TlsVersion version : both_versions) {
    EXPECT_TRUE(shown_to(ClientCertificate::none, nullptr, version).open());
    const auto optional = shown_to(ClientCertificate::optional, nullptr, version);
    EXPECT_TRUE(optional.open());
    EXPECT_THAT(optional.server.peer_names(), IsEmpty());
    EXPECT_EQ(optional.server.peer_doubt(), "");
    const auto required = shown_to(ClientCertificate::required, nullptr, version);
    EXPECT_EQ(required.server.state(), State::failed);
    EXPECT_EQ(required.server.error(), "the client shows no certificate, and one is required");
    EXPECT_EQ(required.client.state(), State::failed);
    EXPECT_THAT(required.client.error(), HasSubstr("the peer sent the alert"));
  }
}

// [RFC5922 7.4] the server obtains the domains of the client's certificate
TEST_F(TlsVerify, AClientWithACertificateIsKnownByItsDomains) {
  const auto peer =
      lab.identity({.common_name = "x", .uris = {"sip:peer.example.net"}, .extended_key_usage = "serverAuth"});
  for (const TlsVersion version : both_versions) {
    for (const auto policy : {ClientCertificate::optional, ClientCertificate::required}) {
      const auto pair = shown_to(policy, peer, version);
      EXPECT_TRUE(pair.open()) << pair.server.error();
      EXPECT_THAT(pair.server.peer_names(), ElementsAre("peer.example.net"));
    }
    EXPECT_THAT(shown_to(ClientCertificate::none, peer, version).server.peer_names(), IsEmpty());
  }
}

// [RFC5922 7.4] a certificate that does not verify gives no name
TEST_F(TlsVerify, AClientWithAForeignCertificateIsRefusedOrNamelessAsThePolicySays) {
  const auto phone = stranger.identity_named("phone-0004f2.factory.example");
  for (const TlsVersion version : both_versions) {
    const auto optional = shown_to(ClientCertificate::optional, phone, version);
    EXPECT_TRUE(optional.open()) << optional.server.error();
    EXPECT_THAT(optional.server.peer_names(), IsEmpty());
    EXPECT_THAT(optional.server.peer_doubt(), HasSubstr("CN=Unknown CA"));
    const auto required = shown_to(ClientCertificate::required, phone, version);
    EXPECT_EQ(required.server.state(), State::failed);
    EXPECT_THAT(required.server.error(), HasSubstr("CN=Unknown CA"));
  }
}

// [house] a CA file that cannot be used is an error of the configuration
TEST_F(TlsVerify, AnUnusableCaFileIsRefusedWhenTheContextIsBuilt) {
  TlsSettings settings = lab.settings();
  settings.ca_file = "/nowhere/ca.pem";
  EXPECT_THAT(TlsContext::build(settings).error(), HasSubstr("/nowhere/ca.pem: No such file"));
  settings.ca_file = lab.file("empty.pem", "nothing");
  EXPECT_THAT(TlsContext::build(settings).error(), HasSubstr("no readable PEM certificate"));
}

}  // namespace
}  // namespace bellhop::crypto
