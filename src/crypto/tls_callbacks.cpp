#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "crypto/tls_impl.hpp"

namespace bellhop::crypto::tls_callback {
namespace {

/// The host_name of a server_name extension (RFC 6066 section 3); empty when there is none that makes sense.
std::string name_in_hello(SSL* connection) {
  const unsigned char* octets = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_server_name, &octets, &size) != 1) return {};
  constexpr std::size_t header = 5;  // length of the list, type, length of the name
  if (size <= header || octets[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = static_cast<std::size_t>(octets[3]) << 8 | octets[4];
  if (length != size - header || length > TLSEXT_MAXLEN_host_name) return {};
  const std::string_view name(reinterpret_cast<const char*>(octets) + header, length);
  return name.find('\0') == name.npos ? to_lower(name) : std::string{};
}

const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return fetched;
}

bool key_mac(EVP_MAC_CTX* mac, const TlsTicketKey& key) {
  static char digest[] = "SHA256";
  auto octets = key.mac_key;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, octets.data(), octets.size()),
                                   OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

TlsSession::Impl& session_of(SSL* connection) {
  return *static_cast<TlsSession::Impl*>(SSL_get_app_data(connection));
}

int client_hello(SSL* connection, int* alert, void*) {
  TlsSession::Impl& session = session_of(connection);
  session.offered_version = static_cast<std::uint16_t>(SSL_client_hello_get0_legacy_version(connection));
  session.server_name = name_in_hello(connection);
  const TlsIdentity* identity = session.context->identity_for(session.server_name);
  if (identity == session.context->identity_for({}) || show_identity(connection, *identity)) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

int server_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(SSL* connection, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*) {
  const std::string_view wanted = session_of(connection).application_protocol;
  if (wanted.empty()) return SSL_TLSEXT_ERR_NOACK;
  for (unsigned int at = 0; at < in_size; at += 1u + in[at]) {
    const unsigned int size = in[at];
    if (at + 1 + size > in_size) break;
    if (std::string_view(reinterpret_cast<const char*>(in) + at + 1, size) != wanted) continue;
    *out = in + at + 1;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int seal_ticket(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                int sealing) {
  constexpr int unknown = 0, use = 1, use_and_renew = 2, broken = -1;
  const auto& keys = session_of(connection).context->impl().ticket_keys;
  if (sealing != 0) {
    const TlsTicketKey& key = keys.front();
    std::copy(key.name.begin(), key.name.end(), name);
    const bool done = RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) == 1 &&
                      EVP_EncryptInit_ex2(cipher, ticket_cipher(), key.cipher_key.data(), iv, nullptr) == 1;
    return done && key_mac(mac, key) ? use : broken;
  }
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const TlsTicketKey& k) { return std::equal(k.name.begin(), k.name.end(), name); });
  if (key == keys.end()) return unknown;
  const bool done = EVP_DecryptInit_ex2(cipher, ticket_cipher(), key->cipher_key.data(), iv, nullptr) == 1;
  if (!done || !key_mac(mac, *key)) return broken;
  return key == keys.begin() ? use : use_and_renew;
}

int fill_ticket(SSL*, void*) {
  return 1;
}

/// A ticket stands for the handshake it was won by, so it must not outlive the client's certificate, nor serve under
/// another server name (RFC 6066 section 3). That listeners ask for certificates differently is in the session id
/// context.
int judge_ticket(SSL* connection, SSL_SESSION* session, const unsigned char*, std::size_t, int status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const TlsSession::Impl& now = session_of(connection);
  const char* name = SSL_SESSION_get0_hostname(session);
  const X509* certificate = SSL_SESSION_get0_peer(session);
  const bool same_name = equals_ignore_case(name == nullptr ? "" : name, now.server_name);
  const bool still_valid = certificate == nullptr || not_after_of(*certificate) >= now.began;
  if (!same_name || !still_valid) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

}  // namespace bellhop::crypto::tls_callback
