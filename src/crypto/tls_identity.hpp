#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bellhop::crypto {

/// What an administrator wants to know of a certificate.
struct IdentityFacts {
  std::string subject;             ///< "CN=sip.example.com, O=Example", for messages
  std::string issuer;              ///< the same of who signed it
  std::vector<std::string> names;  ///< domains it speaks for (RFC 5922 7.1), lower case; may hold "*.example.com"
  TimePoint not_before{};
  TimePoint not_after{};
  bool self_signed = false;
  std::vector<std::string> warnings;  ///< sentences: chain incomplete, no names, key file readable by everybody
};

/// A certificate with its chain and private key: what a TLS listener shows. Immutable; shared by every context built
/// from it. Dates never make it unusable, they are told by date_warning(): a server with an expired certificate still
/// serves the phones that do not look.
class TlsIdentity {
 public:
  using Loaded = Result<std::shared_ptr<const TlsIdentity>, std::string>;

  /// PEM files: the server's own certificate first, then the ones that signed it, each followed by its issuer; the
  /// root may be left out. An empty `key_file` means that the key stands in the certificate's file. The error is one
  /// sentence that names the file and what is wrong with it. Reads the disk: not for a shard thread.
  [[nodiscard]] static Loaded load(const std::string& certificate_file, const std::string& key_file);

  /// The same from PEM text; an empty `key` means that it stands in `certificates`.
  [[nodiscard]] static Loaded from_pem(std::string_view certificates, std::string_view key);

  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  [[nodiscard]] const IdentityFacts& facts() const { return facts_; }

  struct Material;  ///< the library's objects; for the sources of this room
  [[nodiscard]] const Material& material() const { return *material_; }

 private:
  TlsIdentity(std::unique_ptr<Material> material, IdentityFacts facts);

  std::unique_ptr<Material> material_;
  IdentityFacts facts_;
};

/// What the configuration asks at load: can this pair be used, and for which names and how long? A chain that ends
/// in a certificate of `ca_file` or of the system's authorities counts as complete.
[[nodiscard]] Result<IdentityFacts, std::string> check_identity(const std::string& certificate_file,
                                                                const std::string& key_file,
                                                                const std::string& ca_file = {});

/// The authorities peers are judged by, `ca_file` or the system's when empty: the error says why they cannot be used,
/// the warning that there are none.
[[nodiscard]] Result<std::optional<std::string>, std::string> check_trust(const std::string& ca_file);

/// One sentence when the certificate is not yet valid, has expired or does so within `ahead`; the days are told.
[[nodiscard]] std::optional<std::string> date_warning(const IdentityFacts& facts, TimePoint now,
                                                      Duration ahead = hours(24 * 14));

/// RFC 5922 7.2: SIP domain identities are compared as whole DNS names without case; a wildcard matches only itself.
[[nodiscard]] bool same_sip_domain(std::string_view a, std::string_view b);

}  // namespace bellhop::crypto
