#pragma once

// For the TLS sources of this room: OpenSSL's objects as owned values. Its own headers stay in the sources.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;
struct stack_st_X509;
struct x509_st;
struct X509_name_st;
struct x509_store_st;

namespace bellhop::crypto {

struct FreeTls {
  void operator()(bio_st* bio) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
  void operator()(ssl_st* connection) const;
  void operator()(stack_st_X509* chain) const;
  void operator()(x509_st* certificate) const;
  void operator()(x509_store_st* store) const;
};
template <class T>
using Owned = std::unique_ptr<T, FreeTls>;

/// OpenSSL keeps errors in a queue of the thread and takes what an earlier call left there for its own: empty at the
/// beginning and at the end of whatever calls the library.
class CleanErrors {
 public:
  CleanErrors();
  ~CleanErrors();
  CleanErrors(const CleanErrors&) = delete;
  CleanErrors& operator=(const CleanErrors&) = delete;
};

/// The library's words for the last error in the queue, which is the one that says it in terms of TLS.
[[nodiscard]] std::string library_error();

/// "CN=a.example.com, O=Example", at most 200 octets, control characters escaped.
[[nodiscard]] std::string text_of(const X509_name_st* name);
[[nodiscard]] std::string subject_of(const x509_st& certificate);
[[nodiscard]] std::string issuer_of(const x509_st& certificate);

[[nodiscard]] TimePoint not_before_of(const x509_st& certificate);
[[nodiscard]] TimePoint not_after_of(const x509_st& certificate);
[[nodiscard]] std::string date_text(TimePoint t);  ///< "2026-11-20"

/// The certificates of a PEM text, in order.
struct PemCertificates {
  std::vector<Owned<x509_st>> read;
  std::size_t unreadable = 0;  ///< those that stand between them and cannot be decoded
};
[[nodiscard]] PemCertificates certificates_in(std::string_view pem);

/// A file of at most 4 MiB; the error is a sentence with the system's reason.
[[nodiscard]] Result<std::string, std::string> read_pem_file(const std::string& path);

/// SIP domain identities of a certificate (RFC 5922 7.1), lower case, each once.
[[nodiscard]] std::vector<std::string> sip_domains_of(const x509_st& certificate);
/// RFC 5922 7.1 with RFC 5924: without an extendedKeyUsage, or with one for SIP domains, for any purpose, for TLS
/// servers, or where the peer is the client also for TLS clients. A SIP server has one certificate for both directions.
[[nodiscard]] bool usable_for_sip(const x509_st& certificate, bool peer_is_client);

/// The authorities peers' certificates must lead to.
struct Trust {
  Owned<x509_store_st> store;
  std::vector<std::string> subjects;  ///< DER names, to tell clients which certificates will do; only from a small file
  std::string digest;                 ///< 32 hexadecimal digits of what is trusted
  bool nobody = false;                ///< the system has no bundle, or none with a certificate in it
};
/// `ca_file`, or the system's bundle when empty: all is read now, nothing at the first connection. Of the bundle, which
/// is not the administrator's to mend, certificates that cannot be decoded are left out; in a `ca_file` they are an
/// error.
[[nodiscard]] Result<Trust, std::string> load_trust(const std::string& ca_file);
/// Holds the store a certificate that signed this one?
[[nodiscard]] bool holds_issuer_of(const Trust& trust, const x509_st& certificate);

}  // namespace bellhop::crypto
