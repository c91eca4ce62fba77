#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/snapshot.hpp"
#include "sip/status.hpp"
#include "sip/transport.hpp"
#include "sip/uri.hpp"
#include "storage/directory.hpp"

namespace bellhop::routing {

/// Why a request goes nowhere. The answer is made from it in `shard`.
struct Refusal {
  sip::StatusCode status = 500;
  const char* reason = "";  ///< static; empty: the registered phrase
  std::string headers{};    ///< extra header lines, each with its CRLF
};

/// An address after the rules that every Router call applies first (features.md CGP-15 to CGP-19).
struct Address {
  std::string uri;                          ///< the URI to send, suffixes removed and IPv6 domains bracketed
  std::string user;                         ///< decoded user part, folded by the case rule; empty: none
  std::string host;                         ///< lower case
  const config::Domain* domain = nullptr;   ///< ours; null: remote
  std::string stored_domain;                ///< ours by the account store, when the configuration does not name it
  std::optional<sip::Transport> transport;  ///< forced by a ._udp/._tcp/._tls suffix (CGP-18)
  bool explicit_route =
      false;  ///< ._via suffix or an IP literal with one of the above: Relay via is not for it (CGP-19)

  [[nodiscard]] bool local() const { return domain != nullptr || !stored_domain.empty(); }
  [[nodiscard]] std::string_view local_name() const {
    return domain != nullptr ? std::string_view(domain->name) : stored_domain;
  }
};

/// The domain of the account store that goes by this host name, with or without registrar.realm_prefix; empty: none.
[[nodiscard]] std::string stored_domain_of(std::string_view host, const config::Snapshot& config,
                                           const storage::Directory& directory);

/// The domain of a plain address ("sip:bob@example.test" by the domain's own name), which most are: the rules of
/// resolve_address() change nothing in it but the case. Null for any other.
[[nodiscard]] const config::Domain* domain_of_plain(const sip::Uri& uri, const config::Snapshot& config);

/// Applies the rules: "%" to "@" for addresses in a local domain or without one (the rightmost "%", CGP-17), transport
/// and via suffixes, own addresses and domain aliases to the local domain. tel: URIs are taken as users of the first
/// domain.
[[nodiscard]] Result<Address, Refusal> resolve_address(const sip::Uri& uri, const config::Snapshot& config,
                                                       const storage::Directory& directory);

/// Under which key the bindings of a local address are kept (USR-04, REG-09): "user@domain", or "user" when domains do
/// not matter.
[[nodiscard]] std::string binding_key(std::string_view user, std::string_view domain,
                                      const config::Registrar& registrar);
void append_binding_key(std::string& out, std::string_view user, std::string_view domain,
                        const config::Registrar& registrar);

/// A user part as it is compared: decoded, lower case unless case matters.
[[nodiscard]] std::string fold_user(std::string_view user, const config::Registrar& registrar);

}  // namespace bellhop::routing
