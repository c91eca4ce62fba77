#pragma once

#include <atomic>
#include <memory>

#include "net/wire.hpp"
#include "observe/metrics.hpp"

namespace bellhop::net {

/// The wire on Linux sockets: one epoll per shard, recvmmsg/sendmmsg in batches of 64, level-triggered streams, an
/// eventfd for wake-ups, a timerfd for deadlines. run() is the shard thread's loop; all of a turn has one time.
///
/// Owner   one shard thread; only wake() and stop() may come from others.
/// Errors  create() throws std::system_error when the kernel has no epoll or no memory left: start-up only.
/// Cost    of a datagram in and one out, nearly all of it the kernel's: 13 us of CPU where it wakes the wire, 3.6 us
///         where there is always another (docs/performance.md); an idle connection about 100 octets here.
class KernelWire : public Wire {
 public:
  /// Counters: net.turns; net.udp.received, sent, send_dropped (no room, too long, closed socket), send_failed (refused
  /// by the kernel), joined (left together with others), joins_refused (by the kernel, for this path), icmp_errors,
  /// kernel_dropped (receive buffer full, read once a second); net.tcp.accepted, rejected (out of descriptors),
  /// connected, connect_failed, overflowed; gauge net.tcp.open.
  [[nodiscard]] static std::unique_ptr<KernelWire> create(observe::Metrics& metrics);

  /// Runs turns until stop() was called, also before this. A turn: wait (until next_deadline), read, on_wake, on_turn,
  /// flush, on_closed.
  virtual void run() = 0;
  /// Thread-safe.
  virtual void stop() = 0;
};

}  // namespace bellhop::net
