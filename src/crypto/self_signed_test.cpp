#include "crypto/self_signed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "crypto/tls_identity.hpp"

namespace bellhop::crypto {
namespace {

using testing::ElementsAre;

IdentityFacts facts_of(const std::vector<std::string>& names, Duration valid = hours(24 * 30)) {
  const PemPair made = make_self_signed(names, valid);
  const auto loaded = TlsIdentity::from_pem(made.certificate, made.key);
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error());
  return loaded ? (*loaded)->facts() : IdentityFacts{};
}

/// Whether a TLS client that connected to this address would take the certificate.
bool speaks_for_address(const PemPair& pair, const char* address) {
  BIO* const memory = BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size()));
  X509* const certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  const bool speaks = X509_check_ip_asc(certificate, address, 0) == 1;
  X509_free(certificate);
  BIO_free(memory);
  return speaks;
}

// [RFC5922 7.1] It speaks for all names it was made for, and is named after the first
TEST(SelfSigned, SpeaksForItsNames) {
  const IdentityFacts facts = facts_of({"example.test", "sip.example.test"});
  EXPECT_EQ(facts.subject, "CN=example.test");
  EXPECT_EQ(facts.issuer, facts.subject);
  EXPECT_THAT(facts.names, ElementsAre("example.test", "sip.example.test"));
}

// [RFC6125 1.7.2] Addresses are addresses in it, not names
TEST(SelfSigned, SpeaksForAddresses) {
  const PemPair made = make_self_signed({"example.test", "192.0.2.7", "2001:db8::7"}, hours(24));
  EXPECT_TRUE(speaks_for_address(made, "192.0.2.7"));
  EXPECT_TRUE(speaks_for_address(made, "2001:db8::7"));
  EXPECT_FALSE(speaks_for_address(made, "192.0.2.8"));
}

// [RFC5280 A.1] A name of more than 64 octets is no common name, and stands among the alternative names all the same
TEST(SelfSigned, TakesLongNames) {
  const std::string longest(63, 'a'), name = longest + "." + longest + ".example.test";
  const IdentityFacts facts = facts_of({name, "short.example.test"});
  EXPECT_EQ(facts.subject, "(empty name)");
  EXPECT_THAT(facts.names, ElementsAre(name, "short.example.test"));
}

// [RFC5280 4.1.2.5] Valid from a day ago, for clocks that are behind, and for as long as was asked
TEST(SelfSigned, IsValidFromYesterday) {
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()).time_since_epoch();
  const IdentityFacts facts = facts_of({"example.test"}, hours(24 * 30));
  EXPECT_LT(abs(facts.not_before.time_since_epoch() + hours(24) - now), minutes(5));
  EXPECT_EQ(facts.not_after - facts.not_before, hours(24 * 30));
}

}  // namespace
}  // namespace bellhop::crypto
