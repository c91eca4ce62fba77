#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace bellhop::guard {

enum class Verdict : std::uint8_t {
  pass,
  denied,     ///< on the list of denied addresses, or banned with its network by the operator (CGP-45)
  banned,     ///< serving a ban (CGP-48)
  flooded,    ///< this request was one too many and starts the ban (RT-02)
  throttled,  ///< more than its budget, but no reason for a ban: only this one is dropped
};

/// What speaks against a source, and what each ban is for.
enum class Evidence : std::uint8_t {
  requests,     ///< more of them than a stranger has reason to send (RT-02)
  malformed,    ///< packets that are no SIP (CGP-46)
  credentials,  ///< wrong ones (CGP-47)
  scanner,      ///< the name of a scanning tool (RT-03)
  order,        ///< the operator's
  count_
};
[[nodiscard]] std::string_view name_of(Evidence evidence);
[[nodiscard]] std::optional<Evidence> evidence_from(std::string_view name);

/// So many within a sliding window are borne; the next one is too many. 0: no limit.
struct Rate {
  std::uint32_t limit = 0;
  Duration window{};
  Duration ban = seconds(300);
};

/// The rules come with every call: each shard holds those of its configuration snapshot.
struct Rules {
  std::vector<Network> exempt, denied;
  std::vector<Network> trusted;  ///< peers: judged by the budget of those who are known
  bool flood = true;
  bool shadow = false;  ///< bans are noted and told, and drop nothing
  Rate requests{16, seconds(2)};
  std::uint32_t known_requests = 2000;   ///< in the same window, for a source that has authenticated or is trusted
  std::uint32_t network_requests = 400;  ///< in the same window, for all unknown sources of a /24 or /48 together
  Duration known_for = seconds(3600);    ///< how long a source stays known after it authenticated
  Rate malformed{20, seconds(60)};
  Rate credentials{10, seconds(60)};
  Duration scanner_ban = seconds(300);
};

struct Ban {
  IpAddress source;  ///< the first address of an IPv6 /64
  TimePoint since, until;
  Evidence rule = Evidence::order;
  bool shadow = false;
  std::string text;           ///< what was seen: numbers, and the beginning of the last message
  std::uint64_t dropped = 0;  ///< since
};

/// What an operator forbade or allowed while the server runs, beside the configuration's lists.
struct Order {
  Network network;
  bool exempt = false;      ///< else denied
  TimePoint until = never;  ///< never: until it is taken back
  std::string text;         ///< why, in the operator's words
};

/// Counting and bans by address, before anything is parsed. Knows addresses and counts, not SIP. IPv6 sources count by
/// /64.
///
/// Strangers  are held to a few requests in a sliding window: the times of the last ones are kept as a ring, and one
///            more than the ring holds starts a ban. All strangers of one network share a larger budget; above it only
///            the excess is dropped.
/// Known      sources have authenticated not long ago, or are trusted peers. What anybody could forge in their name
///            over UDP - requests, malformed packets, the name of a scanner - never bans them: they are held to a
///            larger budget and the excess is dropped.
/// Memory     bounded: one entry per recently seen source; idle ones give way first, then those that are not known, and
///            bans last. About 300 octets a source, 65,536 sources.
/// Threads    any; striped locks held for one look-up. Exempt and denied sources take no lock.
/// Restart    bans(), orders() and restore() carry both over.
class Guard {
 public:
  Guard(observe::Log& log, observe::Metrics& metrics, std::uint64_t hash_seed);
  ~Guard();

  /// Judges one received request, of which `octets` become evidence. `flooded` is said once, when the ban starts.
  [[nodiscard]] Verdict judge(const IpAddress& source, std::string_view octets, const Rules& rules, TimePoint now);
  /// Judges without counting: connections and responses.
  [[nodiscard]] Verdict look(const IpAddress& source, const Rules& rules, TimePoint now) const;
  /// Whether this source is judged at all: it is neither exempt nor denied.
  [[nodiscard]] bool judges(const IpAddress& source, const Rules& rules, TimePoint now) const;
  /// Something else speaks against the source; true when it is banned for it now. `forgeable`: it came over UDP and
  /// shows nothing that only the true owner of the address could know. Trusted sources are never banned. `as`: under
  /// which name credentials failed.
  bool count(Evidence evidence, const IpAddress& source, std::string_view octets, bool forgeable, const Rules& rules,
             TimePoint now, std::uint64_t as = 0);
  /// A request of this source authenticated: its scores are cleared, so an office behind one address is no flood, and
  /// it is known for a while. Failed credentials are forgiven when all of them were tried under the same name, `as`:
  /// who has an account may not guess the passwords of others with it.
  void authenticated(const IpAddress& source, const Rules& rules, TimePoint now, std::uint64_t as = 0);

  // For the operator; any thread.
  [[nodiscard]] std::vector<Ban> bans(TimePoint now) const;
  [[nodiscard]] std::vector<Order> orders(TimePoint now) const;
  /// Ends the ban of a source and forgets its counts; also takes back an order that denies exactly this address.
  bool unban(const IpAddress& source);
  bool give(Order order, TimePoint now);  ///< false: there are too many already
  bool take_back(const Network& network, bool exempt);

  /// What is known of one source: for `guard why`.
  struct Standing {
    std::optional<Network> denied, exempt, trusted;  ///< the network of the rules that holds it
    std::optional<Order> order;                      ///< of the operator, which outweighs them
    std::optional<Ban> ban;
    TimePoint known_until{};
    std::array<std::uint32_t, static_cast<std::size_t>(Evidence::count_)> counts{};  ///< within the window of each rule
  };
  [[nodiscard]] Standing standing(const IpAddress& source, const Rules& rules, TimePoint now) const;

  /// Which sources a rate would have banned, by what is remembered of the latest requests of each: at most as many as
  /// the present rule allows. Changes nothing.
  struct WouldBan {
    IpAddress source;
    std::uint32_t most = 0;  ///< within one window
    bool known = false;
  };
  [[nodiscard]] std::vector<WouldBan> would_ban(Evidence evidence, const Rate& rate, TimePoint now) const;

  /// Grows with every change that a restart should not undo.
  [[nodiscard]] std::uint64_t changes() const;
  void restore(std::vector<Ban> bans, std::vector<Order> orders, TimePoint now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::guard
