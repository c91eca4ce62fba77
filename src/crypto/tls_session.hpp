#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "crypto/tls_context.hpp"

namespace bellhop::crypto {

/// Does a listener want to know who its clients are?
enum class ClientCertificate : std::uint8_t {
  none,      ///< not asked for
  optional,  ///< asked for; one that is missing or does not verify leaves the client unnamed (phones show factory ones)
  required,  ///< no connection without one that verifies
};

/// How to accept a connection.
struct TlsAccept {
  ClientCertificate client_certificate = ClientCertificate::none;
  /// ALPN (RFC 7301), at most 255 octets, "http/1.1" for wss: a client that offers protocols must offer this one, one
  /// that offers none passes. Empty: what clients offer is not looked at.
  std::string application_protocol;
};

/// How to make a connection. Every one makes a full handshake: what the server gives to resume with is not kept.
struct TlsConnect {
  /// The domain the request was for, before any DNS (RFC 5922 7.3): sent as SNI unless it is an IP address, and
  /// compared with the certificate.
  std::string server_name;
  /// false: any certificate will do, and peer_names() stays empty.
  bool verify = true;
};

/// One TLS connection as a pure transform: bytes in, bytes out, no socket, no clock.
///
/// Spec    RFC 8446, RFC 5246; names of peers by RFC 5922.
/// Owner   one connection of one shard; not thread-safe. Holds its context.
/// Time    `now` of the beginning is what certificates' dates are held against. Only the age of tickets, which seal
///         a time stamp of the library's, is judged by the library's clock.
/// Errors  nothing from the network throws or hangs: the session fails, error() says why in a sentence, and what was
///         appended to `to_send_out` (an alert) is to be sent before the connection is closed.
/// Cost    a full handshake about 0.4 ms a side with P-256, a record of 500 octets about 1 us. See README.md for
///         memory.
///
/// Every function that takes `to_send_out` appends to it; the caller sends it in order.
class TlsSession {
 public:
  enum class State : std::uint8_t {
    handshaking,
    open,
    closing,  ///< close_notify was sent or came: send what is left, then close the connection; input is ignored
    failed,   ///< see error(): send what is left, then close the connection; input is ignored
  };

  [[nodiscard]] static TlsSession accept(std::shared_ptr<const TlsContext> context, const TlsAccept& how,
                                         TimePoint now);
  /// Appends the ClientHello.
  [[nodiscard]] static TlsSession connect(std::shared_ptr<const TlsContext> context, const TlsConnect& how,
                                          TimePoint now, std::string& to_send_out);

  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;
  ~TlsSession();

  struct Feed {
    State state;  ///< after this call
    bool opened;  ///< the handshake was completed in this call: the names below can be read from now on
  };
  /// What came from the network, cut anywhere. Appends plaintext (never more octets than were fed, but for a record
  /// that was waiting for its end) and answers. Plaintext that came before a failure or a close is delivered as well.
  Feed feed(std::string_view ciphertext, std::string& plaintext_out, std::string& to_send_out);

  /// False, and nothing is done, when the session is closing or failed. While it is handshaking, or has
  /// got half a message of that kind afterwards, the text waits inside and goes out with what feed() brings next; the
  /// caller bounds it by waiting().
  bool write(std::string_view plaintext, std::string& to_send_out);
  [[nodiscard]] std::size_t waiting() const;  ///< octets written that have not gone out

  /// close_notify, once. During the handshake nothing is sent. Afterwards the state is closing.
  void shutdown(std::string& to_send_out);

  [[nodiscard]] State state() const;
  /// One sentence for the log when failed: "not TLS: starts with \"REGISTER sip:\"", "the certificate is refused: it is
  /// for a.example.net, not for b.example.net", "the peer sent the alert unknown ca". What came from the peer is
  /// quoted.
  [[nodiscard]] const std::string& error() const;

  // After the handshake:
  [[nodiscard]] bool resumed() const;              ///< without certificates, by a ticket
  [[nodiscard]] std::string_view version() const;  ///< "TLSv1.3"
  [[nodiscard]] std::string_view cipher() const;   ///< "TLS_AES_256_GCM_SHA384"
  /// The SIP domain identities of the peer's certificate (RFC 5922 7.1), lower case: its "sip:" URIs, else its DNS
  /// names, else, when it has no subjectAltName, its common name. Empty when there is no certificate or it was not
  /// verified. Kept by resumption. Decoded at each call: ask once.
  [[nodiscard]] std::vector<std::string> peer_names() const;
  /// Why a client's certificate that was optional was not believed; empty when it was, or when there is none.
  [[nodiscard]] const std::string& peer_doubt() const;
  /// The SNI the client asked for (lower case, from the ClientHello on), or the server name we connect to.
  [[nodiscard]] const std::string& server_name() const;

  struct Impl;  ///< for the sources of this room

 private:
  explicit TlsSession(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bellhop::crypto
