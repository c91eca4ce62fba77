#include "crypto/self_signed.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

#include "base/endpoint.hpp"

namespace bellhop::crypto {

namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Release<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Release<BIO_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make a self-signed certificate");
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ',';
    out += IpAddress::parse(name) ? "IP:" : "DNS:";
    out += name;
  }
  return out;
}

/// Subject and issuer. False: a name this long has no room in them, and stands among the alternative names only.
bool set_subject(X509* certificate, const std::string& common_name) {
  constexpr std::size_t longest = 64;  // ub-common-name of RFC 5280
  if (common_name.size() > longest) return false;
  X509_NAME* const subject = X509_get_subject_name(certificate);
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1 &&
       X509_set_issuer_name(certificate, subject) == 1);
  return true;
}

template <class Write>
std::string pem_of(Write write) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  must(memory && write(memory.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

PemPair make_self_signed(const std::vector<std::string>& names, Duration valid) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  must(key && certificate);
  X509* const c = certificate.get();
  constexpr long day = 24 * 3600;
  unsigned char serial[16];
  must(RAND_bytes(serial, sizeof serial) == 1);
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, Release<BN_free>> number(BN_bin2bn(serial, sizeof serial, nullptr));
  must(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c)) != nullptr);
  must(X509_set_version(c, 2) == 1 && X509_gmtime_adj(X509_getm_notBefore(c), -day) != nullptr &&
       X509_gmtime_adj(X509_getm_notAfter(c), static_cast<long>(valid / seconds(1)) - day) != nullptr);
  const bool named = set_subject(c, names.empty() ? "localhost" : names.front());
  must(X509_set_pubkey(c, key.get()) == 1);
  add_extension(c, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(c, NID_key_usage, "critical,digitalSignature");
  add_extension(c, NID_ext_key_usage, "serverAuth,clientAuth");
  if (!names.empty())  // critical where it is the only one who says whose this is (RFC 5280 section 4.2.1.6)
    add_extension(c, NID_subject_alt_name, (named ? "" : "critical,") + alternative_names(names));
  must(X509_sign(c, key.get(), EVP_sha256()) > 0);
  return {pem_of([&](BIO* out) { return PEM_write_bio_X509(out, c); }), pem_of([&](BIO* out) {
            return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace bellhop::crypto
