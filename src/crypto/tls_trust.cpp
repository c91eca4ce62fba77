#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <new>

#include "crypto/digest.hpp"
#include "crypto/tls_library.hpp"

namespace bellhop::crypto {
namespace {

/// Clients choose a certificate by the names of our authorities; a list longer than this only swells the handshake.
constexpr std::size_t most_told_subjects = 16;

/// The bundle as one file: the library's own folder look-up would read the disk in the middle of a handshake.
std::string system_bundle() {
  const char* named = std::getenv(X509_get_default_cert_file_env());
  if (named != nullptr) return read_pem_file(named).value_or("");
  for (const char* path : {X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt"}) {
    if (const auto text = read_pem_file(path)) return *text;
  }
  return {};
}

std::string der_of(const X509_NAME* name) {
  unsigned char* octets = nullptr;
  const int size = i2d_X509_NAME(name, &octets);
  std::string der(reinterpret_cast<const char*>(octets), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(octets);
  return der;
}

}  // namespace

Result<Trust, std::string> load_trust(const std::string& ca_file) {
  std::string pem;
  if (ca_file.empty()) {
    pem = system_bundle();
  } else if (auto text = read_pem_file(ca_file)) {
    pem = std::move(*text);
  } else {
    return failure("CA file: " + text.error());
  }
  const auto certificates = certificates_in(pem);
  if (!ca_file.empty() && (certificates.unreadable > 0 || certificates.read.empty())) {
    return failure("CA file " + ca_file +
                   (certificates.unreadable > 0 ? ": a certificate in it cannot be decoded"
                                                : " holds no readable PEM certificate"));
  }
  const CleanErrors clean;
  Trust trust{Owned<X509_STORE>(X509_STORE_new()), {}, {}, certificates.read.empty()};
  if (trust.store == nullptr) throw std::bad_alloc();
  trust.digest = hash_hex(HashAlgorithm::sha256, {pem}).view().substr(0, 32);
  for (const auto& certificate : certificates.read) X509_STORE_add_cert(trust.store.get(), certificate.get());
  if (!ca_file.empty() && certificates.read.size() <= most_told_subjects) {
    for (const auto& certificate : certificates.read) {
      trust.subjects.push_back(der_of(X509_get_subject_name(certificate.get())));
    }
  }
  return trust;
}

bool holds_issuer_of(const Trust& trust, const x509_st& certificate) {
  auto* subject = const_cast<X509*>(&certificate);  // the library keeps what it parses of it
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(trust.store.get());
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509* candidate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (candidate != nullptr && X509_check_issued(candidate, subject) == X509_V_OK) return true;
  }
  return false;
}

}  // namespace bellhop::crypto
