#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <mutex>
#include <span>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "observe/metrics.hpp"
#include "sip/transport.hpp"
#include "transport/target.hpp"

namespace bellhop::transport {

/// Targets that failed lately: for a while they are tried after all others (KAM-20), so that not every call waits for a
/// dead server. When all are avoided they are tried in their order: nobody is ever locked out. Bounded; one that
/// answers is forgotten at once.
///
/// Threads  any. While none is avoided, nothing is locked.
class Avoided {
 public:
  explicit Avoided(observe::Metrics& metrics);
  ~Avoided();

  void failed(const Target& target, Duration how_long, TimePoint now);
  void succeeded(const Target& target);
  /// Moves those that are avoided behind the others; either keep their order.
  void put_last(std::span<Target> targets, TimePoint now);

 private:
  static constexpr std::size_t most = 1024;
  struct Key {
    Endpoint endpoint;
    sip::Transport transport;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return hash_of(key.endpoint, static_cast<std::uint64_t>(key.transport));
    }
  };
  static Key key_of(const Target& target) { return {target.endpoint, target.transport}; }
  void forget_old(TimePoint now);

  mutable std::mutex mutex_;
  boost::unordered_flat_map<Key, TimePoint, Hash> until_;
  std::atomic<std::size_t> size_{0};  ///< of until_, for a look without the lock
  observe::Counter& failures_;        ///< written under the lock
};

}  // namespace bellhop::transport
