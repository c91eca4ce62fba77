#include "crypto/tls_session.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "crypto/tls_impl.hpp"

namespace bellhop::crypto {
namespace {

using Impl = TlsSession::Impl;
using State = TlsSession::State;

// The library's end of the wire. A memory BIO would copy every octet once more and keep the room of the largest
// handshake for the life of the connection; this one reads from what was fed and appends to what is to be sent.

int wire_read(BIO* wire, char* to, int size) {
  Impl& session = *static_cast<Impl*>(BIO_get_data(wire));
  BIO_clear_retry_flags(wire);
  if (session.input.empty() || size <= 0) {
    BIO_set_retry_read(wire);
    return -1;
  }
  const std::size_t taken = std::min(session.input.size(), static_cast<std::size_t>(size));
  std::memcpy(to, session.input.data(), taken);
  session.input.remove_prefix(taken);
  return static_cast<int>(taken);
}

int wire_write(BIO* wire, const char* from, int size) {
  Impl& session = *static_cast<Impl*>(BIO_get_data(wire));
  BIO_clear_retry_flags(wire);
  if (session.output == nullptr || size <= 0) return -1;
  session.output->append(from, static_cast<std::size_t>(size));
  return size;
}

long wire_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int wire_created(BIO* wire) {
  BIO_set_init(wire, 1);
  return 1;
}

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bellhop wire");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(made, wire_read);
    BIO_meth_set_write(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    BIO_meth_set_create(made, wire_created);
    return made;
  }();
  return method;
}

/// For the time of one call the library reads and writes the caller's buffers, and its error queue is ours.
class Call {
 public:
  Call(Impl& session, std::string_view input, std::string& output) : session_(session) {
    session_.input = input;
    session_.output = &output;
  }
  ~Call() {
    session_.input = {};
    session_.output = nullptr;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  CleanErrors clean_;
  Impl& session_;
};

void fail(Impl& session, std::string sentence) {
  session.state = State::failed;
  session.error = std::move(sentence);
  session.waiting = {};
  session.ticket = nullptr;  // RFC 5246 section 7.2.2
}

std::string alert_sentence(int alert) {
  std::string_view hint;
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_UNKNOWN_CA: hint = ": it does not believe our certificate"; break;
    case TLS13_AD_CERTIFICATE_REQUIRED: hint = ": it wants a certificate of ours"; break;
    case SSL_AD_PROTOCOL_VERSION: hint = ": it does not speak a version we allow"; break;
    case SSL_AD_HANDSHAKE_FAILURE: hint = ": nothing it would agree to was offered"; break;
    default: break;
  }
  return fmt::format("the peer sent the alert {}{}", SSL_alert_desc_string_long(alert), hint);
}

std::string version_text(std::uint16_t version) {
  if (version == SSL3_VERSION) return "SSL 3.0";
  return fmt::format("TLS 1.{}", (version & 0xff) - 1);
}

/// The sentence for what is in the library's error queue.
std::string trouble_of(const Impl& session) {
  const unsigned long code = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    // Reasons of the library itself, like an internal error, are far above those that stand for alerts.
    if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
      return alert_sentence(reason - SSL_AD_REASON_OFFSET);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && !session.doubt.empty()) {
      return "the certificate of the peer is refused: " + session.doubt;
    }
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
      return "the client shows no certificate, and one is required";
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL && session.accepting) {
      return fmt::format("the client speaks {} at most, which is not allowed", version_text(session.offered_version));
    }
  }
  return fmt::format("{}: {}",
                     session.state == State::handshaking ? "the handshake failed" : "the connection is broken",
                     library_error());
}

void fail_by_library(Impl& session, int result) {
  const bool closed = SSL_get_error(session.library.get(), result) == SSL_ERROR_ZERO_RETURN;
  fail(session, closed ? "the peer closed the connection in the middle of the handshake" : trouble_of(session));
}

/// A record of TLS begins with its type; a ClientHello in the form of SSL 2 has the highest bit set.
bool may_begin_tls(char first) {
  const auto octet = static_cast<unsigned char>(first);
  return octet == SSL3_RT_HANDSHAKE || octet == SSL3_RT_ALERT || octet >= 0x80;
}

