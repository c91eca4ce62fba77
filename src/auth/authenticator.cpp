#include "auth/authenticator.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <optional>

#include "auth/credentials.hpp"
#include "auth/nonce.hpp"
#include "auth/nonce_table.hpp"
#include "auth/quirks.hpp"
#include "base/hash.hpp"
#include "base/pen.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "crypto/subkey.hpp"
#include "crypto/token.hpp"

namespace bellhop::auth {
namespace {

using crypto::HashAlgorithm;
using Verdict = Authenticator::Verdict;
using Outcome = Authenticator::Outcome;

/// Two hundred copies of a header field are not worth two hundred looks (threats 20).
constexpr std::size_t most_values = 16;

constexpr std::array<std::string_view, 6> verdict_names{"auth.passed", "auth.missing",     "auth.stale",
                                                        "auth.wrong",  "auth.bad_request", "auth.forbidden"};

template <std::size_t size>
std::string_view view_of(const std::array<char, size>& text) {
  return {text.data(), size};
}

bool offered(HashAlgorithm algorithm, const config::Auth& settings) {
  return algorithm == HashAlgorithm::sha256 ? settings.sha256 : settings.md5;
}

/// Whether what is kept of an account can check this algorithm: an account may have been given by an H(A1) of one
/// alone.
bool known(HashAlgorithm algorithm, const storage::PasswordHashes& ha1) {
  return algorithm == HashAlgorithm::sha256 ? ha1.has_sha256() : ha1.has_md5();
}

/// What the request brings for our realm: the credentials to check, or what to say without any.
struct Selection {
  std::optional<Credentials> credentials;
  Verdict verdict = Verdict::missing;
  const char* reason = "no credentials";

  void note(Verdict v, const char* why) {
    if (verdict != Verdict::missing) return;
    verdict = v;
    reason = why;
  }
};

/// Of several for our realm the strongest algorithm counts, of equals the first (RFC 8760 section 2.4).
Selection select(const sip::Message& request, sip::HeaderId id, std::string_view our_realm,
                 const config::Auth& settings) {
  Selection out;
  std::size_t looked_at = 0;
  for (const auto* field = request.first(id); field != nullptr && looked_at < most_values;
       field = request.next(id, field), ++looked_at) {
    Credentials given;
    // Those of other schemes and realms count for nothing.
    const auto read = read_credentials(request.value(*field), our_realm, given);
    if (!read && read.error() == CredentialsError::malformed) {
      out.note(Verdict::bad_request, "malformed credentials");
    } else if (!read && read.error() == CredentialsError::unknown_algorithm) {
      out.note(Verdict::wrong, "unknown algorithm");
    } else if (read && !offered(given.algorithm, settings)) {
      out.note(Verdict::wrong, "algorithm not offered");
    } else if (read && (!out.credentials || given.algorithm > out.credentials->algorithm)) {
      out.credentials = std::move(given);
    }
  }
  return out;
}

}  // namespace

struct Authenticator::State {
  State(const storage::Directory& accounts, const crypto::Key& key, std::size_t nonces_tracked)
      : directory(accounts),
        nonces(crypto::subkey(key, "nonce")),
        opaque_key(crypto::subkey(key, "opaque")),
        identity_seed(crypto::short_mac(crypto::subkey(key, "request"), {})),
        table(nonces_tracked) {}

  /// What a challenge that goes there says of itself: 40 bits, since guessing them is harder than sending from there.
  using Stamp = std::array<char, 8>;
  [[nodiscard]] Stamp stamp_of(const Endpoint& there) const {
    std::array<char, 17> octets;
    static_assert(sizeof there.address.octets() == octets.size() - 1);
    std::memcpy(octets.data(), there.address.octets().data(), octets.size() - 1);
    octets.back() = there.address.is_v6() ? 6 : 4;
    std::array<char, crypto::base32_size> text;
    crypto::write_base32(text.data(), crypto::short_mac(opaque_key, {octets.data(), octets.size()}));
    Stamp stamp;
    std::memcpy(stamp.data(), text.data() + text.size() - stamp.size(), stamp.size());
    return stamp;
  }
  /// What tells a retransmission from a replay: every octet, and the address and port it came from. With the branch
  /// alone a thief who forges the address could put a Contact of his own into a REGISTER he overheard. This hash is no
  /// MAC, but its seed is secret and no value of it is ever shown: he would have to hit one blindly. 0: cannot be told.
  [[nodiscard]] std::uint64_t identity_of(const sip::Message& request, const Endpoint& from) const {
    return from.port == 0 ? 0 : hash64(request.octets(), hash_of(from, identity_seed)) | 1;
  }

