#include "crypto/tls_identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/temporary_folder_for_test.hpp"
#include "crypto/tls_certificates_for_test.hpp"
#include "crypto/tls_context.hpp"

namespace bellhop::crypto {
namespace {

using namespace for_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The file that is the system's bundle while this lives (OpenSSL's own way to name another).
class SystemBundle {
 public:
  explicit SystemBundle(const std::string& file) { ::setenv("SSL_CERT_FILE", file.c_str(), 1); }
  ~SystemBundle() { ::unsetenv("SSL_CERT_FILE"); }
  SystemBundle(const SystemBundle&) = delete;
  SystemBundle& operator=(const SystemBundle&) = delete;
};

class TlsIdentityTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder.file(name)) << text;
    ::chmod(folder.file(name).c_str(), 0600);
    return folder.file(name);
  }
  /// The error of loading such a pair from files.
  std::string refused(const std::string& certificate, const std::string& key) const {
    const auto loaded = TlsIdentity::load(file("server.pem", certificate), file("server.key", key));
    return loaded.has_value() ? "" : loaded.error();
  }
  /// Names of a certificate made to this wish.
  std::vector<std::string> names(const CertificateWish& wish) const {
    const PemPair pem = authority.issue(wish);
    return TlsIdentity::from_pem(pem.certificate, pem.key).value()->facts().names;
  }

  const TemporaryFolder folder;
  const Authority authority{"Test CA"};
  const PemPair good = authority.issue({.common_name = "sip.example.com", .dns_names = {"SIP.example.com"}});
};

// [house] what the web console and the metrics tell of a certificate
TEST_F(TlsIdentityTest, FactsAreReadFromTheFiles) {
  const auto identity = TlsIdentity::load(file("server.pem", good.certificate), file("server.key", good.key));
  ASSERT_TRUE(identity.has_value()) << identity.error();
  const IdentityFacts& facts = (*identity)->facts();
  EXPECT_EQ(facts.subject, "CN=sip.example.com, O=Bellhop tests");
  EXPECT_EQ(facts.issuer, "CN=Test CA, O=Bellhop tests");
  EXPECT_THAT(facts.names, ElementsAre("sip.example.com"));
  EXPECT_EQ(facts.not_before, usual_start);
  EXPECT_EQ(facts.not_after, usual_end);
  EXPECT_FALSE(facts.self_signed);
  EXPECT_THAT(facts.warnings, IsEmpty());
}

// [house] one file may hold both
TEST_F(TlsIdentityTest, KeyAndCertificateMayStandInOneFile) {
  EXPECT_TRUE(TlsIdentity::load(file("both.pem", good.key + good.certificate), "").has_value());
  EXPECT_TRUE(TlsIdentity::from_pem(good.certificate + good.key, "").has_value());
}

// [house] the pre-check at load says which file is wrong and how
TEST_F(TlsIdentityTest, FilesThatCannotBeReadAreNamed) {
  const std::string key = file("server.key", good.key);
  EXPECT_THAT(TlsIdentity::load(folder.file("none.pem"), key).error(),
              HasSubstr("none.pem: No such file or directory"));
  EXPECT_THAT(TlsIdentity::load(file("server.pem", good.certificate), folder.file("none.key")).error(),
              HasSubstr("private key: cannot read " + folder.file("none.key")));
  EXPECT_THAT(TlsIdentity::load(folder.path().string(), key).error(), HasSubstr("Is a directory"));
}

// [house] the pre-check at load
TEST_F(TlsIdentityTest, WhatIsNotPemIsSaidToBeNone) {
  EXPECT_THAT(refused("junk", good.key), HasSubstr("server.pem: not a PEM file"));
  EXPECT_THAT(refused("", good.key), HasSubstr("server.pem: not a PEM file"));
  EXPECT_THAT(refused(good.certificate, "junk"), HasSubstr("server.key: not a PEM file"));
  EXPECT_THAT(refused(good.key, good.key), HasSubstr("server.pem: holds no certificate"));
  EXPECT_THAT(refused(good.certificate, good.certificate), HasSubstr("server.key: holds no private key"));
  std::string broken = good.certificate;
  broken[100] = broken[100] == 'A' ? 'B' : 'A';
  broken.erase(120, 8);
  EXPECT_THAT(refused(broken, good.key), HasSubstr("server.pem: a certificate in it cannot be decoded"));
  std::string broken_key = good.key;
  broken_key.erase(60, 8);
  EXPECT_THAT(refused(good.certificate, broken_key), HasSubstr("server.key: the private key in it cannot be decoded"));
}

// [house] the pre-check at load: key matches
TEST_F(TlsIdentityTest, AKeyOfAnotherCertificateIsRefused) {
  const PemPair other = authority.issue({.common_name = "other"});
  EXPECT_THAT(refused(good.certificate, other.key),
              HasSubstr("the private key does not belong to the certificate CN=sip"));
  EXPECT_THAT(refused(other.certificate + good.certificate, good.key),
              HasSubstr("stands in place 2 and must stand first"));
}

