#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "net/records.hpp"

namespace bellhop::net {

/// Asynchronous look-up of names that cannot stall a shard (KAM-19). Two implementations: DnsResolver (c-ares on a side
/// thread, /etc/hosts first for addresses, TTL-aware cache with negative entries, bounded number under way, equal
/// questions merged) and SimulatedResolver for tests in virtual time.
///
/// Cost     cached() is one striped lock. It allocates only when it finds an answer in the old half of the cache, which
///          then becomes a young one again.
class Resolver {
 public:
  /// Where an answer goes: called on the resolver's thread, must only post to the shard's inbox.
  class Asker {
   public:
    virtual ~Asker() = default;
    virtual void on_answer(std::uint64_t key, AnswerPtr answer) = 0;
  };
  virtual ~Resolver() = default;

  /// The cached answer when there is a fresh one, else null. Never blocks on the network. Junk that cannot be a name
  /// and addresses are answered here too.
  [[nodiscard]] virtual AnswerPtr cached(RecordType type, std::string_view name, TimePoint now) = 0;
  /// Asks; on_answer(key) follows exactly once, also on failure, time-out or when too many are under way.
  virtual void ask(RecordType type, std::string_view name, Asker& asker, std::uint64_t key, TimePoint now) = 0;
};

struct DnsSettings {
  std::vector<Endpoint> servers;  ///< empty: /etc/resolv.conf
  Duration timeout = milliseconds(1000);
  int tries = 2;
  std::size_t in_flight = 1000;
  std::size_t cache_entries = 100000;
  Duration negative_ttl = seconds(30);  ///< at most; the zone's SOA may say less (RFC 2308)
  bool hosts_file = true;
};
[[nodiscard]] std::unique_ptr<Resolver> make_dns_resolver(const DnsSettings& settings);

}  // namespace bellhop::net