void send(Impl& session, std::string_view plaintext) {
  std::size_t written = 0;
  const int result = SSL_write_ex(session.library.get(), plaintext.data(), plaintext.size(), &written);
  if (result != 1) fail_by_library(session, result);
}

/// True when this call completed the handshake.
bool shake_hands(Impl& session) {
  const int result = SSL_do_handshake(session.library.get());
  if (result == 1) {
    session.state = State::open;
    const std::string waiting = std::exchange(session.waiting, {});
    if (!waiting.empty()) send(session, waiting);
    return true;
  }
  if (SSL_get_error(session.library.get(), result) != SSL_ERROR_WANT_READ) fail_by_library(session, result);
  return false;
}

void read_all(Impl& session, std::string& plaintext_out) {
  std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> record;
  SSL* library = session.library.get();
  while (session.state == State::open && (!session.input.empty() || SSL_pending(library) > 0)) {
    const std::size_t left = session.input.size();
    std::size_t size = 0;
    const int result = SSL_read_ex(library, record.data(), record.size(), &size);
    plaintext_out.append(record.data(), size);
    if (result == 1) continue;
    const int error = SSL_get_error(library, result);
    if (error == SSL_ERROR_WANT_READ && session.input.size() < left) continue;
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      SSL_shutdown(library);
      session.state = State::closing;
    } else {
      fail_by_library(session, result);
    }
  }
}

bool is_ip_address(const std::string& name) {
  std::array<unsigned char, 16> octets;
  if (name.starts_with('[')) return true;
  return ::inet_pton(AF_INET, name.c_str(), octets.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), octets.data()) == 1;
}

std::unique_ptr<Impl> new_session(std::shared_ptr<const TlsContext> context, TimePoint now) {
  auto session = std::make_unique<Impl>();
  session->context = std::move(context);
  session->began = now;
  const CleanErrors clean;
  session->library.reset(SSL_new(session->context->impl().library.get()));
  BIO* wire = session->library == nullptr ? nullptr : BIO_new(wire_method());
  if (wire == nullptr) throw std::bad_alloc();
  BIO_set_data(wire, session.get());
  SSL_set_bio(session->library.get(), wire, wire);
  SSL_set_app_data(session->library.get(), session.get());
  return session;
}

/// Sessions of listeners that ask differently, or that trust other authorities, do not resume each other.
void set_resumption_scope(Impl& session) {
  std::string scope = session.context->impl().trust_digest.substr(0, SSL_MAX_SID_CTX_LENGTH - 1);
  scope += static_cast<char>('0' + static_cast<int>(session.client_certificate));
  SSL_set_session_id_context(session.library.get(), reinterpret_cast<const unsigned char*>(scope.data()),
                             static_cast<unsigned int>(scope.size()));
}

