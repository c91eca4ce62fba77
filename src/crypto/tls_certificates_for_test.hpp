#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace bellhop::crypto::for_test {

/// 2020-01-01 and 2040-01-01: what certificates are valid between unless a test says otherwise.
inline constexpr TimePoint usual_start{seconds(1'577'836'800)};
inline constexpr TimePoint usual_end{seconds(2'208'988'800)};

/// P-256 takes 50 us to make; RSA of 1024 bits is there to be refused.
enum class KeyKind : std::uint8_t { p256, ed25519, rsa_1024 };

struct CertificateWish {
  std::string common_name;
  std::vector<std::string> dns_names{};  ///< subjectAltName dNSName
  std::vector<std::string> uris{};       ///< subjectAltName URI, "sip:example.com"
  TimePoint not_before = usual_start;
  TimePoint not_after = usual_end;
  std::string extended_key_usage{};  ///< OpenSSL's notation, "serverAuth" or "1.3.6.1.5.5.7.3.20"; empty: no extension
  KeyKind key = KeyKind::p256;
};

/// As PEM: the certificate with the intermediate authorities behind it, and its key.
struct PemPair {
  std::string certificate;
  std::string key;
};

/// A certificate authority of a test's own. Other rooms' tests link crypto_for_test (TEST_LIBS in src/CMakeLists.txt).
///
///   const Authority authority("Test CA");
///   const PemPair pem = authority.issue({.common_name = "a", .dns_names = {"a.example.com"}});
///   TlsIdentity::from_pem(pem.certificate, pem.key);
class Authority {
 public:
  explicit Authority(const std::string& common_name);  ///< a root
  ~Authority();
  Authority(Authority&&) noexcept;
  Authority& operator=(Authority&&) noexcept;

  [[nodiscard]] Authority intermediate(const std::string& common_name) const;
  [[nodiscard]] PemPair issue(const CertificateWish& wish) const;
  [[nodiscard]] const std::string& certificate() const;  ///< its own, as PEM: what a CA file holds

 private:
  struct Impl;
  explicit Authority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] PemPair self_signed(const CertificateWish& wish);

/// The key sealed with a passphrase.
[[nodiscard]] std::string encrypted_key(const std::string& key, const std::string& passphrase);

}  // namespace bellhop::crypto::for_test
