#pragma once

// For the TLS sources of this room: what contexts and sessions keep, and the call-backs that stand between them.

#include <array>
#include <map>

#include "crypto/tls_context.hpp"
#include "crypto/tls_library.hpp"
#include "crypto/tls_session.hpp"

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct x509_store_ctx_st;

namespace bellhop::crypto {

struct TlsContext::Impl {
  using ByName = std::map<std::string, std::shared_ptr<const TlsIdentity>, std::less<>>;

  Owned<ssl_ctx_st> library;
  std::vector<std::shared_ptr<const TlsIdentity>> identities;  ///< the default first
  ByName exact;                                                ///< "a.example.com"
  ByName wildcard;                                             ///< ".example.com" for "*.example.com"
  std::vector<TlsTicketKey> ticket_keys;
  std::string trust_digest;
};

struct TlsSession::Impl {
  std::shared_ptr<const TlsContext> context;
  Owned<ssl_st> library;
  TimePoint began;
  State state = State::handshaking;
  ClientCertificate client_certificate = ClientCertificate::none;
  bool accepting = false;
  bool verify = false;                ///< connecting: hold the certificate against server_name
  bool heard = false;                 ///< something has come
  std::uint16_t offered_version = 0;  ///< of the ClientHello, for the log
  std::string server_name;
  std::string application_protocol;  ///< wanted
  std::string waiting;               ///< plaintext that has not gone out
  std::string error;
  std::string doubt;  ///< why the peer's certificate was not believed

  // Set for the time of one call only: where the library reads and writes.
  std::string_view input;
  std::string* output = nullptr;
};

/// Call-backs of the library. Each finds its session by session_of(); all are set once, when a context is built.
namespace tls_callback {

[[nodiscard]] TlsSession::Impl& session_of(ssl_st* connection);

int client_hello(ssl_st* connection, int* alert, void*);  ///< reads the server name, chooses the certificate
int server_name(ssl_st* connection, int* alert, void*);   ///< tells the client that its name was heard
int choose_protocol(ssl_st* connection, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*);
int verify(x509_store_ctx_st* store, void*);
int seal_ticket(ssl_st* connection, unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
                evp_mac_ctx_st* mac, int sealing);
int fill_ticket(ssl_st* connection, void*);
int judge_ticket(ssl_st* connection, ssl_session_st* session, const unsigned char* name, std::size_t name_size,
                 int status, void*);

}  // namespace tls_callback

/// Makes `identity` the one this connection shows.
bool show_identity(ssl_st* connection, const TlsIdentity& identity);

}  // namespace bellhop::crypto