  Outcome judge(const sip::Message& request, const Credentials& given, const config::Domain& realm,
                const config::Auth& settings, TimePoint now, const Endpoint& from, bool or_as_invite,
                crypto::A2Hashes* known_a2);
  /// Nothing when the nonce is good for this request; else why it is stale.
  const char* nonce_fault(const Credentials& given, std::string_view realm, const config::Auth& settings, TimePoint now,
                          std::uint64_t request);

  /// A nonce of before our first request was used against another process, if at all: its counts are unknown.
  void note_start(TimePoint now) {
    TimePoint unset = never;
    if (first_request.load(std::memory_order_relaxed) == never) first_request.compare_exchange_strong(unset, now);
  }

  const storage::Directory& directory;
  Nonces nonces;
  const crypto::Key opaque_key;
  const std::uint64_t identity_seed;  ///< secret
  NonceTable table;
  const storage::PasswordHashes nobody{};  ///< stands in for unknown names, so that they take the same time
  std::atomic<TimePoint> first_request{never};
  /// Several, since all shards count: no cache line is fought for.
  struct alignas(64) Tally {
    std::array<std::atomic<std::uint64_t>, verdict_names.size()> verdicts{};
  };
  std::array<Tally, 16> tallies;
};

Authenticator::Authenticator(const storage::Directory& directory, const crypto::Key& key, observe::Metrics& metrics,
                             std::size_t nonces_tracked)
    : state_(std::make_unique<State>(directory, key, nonces_tracked)) {
  const State* state = state_.get();
  for (std::size_t i = 0; i < verdict_names.size(); ++i)
    metrics.computed(verdict_names[i], [state, i] {
      std::uint64_t sum = 0;
      for (const auto& tally : state->tallies) sum += tally.verdicts[i].load(std::memory_order_relaxed);
      return static_cast<std::int64_t>(sum);
    });
  metrics.computed("auth.nonces", [state] { return static_cast<std::int64_t>(state->table.size()); });
}

Authenticator::~Authenticator() = default;

Outcome Authenticator::check(const sip::Message& request, Kind kind, const config::Domain& realm,
                             const config::Auth& settings, TimePoint now, const Endpoint& from, bool or_as_invite,
                             crypto::A2Hashes* known_a2) {
  state_->note_start(now);
  const auto id = kind == Kind::www ? sip::HeaderId::authorization : sip::HeaderId::proxy_authorization;
  const Selection selection = select(request, id, realm.name, settings);
  Outcome out = selection.credentials
                    ? state_->judge(request, *selection.credentials, realm, settings, now, from, or_as_invite, known_a2)
                    : Outcome{selection.verdict, {}, {}, selection.reason};
  auto& tally = state_->tallies[hash64(request.call_id(), 0) % state_->tallies.size()];
  tally.verdicts[static_cast<std::size_t>(out.verdict)].fetch_add(1, std::memory_order_relaxed);
  return out;
}

Outcome Authenticator::State::judge(const sip::Message& request, const Credentials& given, const config::Domain& realm,
                                    const config::Auth& settings, TimePoint now, const Endpoint& from,
                                    bool or_as_invite, crypto::A2Hashes* known_a2) {
  if (!uri_belongs_to(given.uri, request))
    return {Verdict::bad_request, {}, {}, "digest uri does not belong to the request"};

  const auto secret = directory.credential(given.username, realm.name);
  const bool checkable = secret && known(given.algorithm, secret->ha1);
  const storage::PasswordHashes& hashes = checkable ? secret->ha1 : nobody;
  const bool by_sha256 = given.algorithm == HashAlgorithm::sha256;
  const auto ha1 = by_sha256 ? crypto::HexDigest::of(hashes.sha256) : crypto::HexDigest::of(hashes.md5);
  const auto is_made_for = [&](std::string_view method) {
    const crypto::HexDigest expected =
        crypto::digest_response({given.algorithm, given.session, ha1.view(), method, given.uri, given.nonce,
                                 given.count_text, given.cnonce, given.qop, request.body()},
                                known_a2);
    return crypto::equal_constant_time(expected, given.response);
  };
  const bool right = is_made_for(request.method_text()) || (or_as_invite && is_made_for("INVITE"));
  if (!checkable || !right) {
    const char* why = checkable ? "wrong password" : secret ? "no H(A1) for this algorithm" : "unknown user";
    return {Verdict::wrong,
            {},
            {},
            why,
            hash64(given.username, 0),
            !given.opaque.empty() && given.opaque == view_of(stamp_of(from))};
  }

  if (const char* fault = nonce_fault(given, realm.name, settings, now, identity_of(request, from)))
    return {Verdict::stale, {}, {}, fault};
  if (!realm.sip || !secret->sip) return {Verdict::forbidden, secret->account_user, realm.name, "no SIP service right"};
  return {Verdict::passed, secret->account_user, realm.name, "digest", hash64(given.username, 0)};
}

const char* Authenticator::State::nonce_fault(const Credentials& given, std::string_view realm,
                                              const config::Auth& settings, TimePoint now, std::uint64_t request) {
  const Nonces::Reading nonce = nonces.read(given.nonce, realm);
  if (!nonce.genuine) return "nonce is not ours";
  if (nonce.issued < first_request.load(std::memory_order_relaxed)) return "nonce of before the start";
  if (now - nonce.issued > settings.nonce_lifetime) return "nonce is too old";
  // Without qop the response is the same whenever method and URI are: it counts as one use of a nonce of its own.
  const bool counted = !given.qop.empty();
  const std::uint64_t key = counted ? nonce.id : hash64(given.response, nonce.id);
  switch (table.use(key, nonce.issued, counted ? given.count : 1, now, settings.nonce_lifetime, request)) {
    case NonceTable::Use::first_time:
    case NonceTable::Use::same_request: return nullptr;
    case NonceTable::Use::repeated: return "nonce count used before";
    case NonceTable::Use::forgotten: break;
  }
  return "nonce no longer known";
}

void Authenticator::append_challenge(std::string& out, const sip::Message& request, Kind kind,
                                     const config::Domain& realm, const config::Auth& settings, bool stale,
                                     TimePoint now, const Endpoint& to) const {
  state_->note_start(now);
  if (!settings.advertise_digest) return;
  // Where one account has only an H(A1) for MD5, its whole realm is asked for MD5 alone: a phone that knows SHA-256
  // would answer with it and be locked out, and many give up at a second challenge. An offer by user would tell a
  // stranger who has an account, and would miss phones whose digest username is not the name in From or To. What this
  // costs the other accounts of the realm is SHA-256's greater resistance to guessing from overheard answers, no more:
  // a man in the middle could take the SHA-256 challenge out as well (RFC 8760 section 3). Credentials with SHA-256 are
  // accepted as ever.
  const bool md5_only =
      settings.md5 && settings.sha256 && (knows_md5_only(request) || state_->directory.lacks_sha256(realm.name));
  const std::size_t begin = out.size();
  constexpr std::size_t most_lines = 2, most_besides_realm = 256;
  out.resize(begin + most_lines * (realm.name.size() + most_besides_realm));
  Pen pen(out.data() + begin);
  std::string_view before, behind;  // the algorithm in the first line: the second is its copy with another
  for (const HashAlgorithm algorithm : {HashAlgorithm::sha256, HashAlgorithm::md5}) {
    if (!offered(algorithm, settings) || (md5_only && algorithm != HashAlgorithm::md5)) continue;
    const char* const line = pen.at();
    if (before.empty()) {
      if (kind == Kind::www)
        pen.put("WWW-Authenticate: Digest realm=\"");
      else
        pen.put("Proxy-Authenticate: Digest realm=\"");
      pen.put(realm.name);
      pen.put("\", nonce=\"");
      pen.go_on_at(state_->nonces.write(pen.at(), realm.name, now));
      pen.put("\", algorithm=");
      before = {line, static_cast<std::size_t>(pen.at() - line)};
      pen.put(crypto::name_of(algorithm));
      const char* const rest = pen.at();
      if (settings.qop) pen.put(", qop=\"auth\"");
      if (stale) pen.put(", stale=true");
      if (to.port != 0) {
        pen.put(", opaque=\"");
        pen.put(view_of(state_->stamp_of(to)));
        pen.put('"');
      }
      pen.put("\r\n");
      behind = {rest, static_cast<std::size_t>(pen.at() - rest)};
    } else {
      pen.put(before);
      pen.put(crypto::name_of(algorithm));
      pen.put(behind);
    }
  }
  out.resize(static_cast<std::size_t>(pen.at() - out.data()));
}

}  // namespace bellhop::auth
