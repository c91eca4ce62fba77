#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "crypto/tls_library.hpp"
#include "crypto/tls_session.hpp"

namespace bellhop::crypto::for_test {

/// The library's client over memory BIOs, for what our own connecting side never does: it resumes, offers protocols
/// and old versions, and misbehaves.
class RawClient {
 public:
  RawClient(int lowest, int highest, const std::string& server_name) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context_.get(), lowest);
    SSL_CTX_set_max_proto_version(context_.get(), highest);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
    SSL_set_connect_state(ssl_.get());
  }
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }

  /// Talks until nothing is under way; true when its handshake is done.
  bool run_with(TlsSession& server) {
    for (int i = 0; i < 20; ++i) {
      const bool done = SSL_do_handshake(ssl()) == 1;
      char read[100];
      if (done) SSL_read(ssl(), read, sizeof read);
      const std::string sent = taken();
      std::string back;
      server.feed(sent, plaintext, back);
      BIO_write(SSL_get_rbio(ssl()), back.data(), static_cast<int>(back.size()));
      if (sent.empty() && back.empty()) break;
    }
    ERR_clear_error();
    return SSL_is_init_finished(ssl()) == 1;
  }
  /// What it wants to send.
  std::string taken() {
    char* octets = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl()), &octets);
    std::string sent(octets, static_cast<std::size_t>(size));
    BIO_reset(SSL_get_wbio(ssl()));
    return sent;
  }

  /// What it can resume with: a copy, because the library forbids to resume one that ended without close_notify, and a
  /// phone that lost its network is the one that comes back.
  [[nodiscard]] Owned<SSL_SESSION> won() { return Owned<SSL_SESSION>(SSL_SESSION_dup(SSL_get0_session(ssl()))); }
  void resume(const Owned<SSL_SESSION>& won) {
    const Owned<SSL_SESSION> copy(SSL_SESSION_dup(won.get()));
    SSL_set_session(ssl(), copy.get());
  }

  /// By ALPN.
  void offer(const std::string& protocol) {
    const std::string list = static_cast<char>(protocol.size()) + protocol;
    SSL_set_alpn_protos(ssl(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned int>(list.size()));
  }
  [[nodiscard]] std::string_view agreed() {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  std::string plaintext;  ///< what the server's session read

 private:
  Owned<SSL_CTX> context_;
  Owned<SSL> ssl_;
};

}  // namespace bellhop::crypto::for_test