// [house] nobody types a passphrase into a server
TEST_F(TlsIdentityTest, AnEncryptedKeyIsRefusedWithAWayOut) {
  const std::string error = refused(good.certificate, encrypted_key(good.key, "secret"));
  EXPECT_THAT(error, HasSubstr("server.key: the private key is encrypted"));
  EXPECT_THAT(error, HasSubstr("openssl pkey"));
}

// [RFC9325 4.5] RSA of at least 2048 bits
TEST_F(TlsIdentityTest, AWeakKeyIsRefused) {
  const PemPair weak = authority.issue({.common_name = "weak", .key = KeyKind::rsa_1024});
  EXPECT_THAT(refused(weak.certificate, weak.key), HasSubstr("a key of 1024 bits is too weak"));
}

// [house] the pre-check at load: chain
TEST_F(TlsIdentityTest, TheChainMustBeInOrder) {
  const Authority middle = authority.intermediate("Middle CA");
  const Authority low = middle.intermediate("Low CA");
  const PemPair pem = low.issue({.common_name = "x", .dns_names = {"a.example.com"}});
  EXPECT_EQ(refused(pem.certificate, pem.key), "");
  EXPECT_EQ(refused(pem.certificate + authority.certificate(), pem.key), "");
  const std::string own = pem.certificate.substr(0, pem.certificate.find("-----BEGIN", 5));
  EXPECT_THAT(refused(own + middle.certificate() + low.certificate(), pem.key),
              HasSubstr("the chain is not in order: certificate 2, CN=Middle CA, O=Bellhop tests, did not sign"));
  EXPECT_THAT(refused(own + Authority("Low CA").certificate(), pem.key), HasSubstr("did not sign"))
      << "a name alone is no signature";
}

// [house] the pre-check at load: a missing intermediate is the usual mistake
TEST_F(TlsIdentityTest, AnIncompleteChainIsAWarning) {
  const std::string ca_file = file("ca.pem", authority.certificate());
  const PemPair pem = authority.intermediate("Middle CA").issue({.common_name = "x", .dns_names = {"a.example.com"}});
  const std::string own = pem.certificate.substr(0, pem.certificate.find("-----BEGIN", 5));
  const std::string key = file("server.key", pem.key);
  const auto whole = check_identity(file("whole.pem", pem.certificate), key, ca_file);
  ASSERT_TRUE(whole.has_value()) << whole.error();
  EXPECT_THAT(whole->warnings, IsEmpty());
  const auto alone = check_identity(file("alone.pem", own), key, ca_file);
  ASSERT_TRUE(alone.has_value()) << alone.error();
  EXPECT_THAT(alone->warnings,
              ElementsAre(HasSubstr("the chain is incomplete: CN=x, O=Bellhop tests is signed by CN=Middle CA")));
  const PemPair single = self_signed({.common_name = "x", .dns_names = {"a.example.com"}});
  const auto own_signed = check_identity(file("self.pem", single.certificate), file("self.key", single.key));
  EXPECT_THAT(own_signed.value().warnings, IsEmpty());
  EXPECT_TRUE(own_signed.value().self_signed);
  EXPECT_FALSE(check_identity(folder.file("none.pem"), key).has_value());
}

// [house] a chain that ends where everybody knows it is complete, whoever is trusted besides
TEST_F(TlsIdentityTest, TheSystemsAuthoritiesCompleteAChainAsWell) {
  const std::string bundle = file("bundle.pem", Authority("Known CA").certificate() + authority.certificate());
  const SystemBundle instead(bundle);
  const std::string own = file("server.pem", good.certificate), key = file("server.key", good.key);
  EXPECT_THAT(check_identity(own, key).value().warnings, IsEmpty());
  EXPECT_THAT(check_identity(own, key, file("ca.pem", Authority("House CA").certificate())).value().warnings,
              IsEmpty());
}

// [house] one bad certificate in the system's bundle does not take the others away; none at all is told
TEST_F(TlsIdentityTest, TheSystemsBundleIsReadAsFarAsItCan) {
  const std::string broken = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n";
  const std::string torn = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
  const std::string bundle = file("bundle.pem", broken + authority.certificate() + torn);
  const std::string own = file("server.pem", good.certificate), key = file("server.key", good.key);
  {
    const SystemBundle instead(bundle);
    EXPECT_EQ(check_trust("").value(), std::nullopt);
    EXPECT_THAT(check_identity(own, key).value().warnings, IsEmpty());
  }
  for (const std::string& empty : {file("empty.pem", ""), file("broken.pem", broken), folder.file("none.pem")}) {
    const SystemBundle instead(empty);
    EXPECT_THAT(check_trust("").value().value_or(""), HasSubstr("knows no certificate authority"));
    EXPECT_THAT(check_identity(own, key).value().warnings, IsEmpty()) << "nobody can tell";
  }
  EXPECT_THAT(check_trust(bundle).error(), HasSubstr("bundle.pem: a certificate in it cannot be decoded"));
  EXPECT_EQ(check_trust(file("ca.pem", authority.certificate())).value(), std::nullopt);
}

