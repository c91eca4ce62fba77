#include "crypto/tls_certificates_for_test.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "crypto/tls_library.hpp"

namespace bellhop::crypto::for_test {
namespace {

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("test certificate: ") + what);
}

Owned<EVP_PKEY> new_key(KeyKind kind) {
  EVP_PKEY* key = nullptr;
  switch (kind) {
    case KeyKind::p256: key = EVP_EC_gen("P-256"); break;
    case KeyKind::ed25519: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
    case KeyKind::rsa_1024: key = EVP_RSA_gen(1024); break;
  }
  require(key != nullptr, "no key");
  return Owned<EVP_PKEY>(key);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Bellhop tests"), -1, -1,
                             0);
  if (common_name.empty()) return;
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
}

void add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, value.c_str());
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_alternative_names(X509* to, const CertificateWish& wish) {
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  const auto add = [&](int type, const std::string& value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, value.data(), static_cast<int>(value.size()));
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(names, name);
  };
  for (const auto& name : wish.dns_names) add(GEN_DNS, name);
  for (const auto& uri : wish.uris) add(GEN_URI, uri);
  if (sk_GENERAL_NAME_num(names) > 0) X509_add1_ext_i2d(to, NID_subject_alt_name, names, 0, 0);
  GENERAL_NAMES_free(names);
}

void set_dates(X509* to, TimePoint from, TimePoint until) {
  ASN1_TIME_set(X509_getm_notBefore(to), static_cast<std::time_t>(unix_seconds(from)));
  ASN1_TIME_set(X509_getm_notAfter(to), static_cast<std::time_t>(unix_seconds(until)));
}

/// Signed by `issuer` with `issuer_key`, or by itself where these are null.
Owned<X509> sign(const CertificateWish& wish, EVP_PKEY* key, bool authority, X509* issuer, EVP_PKEY* issuer_key) {
  Owned<X509> made(X509_new());
  X509* certificate = made.get();
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "no randomness");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  set_dates(certificate, wish.not_before, wish.not_after);
  set_name(X509_get_subject_name(certificate), wish.common_name);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer == nullptr ? certificate : issuer));
  X509_set_pubkey(certificate, key);
  X509* signer = issuer == nullptr ? certificate : issuer;
  add_extension(certificate, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  if (authority) add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  if (issuer != nullptr) add_extension(certificate, signer, NID_authority_key_identifier, "keyid");
  if (!wish.extended_key_usage.empty()) {
    add_extension(certificate, signer, NID_ext_key_usage, wish.extended_key_usage);
  }
  add_alternative_names(certificate, wish);
  EVP_PKEY* with = issuer_key == nullptr ? key : issuer_key;
  const EVP_MD* digest = EVP_PKEY_is_a(with, "ED25519") == 1 ? nullptr : EVP_sha256();
  require(X509_sign(certificate, with, digest) > 0, "no signature");
  return made;
}

std::string taken_from(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), certificate) == 1, "no PEM");
  return taken_from(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "no PEM");
  return taken_from(out.get());
}

}  // namespace

struct Authority::Impl {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
  std::string pem;
  std::string chain;  ///< what goes behind a certificate it signs: itself and its issuers, without the root
};

Authority::Authority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Authority::~Authority() = default;
Authority::Authority(Authority&&) noexcept = default;
Authority& Authority::operator=(Authority&&) noexcept = default;

Authority::Authority(const std::string& common_name) : impl_(std::make_unique<Impl>()) {
  impl_->key = new_key(KeyKind::p256);
  impl_->certificate = sign({.common_name = common_name}, impl_->key.get(), true, nullptr, nullptr);
  impl_->pem = pem_of(impl_->certificate.get());
}

Authority Authority::intermediate(const std::string& common_name) const {
  auto made = std::make_unique<Impl>();
  made->key = new_key(KeyKind::p256);
  made->certificate =
      sign({.common_name = common_name}, made->key.get(), true, impl_->certificate.get(), impl_->key.get());
  made->pem = pem_of(made->certificate.get());
  made->chain = made->pem + impl_->chain;
  return Authority(std::move(made));
}

PemPair Authority::issue(const CertificateWish& wish) const {
  const auto key = new_key(wish.key);
  const auto certificate = sign(wish, key.get(), false, impl_->certificate.get(), impl_->key.get());
  return {pem_of(certificate.get()) + impl_->chain, pem_of(key.get())};
}

const std::string& Authority::certificate() const {
  return impl_->pem;
}

PemPair self_signed(const CertificateWish& wish) {
  const auto key = new_key(wish.key);
  return {pem_of(sign(wish, key.get(), false, nullptr, nullptr).get()), pem_of(key.get())};
}

std::string encrypted_key(const std::string& key, const std::string& passphrase) {
  const Owned<BIO> in(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  const Owned<EVP_PKEY> read(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PKCS8PrivateKey(out.get(), read.get(), EVP_aes_256_cbc(), passphrase.data(),
                                        static_cast<int>(passphrase.size()), nullptr, nullptr) == 1,
          "no encrypted key");
  return taken_from(out.get());
}

}  // namespace bellhop::crypto::for_test
