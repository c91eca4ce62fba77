#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

#include "net/flow.hpp"

namespace bellhop::transport {

/// Which shard owns the connection to a peer: shared by all shards, so that a connection opened or accepted by one is found
/// and reused by the others (RFC 3261 section 18, RFC 5923 later). State shared but narrow: a striped lock held for one
/// look-up.
class Connections {
 public:
  void add(const net::Flow& flow);
  /// Removes the entry when it still names this connection.
  void remove(const net::Flow& flow);
  [[nodiscard]] std::optional<net::Flow> find(sip::Transport transport, const Endpoint& remote) const;

  /// Counts connections for the server-wide and per-address limits (CGP-26, threats 69). False: one more is too many.
  [[nodiscard]] bool admit(const IpAddress& address, std::size_t limit, std::size_t limit_per_address);
  void leave(const IpAddress& address);
  [[nodiscard]] std::size_t size() const;

 private:
  static constexpr std::size_t stripes = 64;
  struct Stripe {
    mutable std::mutex mutex;
    boost::unordered_flat_map<Endpoint, net::Flow, EndpointHash> flows[5];  // by transport
  };
  [[nodiscard]] const Stripe& stripe_of(const Endpoint& remote) const { return stripes_[hash_of(remote) >> 58]; }
  [[nodiscard]] Stripe& stripe_of(const Endpoint& remote) { return stripes_[hash_of(remote) >> 58]; }

  std::array<Stripe, stripes> stripes_;
  mutable std::mutex admission_;  ///< taken once when a connection comes and once when it goes
  std::size_t count_ = 0;
  boost::unordered_flat_map<Endpoint, std::size_t, EndpointHash> per_address_;  ///< port 0
};

}  // namespace bellhop::transport
