#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "net/simulation.hpp"
#include "net/wire.hpp"

namespace bellhop::net {

class SimulatedWire;

/// What Simulation, its wires and its resolvers share: the clock, the queue of events, who has which address open, and
/// the weather. Private to the simulation's own files.
class SimulatedNetwork {
 public:
  using WireNumber = std::uint32_t;
  using Event = std::function<void()>;
  using Filter = std::function<bool(const Endpoint&, const Endpoint&, std::string_view)>;
  struct Opener {
    WireNumber wire = 0;
    SocketId socket = 0;
    bool shared = false;
  };
  /// Openers of one address, in the order of opening.
  using Addresses = std::map<Endpoint, std::vector<Opener>>;

  SimulatedNetwork(std::uint64_t seed, TimePoint start) : random_(seed), seed_(seed), now_(start) {}

  [[nodiscard]] TimePoint now() const { return now_; }
  void set_now(TimePoint now) { now_ = now; }
  /// Events of one time run in the order they were scheduled.
  void schedule(TimePoint when, Event event);
  /// When something happens next: an event, a wire's deadline or a pending turn; `never` when nothing will.
  [[nodiscard]] TimePoint next_time() const;
  /// Goes to next_time(), delivers what is due then, and gives every wire concerned its turn.
  void step();

  [[nodiscard]] WireNumber add_wire(SimulatedWire& wire);
  void remove_wire(WireNumber number) { wires_[number] = nullptr; }
  [[nodiscard]] SimulatedWire* wire(WireNumber number) { return wires_[number]; }

  [[nodiscard]] Result<Endpoint, OpenError> open(Addresses& addresses, Endpoint local, Opener opener);
  void close(Addresses& addresses, const Endpoint& local, Opener opener);
  /// Who of the openers hears this sender; null when nobody has the address open.
  [[nodiscard]] const Opener* hearer(const Addresses& addresses, const Endpoint& at, const Endpoint& from) const;
  [[nodiscard]] std::uint16_t next_port();

  void send_datagram(Opener sender, const Endpoint& from, const Endpoint& to, std::string_view octets);
  /// One way, never zero: cause comes before effect, and two echoing peers cannot stop the clock.
  [[nodiscard]] Duration travel_time();

  [[nodiscard]] bool silent(const IpAddress& address) const { return silent_.contains(address); }
  void set_silent(const IpAddress& address, bool silent);
  void break_streams(const IpAddress& a, const IpAddress& b);

  Addresses datagram_sockets, listeners;
  Weather weather;
  Filter filter;
  std::map<std::string, std::vector<IpAddress>, std::less<>> hosts;
  std::map<std::string, std::vector<SrvRecord>, std::less<>> services;
  std::map<std::string, std::vector<NaptrRecord>, std::less<>> pointers;
  std::set<std::string, std::less<>> failing_names;
  std::map<std::pair<RecordType, std::string>, std::size_t> questions;  ///< how often each was asked of the DNS
  Duration dns_ttl = seconds(60);
  Duration dns_delay = milliseconds(1);
  std::uint64_t datagrams_sent = 0;

 private:
  struct Scheduled {
    TimePoint when;
    std::uint64_t sequence;
    Event event;
    bool operator>(const Scheduled& o) const { return when != o.when ? when > o.when : sequence > o.sequence; }
  };
  void datagram_arrives(Opener sender, const Endpoint& from, const Endpoint& to, const std::string& octets);

  Random random_;
  std::uint64_t seed_;
  TimePoint now_;
  std::vector<Scheduled> events_;  ///< a heap, earliest first
  std::uint64_t sequence_ = 0;
  std::vector<SimulatedWire*> wires_;  ///< by number; null once destroyed
  std::set<IpAddress> silent_;
  std::uint16_t last_port_ = 39999;
};

[[nodiscard]] std::unique_ptr<Resolver> make_simulated_resolver(std::shared_ptr<SimulatedNetwork> network);

}  // namespace bellhop::net
