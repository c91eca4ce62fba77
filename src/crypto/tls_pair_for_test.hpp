#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/temporary_folder_for_test.hpp"
#include "crypto/tls_certificates_for_test.hpp"
#include "crypto/tls_context.hpp"
#include "crypto/tls_session.hpp"

namespace bellhop::crypto::for_test {

using State = TlsSession::State;
using ContextPtr = std::shared_ptr<const TlsContext>;
using IdentityPtr = std::shared_ptr<const TlsIdentity>;

/// 2026-01-01, in the middle of what certificates are valid for.
inline constexpr TimePoint today{seconds(1'767'225'600)};

/// A CA, its file, and contexts made with it.
class Lab {
 public:
  explicit Lab(const std::string& ca_name = "Test CA") : authority(ca_name) {
    ca_file = file("ca.pem", authority.certificate());
  }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }
  IdentityPtr identity(const CertificateWish& wish) const { return identity_of(authority.issue(wish)); }
  IdentityPtr identity_named(const std::string& dns_name) const {
    return identity({.common_name = dns_name, .dns_names = {dns_name}});
  }
  TlsSettings settings(IdentityPtr shown = nullptr) const {
    TlsSettings made;
    made.identity = std::move(shown);
    made.ca_file = ca_file;
    return made;
  }
  /// A context that shows a certificate for this name.
  ContextPtr context(const std::string& dns_name) const { return built(settings(identity_named(dns_name))); }
  /// A context that can only connect.
  ContextPtr context(TlsVersion highest = TlsVersion::tls_1_3) const {
    TlsSettings made = settings();
    made.max_version = highest;
    return built(made);
  }

  static IdentityPtr identity_of(const PemPair& pem) {
    auto loaded = TlsIdentity::from_pem(pem.certificate, pem.key);
    EXPECT_TRUE(loaded.has_value()) << loaded.error();
    return loaded.value_or(nullptr);
  }
  static ContextPtr built(const TlsSettings& settings) {
    auto context = TlsContext::build(settings);
    EXPECT_TRUE(context.has_value()) << context.error();
    return context.value_or(nullptr);
  }

 private:
  TemporaryFolder folder_;

 public:
  Authority authority;
  std::string ca_file;
};

/// A client and a server with a wire between them that cuts what it carries into pieces.
struct Pair {
  Pair(const ContextPtr& client_context, const TlsConnect& connect, const ContextPtr& server_context,
       const TlsAccept& accept = {}, TimePoint now = today)
      : client(TlsSession::connect(client_context, connect, now, to_server)),
        server(TlsSession::accept(server_context, accept, now)) {}

  /// Until nothing is under way any more.
  Pair& run(std::size_t piece = SIZE_MAX) {
    while (!to_server.empty() || !to_client.empty()) {
      opened_server += carry(to_server, server, at_server, to_client, piece);
      opened_client += carry(to_client, client, at_client, to_server, piece);
    }
    return *this;
  }
  [[nodiscard]] bool open() const { return client.state() == State::open && server.state() == State::open; }

  static int carry(std::string& wire, TlsSession& to, std::string& plaintext, std::string& back, std::size_t piece) {
    int opened = 0;
    const std::string carried = std::exchange(wire, {});
    for (std::size_t at = 0; at < carried.size();) {
      const std::size_t size = std::min(piece, carried.size() - at);
      opened += to.feed(std::string_view(carried).substr(at, size), plaintext, back).opened ? 1 : 0;
      at += size;
    }
    return opened;
  }

  std::string to_server, to_client;  ///< under way
  TlsSession client, server;
  std::string at_server, at_client;  ///< plaintext that arrived
  int opened_server = 0, opened_client = 0;
};

inline constexpr TlsVersion both_versions[]{TlsVersion::tls_1_2, TlsVersion::tls_1_3};

inline TlsConnect to(const std::string& server_name) {
  TlsConnect connect;
  connect.server_name = server_name;
  return connect;
}

inline TlsAccept asking(ClientCertificate policy) {
  TlsAccept accept;
  accept.client_certificate = policy;
  return accept;
}

}  // namespace bellhop::crypto::for_test
