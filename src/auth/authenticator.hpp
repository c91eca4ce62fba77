#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "crypto/digest.hpp"
#include "crypto/token.hpp"
#include "observe/metrics.hpp"
#include "sip/message.hpp"
#include "storage/directory.hpp"

namespace bellhop::auth {

/// Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): challenges without state, credentials checked
/// against the Directory in memory.
///
/// Nonces   keyed and self-describing: time of issue and a random part under a MAC that covers the realm and, for
///          Authorization (REGISTER), nothing of the client's address, so that a phone that changes networks keeps it;
///          age makes them stale. The nonce count of each nonce in use is remembered in a bounded table (striped locks,
///          shared by the shards): a count seen before is refused (threats 59), a nonce that fell out of the table is
///          answered with stale=true.
/// Clients  with qop=auth, auth-int or without qop (a nonce without qop serves once for each method+uri+cseq use ...
/// see README),
///          algorithm MD5 or SHA-256 as offered, digest username other than the address-of-record, aliases as username.
/// Cost     two or three hashes per check, no disk, no heap beyond the parsed parameters.
class Authenticator {
 public:
  Authenticator(const storage::Directory& directory, const crypto::Key& key, observe::Metrics& metrics,
                std::size_t nonces_tracked);
  ~Authenticator();

  enum class Kind : std::uint8_t { www, proxy };  ///< 401 with WWW-Authenticate, 407 with Proxy-Authenticate

  enum class Verdict : std::uint8_t {
    passed,
    missing,  ///< no credentials for our realm: challenge
    stale,    ///< right password, old or unknown nonce: challenge with stale=true
    wrong,    ///< unknown name, wrong password, forged nonce, replayed count, wrong algorithm: challenge again (same
              ///< answer for all)
    bad_request,  ///< malformed credentials or uri that does not belong to this request: 400 (threats 20, 60)
    forbidden,    ///< right password, but no SIP service right (CGP-42): 403
  };
  struct Outcome {
    Verdict verdict = Verdict::missing;
    std::string user;         ///< account user part when passed (or forbidden): not the digest username
    std::string domain;       ///< realm
    const char* reason = "";  ///< static text for the decision record and the log, never sent to the peer
  };
  /// Looks for credentials of `realm` in Authorization (www) or Proxy-Authorization (proxy) fields of the request.
  [[nodiscard]] Outcome check(const sip::Message& request, Kind kind, const config::Domain& realm,
                              const config::Auth& settings, TimePoint now);

  /// Appends the challenge header fields ("WWW-Authenticate: Digest realm=...", one per algorithm, SHA-256 first), each
  /// line with CRLF, to `out`. Stateless: nothing is remembered.
  void append_challenge(std::string& out, Kind kind, const config::Domain& realm, const config::Auth& settings,
                        bool stale, TimePoint now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::auth