int verify_mode_of(ClientCertificate policy) {
  switch (policy) {
    case ClientCertificate::none: return SSL_VERIFY_NONE;
    case ClientCertificate::optional: return SSL_VERIFY_PEER;
    case ClientCertificate::required: break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

void offer_protocol(Impl& session) {
  if (session.application_protocol.empty()) return;
  const std::string list = static_cast<char>(session.application_protocol.size()) + session.application_protocol;
  SSL_set_alpn_protos(session.library.get(), reinterpret_cast<const unsigned char*>(list.data()),
                      static_cast<unsigned int>(list.size()));
}

}  // namespace

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

TlsSession TlsSession::accept(std::shared_ptr<const TlsContext> context, const TlsAccept& how, TimePoint now) {
  auto session = new_session(std::move(context), now);
  session->accepting = true;
  session->client_certificate = how.client_certificate;
  session->application_protocol = how.application_protocol;
  set_resumption_scope(*session);
  SSL_set_verify(session->library.get(), verify_mode_of(how.client_certificate), nullptr);
  SSL_set_accept_state(session->library.get());
  if (!session->context->can_accept()) fail(*session, "there is no certificate to show: none is configured");
  return TlsSession(std::move(session));
}

TlsSession TlsSession::connect(std::shared_ptr<const TlsContext> context, const TlsConnect& how, TimePoint now,
                               std::string& to_send_out) {
  auto session = new_session(std::move(context), now);
  SSL* library = session->library.get();
  session->server_name = to_lower(how.server_name);
  session->verify = how.verify;
  session->keep_ticket = how.keep_ticket;
  session->application_protocol = how.application_protocol;
  SSL_set_connect_state(library);
  SSL_set_verify(library, how.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!is_ip_address(session->server_name)) SSL_set_tlsext_host_name(library, session->server_name.c_str());
  offer_protocol(*session);
  const TlsIdentity* identity = session->context->identity_for(how.identity_name);
  if (identity != nullptr && !how.identity_name.empty()) show_identity(library, *identity);
  const auto& held = how.ticket.held_;
  if (held != nullptr && held->server_name == session->server_name && held->verified == how.verify &&
      held->trust_digest == session->context->impl().trust_digest) {
    const Owned<SSL_SESSION> copy(SSL_SESSION_dup(held->session.get()));
    SSL_set_session(library, copy.get());
  }
  const Call call(*session, {}, to_send_out);
  shake_hands(*session);
  return TlsSession(std::move(session));
}

TlsSession::Feed TlsSession::feed(std::string_view ciphertext, std::string& plaintext_out, std::string& to_send_out) {
  Impl& session = *impl_;
  if (session.state == State::closing || session.state == State::failed) return {session.state, false};
  if (!session.heard && !ciphertext.empty() && !may_begin_tls(ciphertext.front())) {
    constexpr std::size_t enough = 16;
    fail(session, "not TLS: starts with " + quoted_for_log(ciphertext.substr(0, enough)));
    return {session.state, false};
  }
  session.heard = session.heard || !ciphertext.empty();
  const Call call(session, ciphertext, to_send_out);
  const bool opened = session.state == State::handshaking && shake_hands(session);
  if (session.state == State::open) read_all(session, plaintext_out);
  return {session.state, opened};
}

bool TlsSession::write(std::string_view plaintext, std::string& to_send_out) {
  Impl& session = *impl_;
  if (session.state == State::closing || session.state == State::failed) return false;
  if (plaintext.empty()) return true;
  if (session.state == State::handshaking) {
    session.waiting += plaintext;
    return true;
  }
  const Call call(session, {}, to_send_out);
  send(session, plaintext);
  return session.state == State::open;
}

std::size_t TlsSession::waiting() const {
  return impl_->waiting.size();
}

void TlsSession::shutdown(std::string& to_send_out) {
  Impl& session = *impl_;
  if (session.state == State::open) {
    const Call call(session, {}, to_send_out);
    SSL_shutdown(session.library.get());
  }
  if (session.state == State::failed) return;
  session.state = State::closing;
  session.waiting = {};
}

TlsSession::State TlsSession::state() const {
  return impl_->state;
}

const std::string& TlsSession::error() const {
  return impl_->error;
}

bool TlsSession::resumed() const {
  return SSL_session_reused(impl_->library.get()) == 1;
}

std::string_view TlsSession::version() const {
  return SSL_get_version(impl_->library.get());
}

std::string_view TlsSession::cipher() const {
  return SSL_get_cipher_name(impl_->library.get());
}

std::string_view TlsSession::application_protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(impl_->library.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::vector<std::string> TlsSession::peer_names() const {
  const SSL* library = impl_->library.get();
  const X509* certificate = SSL_get0_peer_certificate(library);
  if (certificate == nullptr || SSL_is_init_finished(library) == 0) return {};
  if (SSL_get_verify_result(library) != X509_V_OK) return {};
  return sip_domains_of(*certificate);
}

const std::string& TlsSession::peer_doubt() const {
  return impl_->doubt;
}

const std::string& TlsSession::server_name() const {
  return impl_->server_name;
}

TlsTicket TlsSession::ticket() const {
  TlsTicket ticket;
  ticket.held_ = impl_->ticket;
  return ticket;
}

}  // namespace bellhop::crypto
