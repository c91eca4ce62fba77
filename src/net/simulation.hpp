#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "net/resolver.hpp"
#include "net/wire.hpp"

namespace bellhop::net {

class SimulatedNetwork;

/// How the simulated network treats datagrams. Streams are never lost or reordered, only delayed.
struct Weather {
  double loss = 0;                     ///< probability that a datagram vanishes
  double duplicate = 0;                ///< probability that it arrives twice
  Duration delay = microseconds(500);  ///< one way
  Duration jitter = microseconds(0);   ///< uniform extra delay: reorders datagrams when above the sending gap
};

/// A network in one thread and in virtual time: wires attach to it, datagrams and streams between them are events in
/// one queue ordered by time. Everything chance decides comes from one seed, so a failing seed is a reproducible bug.
/// run_for() jumps from event to event: 32 seconds of Timer B cost microseconds.
///
/// Handlers may call anything on any wire from any callback, but must not destroy the wire that is calling them. All
/// calls on one thread; wake() alone may come from another, and is then seen by the next event.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, TimePoint start = TimePoint(seconds(1'700'000'000)));
  ~Simulation();

  /// A wire of its own: one per shard under test, and one per scripted peer. Several wires may open the same shared
  /// datagram address or listener (as SO_REUSEPORT does): a sender's address and port decide which of them hears it.
  /// Any address but an unspecified one may be opened; port 0 and connect() take ports from 40000 upward, and connect()
  /// without a local address leaves from the wire's first socket of that family, else from loopback.
  /// Destroying a wire closes its sockets and streams as the end of a process does.
  [[nodiscard]] std::unique_ptr<Wire> make_wire();
  /// The DNS of the simulated world, with a cache of its own (60 s unless set, negative 30 s). Destroying it drops the
  /// questions under way.
  [[nodiscard]] std::unique_ptr<Resolver> make_resolver();
  void add_host(std::string_view name, const IpAddress& address);
  void add_service(std::string_view name, SrvRecord record);
  void add_pointer(std::string_view name, NaptrRecord record);
  /// Questions about this name fail from now on, as when its name servers are silent.
  void set_failing(std::string_view name);
  void set_dns_ttl(Duration ttl);  ///< of answers from now on; 0: not even cached
  /// How often this was asked of the DNS, not of a cache.
  [[nodiscard]] std::size_t dns_questions(RecordType type, std::string_view name) const;
  void set_dns_delay(Duration delay);  ///< of questions asked from now on; 1 ms at first

  void set_weather(const Weather& weather);
  /// Drops what `drop(from, to, octets)` says true to: scripted losses ("the first 200").
  void set_filter(std::function<bool(const Endpoint& from, const Endpoint& to, std::string_view octets)> drop);
  /// Datagrams to this address give on_unreachable to the sender and connections to it are refused, as from a closed
  /// port, whenever nobody has it open; `silent` addresses swallow everything instead: datagrams to them vanish,
  /// connections to them time out after 127 s, what is sent on open streams waits until they speak again (or keep-alive
  /// gives up).
  void set_silent(const IpAddress& address, bool silent);
  /// Breaks every stream between the two addresses (either may be unspecified: any), both ends see `reset`.
  void break_streams(const IpAddress& a, const IpAddress& b);

  [[nodiscard]] TimePoint now() const;
  /// Runs all events up to now() + duration and leaves the clock there.
  void run_for(Duration duration);
  /// Runs until no event is due within `quiet` or until `limit` has passed. True when it became quiet.
  bool run_until_quiet(Duration quiet, Duration limit);
  [[nodiscard]] std::uint64_t datagrams_sent() const;

 private:
  std::shared_ptr<SimulatedNetwork> network_;  ///< shared with the wires and resolvers, which may outlive this
};

}  // namespace bellhop::net