// [house] the pre-check at load: what peers will stumble over
TEST_F(TlsIdentityTest, WhatPeersWillRefuseAndOpenKeysAreWarnings) {
  const PemPair nameless = authority.issue({.common_name = "", .extended_key_usage = "emailProtection"});
  EXPECT_THAT(TlsIdentity::from_pem(nameless.certificate, nameless.key).value()->facts().warnings,
              ElementsAre(HasSubstr("names no domain"), HasSubstr("extended key usage")));
  const std::string key = file("open.key", good.key);
  ::chmod(key.c_str(), 0644);
  EXPECT_THAT(TlsIdentity::load(file("server.pem", good.certificate), key).value()->facts().warnings,
              ElementsAre(HasSubstr("open.key: every user of this machine can read")));
}

// [house] days to expiry as a log warning; an expired certificate still serves who does not look
TEST_F(TlsIdentityTest, DatesAreWarnings) {
  IdentityFacts facts;
  facts.subject = "CN=a";
  facts.not_before = usual_start;
  facts.not_after = usual_end;
  EXPECT_EQ(date_warning(facts, usual_start), std::nullopt);
  EXPECT_EQ(date_warning(facts, usual_end - hours(24 * 14) - seconds(1)), std::nullopt);
  EXPECT_EQ(date_warning(facts, usual_end - hours(24 * 9)), "the certificate CN=a expires in 9 days, on 2040-01-01");
  EXPECT_EQ(date_warning(facts, usual_end + hours(36)), "the certificate CN=a expired 1 day ago, on 2040-01-01");
  EXPECT_EQ(date_warning(facts, usual_start - hours(1)), "the certificate CN=a is not valid before 2020-01-01");
  const PemPair expired = authority.issue({.common_name = "x", .not_after = usual_start + hours(1)});
  EXPECT_TRUE(TlsIdentity::from_pem(expired.certificate, expired.key).has_value());
}

// [RFC5922 7.1] sip URIs without userpart, else DNS names, else the common name where there is no subjectAltName
TEST_F(TlsIdentityTest, SipDomainsAreFoundInTheOrderOfTheRfc) {
  EXPECT_THAT(names({.common_name = "c.example.com",
                     .dns_names = {"host.example.com"},
                     .uris = {"SIP:Example.com", "sip:example.net:5061;transport=tls", "sip:alice@example.org",
                              "sips:secure.example.org", "http://example.org/", "sip:[2001:db8::1]:5061"}}),
              ElementsAre("example.com", "example.net", "[2001:db8::1]"));
  EXPECT_THAT(names({.common_name = "c.example.com",
                     .dns_names = {"a.example.com", "*.example.com", "A.EXAMPLE.com"},
                     .uris = {"sip:alice@example.org"}}),
              ElementsAre("a.example.com", "*.example.com"));
  EXPECT_THAT(names({.common_name = "C.example.com"}), ElementsAre("c.example.com"));
  EXPECT_THAT(names({.common_name = "c.example.com", .uris = {"https://example.org"}}), IsEmpty())
      << "the common name counts only without a subjectAltName";
  EXPECT_THAT(names({.common_name = "Jane Doe"}), IsEmpty()) << "a person is no domain";
}

// [RFC5922 7.1] CVE-2009-2408: a name with a NUL in it is not the name before the NUL
TEST_F(TlsIdentityTest, NamesWithStrangeOctetsAreNoNames) {
  EXPECT_THAT(names({.common_name = "c", .dns_names = {std::string("a.example.com\0.evil.test", 24), "b.example.com"}}),
              ElementsAre("b.example.com"));
  EXPECT_THAT(names({.common_name = "c", .uris = {std::string("sip:a.example.com\0x", 19)}}), IsEmpty());
  EXPECT_THAT(names({.common_name = "c", .uris = {"sip:", "sip:[::1", "sip:a b"}}), IsEmpty());
}

// [RFC5922 7.2] whole names, any case, no wildcards, no suffixes
TEST_F(TlsIdentityTest, SipDomainsAreComparedWhole) {
  EXPECT_TRUE(same_sip_domain("Example.COM", "example.com"));
  EXPECT_TRUE(same_sip_domain("*.example.com", "*.example.com"));
  EXPECT_FALSE(same_sip_domain("*.example.com", "foo.example.com"));
  EXPECT_FALSE(same_sip_domain("foo.example.com", "example.com"));
  EXPECT_FALSE(same_sip_domain(".example.com", "foo.example.com"));
  EXPECT_FALSE(same_sip_domain("", ""));
}

}  // namespace
}  // namespace bellhop::crypto
