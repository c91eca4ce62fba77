#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"

namespace bellhop::net {

/// What a name look-up gave. An empty list with `found` false is a negative answer (cached as well).
struct AddressAnswer {
  bool found = false;
  std::vector<IpAddress> addresses;  ///< A before AAAA, in the server's order
  TimePoint valid_until{};
};

/// Asynchronous address look-up that cannot stall a shard (KAM-19). Two implementations: DnsResolver (c-ares on a side
/// thread, /etc/hosts first, TTL-aware cache with negative entries, bounded number under way, equal questions merged)
/// and ScriptedResolver for tests in virtual time.
class Resolver {
 public:
  /// Where an answer goes: called on the resolver's thread, must only post to the shard's inbox.
  class Asker {
   public:
    virtual ~Asker() = default;
    virtual void on_addresses(std::uint64_t key, AddressAnswer answer) = 0;
  };
  virtual ~Resolver() = default;

  /// The cached answer when there is a fresh one: the hot path. Never blocks on the network.
  [[nodiscard]] virtual bool cached(std::string_view host, TimePoint now, AddressAnswer& out) = 0;
  /// Asks; on_addresses(key) follows exactly once, also on failure, time-out or when too many are under way.
  virtual void ask(std::string_view host, Asker& asker, std::uint64_t key, TimePoint now) = 0;
};

struct DnsSettings {
  std::vector<Endpoint> servers;  ///< empty: /etc/resolv.conf
  Duration timeout = milliseconds(1000);
  int tries = 2;
  std::size_t in_flight = 1000;
  std::size_t cache_entries = 100000;
  Duration negative_ttl = seconds(30);
  bool hosts_file = true;
};
[[nodiscard]] std::unique_ptr<Resolver> make_dns_resolver(const DnsSettings& settings);

}  // namespace bellhop::net
