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
/// Nonces   keyed and self-describing (nonce.hpp): the time of issue and a MAC that covers it and the realm, and
///          nothing of the client's address, so that a phone that changes networks keeps it. Age makes them stale. The
///          counts used of each nonce are remembered in a bounded table (nonce_table.hpp): each serves once (threats
///          59).
/// Clients  with qop=auth or auth-int, or without qop (RFC 2069: the nonce then serves once for each method and URI),
///          algorithm MD5 or SHA-256 with or without -sess as offered, a digest username other than the
///          address-of-record, aliases as username.
/// Repeats  a retransmission, the same octets from the same source, passes as the first did, since answers given
///          without state have no transaction that would absorb it; the same credentials in any other request are a
///          replay.
/// Metrics  auth.passed, .missing, .stale, .wrong, .bad_request, .forbidden and auth.nonces: computed, so `metrics`
///          must not be collected when the Authenticator is gone.
/// Cost     one MAC and two hashes per check, one where H(A2) is known, no disk, no allocation.
/// Threads  any; one for all shards.
class Authenticator {
 public:
  Authenticator(const storage::Directory& directory, const crypto::Key& key, observe::Metrics& metrics,
                std::size_t nonces_tracked);
  ~Authenticator();

  enum class Kind : std::uint8_t { www, proxy };  ///< 401 with WWW-Authenticate, 407 with Proxy-Authenticate

  enum class Verdict : std::uint8_t {
    passed,
    missing,      ///< no credentials for our realm: challenge
    stale,        ///< right password, but a nonce that is old, unknown, forged or used up: challenge with stale=true
    wrong,        ///< unknown name, wrong password, an algorithm not offered: challenge again, the same answer for all
    bad_request,  ///< malformed credentials or a uri that does not belong to this request: 400 (threats 20, 60)
    forbidden,    ///< right password, but no SIP service right (CGP-42): 403
  };
  struct Outcome {
    Verdict verdict = Verdict::missing;
    std::string user;              ///< account user part when passed (or forbidden): not the digest username
    std::string domain;            ///< realm
    const char* reason = "";       ///< static text for the decision record and the log, never sent to the peer
    std::uint64_t name = 0;        ///< the digest username tried, as a hash, when passed or wrong
    bool heard_challenge = false;  ///< wrong, but by somebody who heard the challenge that went to this very address
  };
  /// Looks for credentials of `realm` in Authorization (www) or Proxy-Authorization (proxy) fields of the request.
  /// Whether the user may act as the From or To of the request is asked afterwards: Directory::is_name_of().
  /// `from` is where the request came from; when it is left out no retransmission is recognised. `or_as_invite`: the
  /// device may have made its digest for INVITE, whatever the method is (CGP-68). `known_a2` are the calling thread's.
  [[nodiscard]] Outcome check(const sip::Message& request, Kind kind, const config::Domain& realm,
                              const config::Auth& settings, TimePoint now, const Endpoint& from = {},
                              bool or_as_invite = false, crypto::A2Hashes* known_a2 = nullptr);

  /// `to`: where it goes; when it is given, `opaque` proves later that the answer comes from who heard it there. Over
  /// UDP anybody could else fail in another's name.
  /// Appends the challenge header fields ("WWW-Authenticate: Digest realm=...", one per algorithm, SHA-256 first), each
  /// line with CRLF, to `out`. Stateless: nothing is remembered. Nothing when Digest is not advertised (CGP-38); MD5
  /// alone for a sender that is known to fail on SHA-256 (quirks.hpp).
  void append_challenge(std::string& out, const sip::Message& request, Kind kind, const config::Domain& realm,
                        const config::Auth& settings, bool stale, TimePoint now, const Endpoint& to = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// ACK has no answer and CANCEL cannot be sent again: neither is ever challenged (RFC 3261 section 22.1, threats 54).
[[nodiscard]] constexpr bool may_be_challenged(sip::Method method) {
  return method != sip::Method::ack && method != sip::Method::cancel;
}

}  // namespace bellhop::auth
