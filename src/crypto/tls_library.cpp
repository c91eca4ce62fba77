#include "crypto/tls_library.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace bellhop::crypto {
namespace {

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return TimePoint{};
  return TimePoint(seconds(::timegm(&parts)));
}

}  // namespace

void FreeTls::operator()(bio_st* bio) const {
  BIO_free_all(bio);
}
void FreeTls::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
void FreeTls::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void FreeTls::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}
void FreeTls::operator()(ssl_st* connection) const {
  SSL_free(connection);
}
void FreeTls::operator()(stack_st_X509* chain) const {
  sk_X509_pop_free(chain, X509_free);
}
void FreeTls::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void FreeTls::operator()(x509_store_st* store) const {
  X509_STORE_free(store);
}

CleanErrors::CleanErrors() {
  ERR_clear_error();
}

CleanErrors::~CleanErrors() {
  ERR_clear_error();
}

std::string library_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

std::string text_of(const X509_name_st* name) {
  constexpr unsigned long form = (XN_FLAG_RFC2253 & ~XN_FLAG_SEP_MASK) | XN_FLAG_SEP_CPLUS_SPC;
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, form) < 0) return "(unreadable name)";
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out.get(), &text));
  constexpr std::size_t most = 200;
  if (size == 0) return "(empty name)";
  return size <= most ? std::string(text, size) : std::string(text, most) + "...";
}

std::string subject_of(const x509_st& certificate) {
  return text_of(X509_get_subject_name(&certificate));
}

std::string issuer_of(const x509_st& certificate) {
  return text_of(X509_get_issuer_name(&certificate));
}

TimePoint not_before_of(const x509_st& certificate) {
  return time_of(X509_get0_notBefore(&certificate));
}

TimePoint not_after_of(const x509_st& certificate) {
  return time_of(X509_get0_notAfter(&certificate));
}

std::string date_text(TimePoint t) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(t));
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

PemCertificates certificates_in(std::string_view pem) {
  const CleanErrors clean;
  PemCertificates found;
  const Owned<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    Owned<X509> next(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (next != nullptr) {
      found.read.push_back(std::move(next));
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
      return found;
    } else {
      ++found.unreadable;
      ERR_clear_error();
    }
  }
}

Result<std::string, std::string> read_pem_file(const std::string& path) {
  constexpr std::streamsize most = 4 << 20;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(most + 1);
    file.read(text.data(), most + 1);
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0)) {
    return failure("cannot read " + path + ": " + std::strerror(errno != 0 ? errno : EIO));
  }
  if (text.size() > most) return failure(path + " is larger than 4 MiB");
  return text;
}

}  // namespace bellhop::crypto
