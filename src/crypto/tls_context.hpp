#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "crypto/tls_identity.hpp"

namespace bellhop::crypto {

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
[[nodiscard]] std::string_view name_of(TlsVersion version);  ///< "TLS 1.2", "TLS 1.3"

/// Seals the session tickets we give to clients. Whoever has it reads recorded traffic of resumed TLS 1.2 sessions:
/// keep it in memory, make a new one every day or so, and put the old one behind it for a while.
struct TlsTicketKey {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher_key{};
  std::array<unsigned char, 32> mac_key{};
};
[[nodiscard]] TlsTicketKey random_ticket_key();

/// All a context is built from. Domain aliases are given as further names with the same identity.
struct TlsSettings {
  struct Named {
    std::string server_name;  ///< empty: the names in its certificate only
    std::shared_ptr<const TlsIdentity> identity;
  };

  /// Shown when the client names no server or one we do not know, and to servers that ask who we are. May be missing:
  /// then the first of `by_server_name` serves; with none at all the context can only connect.
  std::shared_ptr<const TlsIdentity> identity;
  std::vector<Named> by_server_name;
  /// PEM file of the authorities that peers' certificates must lead to; any certificate in it is trusted as it stands,
  /// so a peer's self-signed one can be named here. Empty: the system's.
  std::string ca_file;
  TlsVersion min_version = TlsVersion::tls_1_2;
  TlsVersion max_version = TlsVersion::tls_1_3;
  /// OpenSSL's notation, for TLS 1.2; the suites of TLS 1.3 are all sound and not chosen here. Devices with 1024-bit
  /// RSA or SHA-1 certificates need "...:@SECLEVEL=1".
  std::string ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  /// The first seals, all of them open. Contexts with the same keys resume each other's sessions: give a context that
  /// is rebuilt after a reload the keys of the old one. Empty: one is drawn, so only this context resumes.
  std::vector<TlsTicketKey> ticket_keys;
};

/// What all TLS sessions have in common: certificates, trust, versions, ticket keys. RFC 9325 as to versions and
/// ciphers: nothing below TLS 1.2, no compression, no renegotiation, no early data.
///
/// Immutable and thread-safe: every shard holds the same shared_ptr<const>, a reload builds another and sessions that
/// are under way keep the old one. Building reads files: not for a shard thread. Sessions never touch the disk.
///
/// The certificate for a server name: a name in `by_server_name`, else one that stands in a certificate (the default
/// identity's first), else a wildcard in a certificate, which covers one label (RFC 6125 6.4.3), else the default.
class TlsContext {
 public:
  using Built = Result<std::shared_ptr<const TlsContext>, std::string>;
  /// The error is one sentence: unreadable CA file, unknown cipher, key too weak.
  [[nodiscard]] static Built build(const TlsSettings& settings);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] bool can_accept() const;  ///< it has a certificate to show
  /// The identity a client asking for this name is shown; the default's for "". Null when there is none.
  [[nodiscard]] const TlsIdentity* identity_for(std::string_view server_name) const;
  /// Each identity once, the default first: for the days to expiry.
  [[nodiscard]] const std::vector<std::shared_ptr<const TlsIdentity>>& identities() const;

  struct Impl;  ///< for the sources of this room
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bellhop::crypto
