#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "observe/metrics.hpp"

namespace bellhop::guard {

enum class Verdict : std::uint8_t {
  pass,
  denied,   ///< on the list of denied addresses (CGP-45)
  banned,   ///< serving a ban (CGP-48)
  flooded,  ///< this request was one too many and starts the ban (RT-02)
};

/// The rules come with every call: each shard holds those of its configuration snapshot.
struct Rules {
  std::vector<Network> exempt, denied;
  bool flood = true;
  std::uint32_t flood_requests = 16;  ///< the next one inside the window is refused
  Duration flood_window = seconds(2);
  Duration flood_ban = seconds(300);
};

/// Flood counting and bans by address, before anything is parsed. Knows addresses and counts, not SIP. IPv6 sources count
/// by /64.
///
/// Window   sliding: the times of the last `flood_requests` requests of a source are what counts, kept as a ring.
/// Memory   one entry per recently seen source, bounded; idle entries give way.
/// Threads  any; striped locks held for one look-up. Exempt and denied sources take no lock.
class Guard {
 public:
  Guard(observe::Metrics& metrics, std::uint64_t hash_seed);
  ~Guard();

  /// Judges one received request. `flooded` is said once, when the ban starts.
  [[nodiscard]] Verdict judge(const IpAddress& source, const Rules& rules, TimePoint now);
  /// Judges without counting: new connections.
  [[nodiscard]] Verdict look(const IpAddress& source, const Rules& rules, TimePoint now) const;
  /// A request of this source authenticated: its score is cleared, so an office behind one address is no flood.
  void clear(const IpAddress& source);

  struct Ban {
    IpAddress source;
    TimePoint since, until;
    const char* reason;
  };
  [[nodiscard]] std::vector<Ban> bans(TimePoint now) const;
  bool unban(const IpAddress& source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bellhop::guard
