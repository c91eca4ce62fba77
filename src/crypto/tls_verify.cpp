#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/text.hpp"
#include "crypto/tls_impl.hpp"

namespace bellhop::crypto::tls_callback {
namespace {

/// Why the chain does not hold, with the certificate at fault.
std::string chain_trouble(X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  const X509* at = X509_STORE_CTX_get_current_cert(store);
  const char* words = X509_verify_cert_error_string(error);
  if (at == nullptr) return words;
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    return fmt::format("{} has expired on {}", subject_of(*at), date_text(not_after_of(*at)));
  }
  if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
    return fmt::format("{} is not valid before {}", subject_of(*at), date_text(not_before_of(*at)));
  }
  return fmt::format("{} ({}, signed by {})", words, subject_of(*at), issuer_of(*at));
}

std::string name_trouble(const X509& certificate, std::string_view wanted) {
  const auto names = sip_domains_of(certificate);
  if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return same_sip_domain(name, wanted); })) {
    return {};
  }
  if (names.empty()) return fmt::format("it names no SIP domain, not {}", quoted_for_log(wanted));
  constexpr std::size_t most_told = 5;
  std::vector<std::string> told(names.begin(), names.begin() + std::min(names.size(), most_told));
  if (names.size() > most_told) told.push_back(fmt::format("{} more", names.size() - most_told));
  return fmt::format("it is for {}, not for {}", fmt::join(told, ", "), quoted_for_log(wanted));
}

/// The error for the library and the sentence for the log; X509_V_OK and nothing when all is well.
struct Judgement {
  int error = X509_V_OK;
  std::string sentence;
};

Judgement judge(X509_STORE_CTX* store, const TlsSession::Impl& session) {
  const CleanErrors clean;  // what is found wrong here may be overlooked, and then the handshake goes on
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(store);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(unix_seconds(session.began)));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  // The library's purposes know nothing of SIP domains; usable_for_sip() judges in their place.
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
  if (X509_verify_cert(store) != 1) {
    const int error = X509_STORE_CTX_get_error(store);
    return {error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error, chain_trouble(store)};
  }
  const X509& certificate = *X509_STORE_CTX_get0_cert(store);
  if (!usable_for_sip(certificate, session.accepting)) {
    return {X509_V_ERR_INVALID_PURPOSE, "its extended key usage is for something else than SIP or TLS"};
  }
  if (session.accepting) return {};
  std::string trouble = name_trouble(certificate, session.server_name);
  return {trouble.empty() ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH, std::move(trouble)};
}

}  // namespace

int verify(X509_STORE_CTX* store, void*) {
  constexpr int refuse = 0, go_on = 1;
  auto* connection = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsSession::Impl& session = session_of(connection);
  if (!session.accepting && !session.verify) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);  // so that nobody takes it for verified
    return go_on;
  }
  Judgement judgement = judge(store, session);
  X509_STORE_CTX_set_error(store, judgement.error);
  if (judgement.error == X509_V_OK) return go_on;
  session.doubt = std::move(judgement.sentence);
  return session.accepting && session.client_certificate == ClientCertificate::optional ? go_on : refuse;
}

}  // namespace bellhop::crypto::tls_callback
