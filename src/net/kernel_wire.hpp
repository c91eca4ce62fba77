#pragma once

#include <atomic>
#include <memory>

#include "net/wire.hpp"
#include "observe/metrics.hpp"

namespace bellhop::net {

/// The wire on Linux sockets: one epoll per shard, recvmmsg/sendmmsg in batches of 64, edge-free level-triggered
/// streams, an eventfd for wake-ups. run() is the shard thread's loop.
class KernelWire : public Wire {
 public:
  /// Counters: net.udp.received, net.udp.sent, net.udp.send_dropped, net.tcp.accepted, net.tcp.connected, net.turns ...
  [[nodiscard]] static std::unique_ptr<KernelWire> create(observe::Metrics& metrics);

  /// Runs turns until stop() was called. A turn: wait (until next_deadline), read, on_wake, on_turn, flush.
  virtual void run() = 0;
  /// Thread-safe.
  virtual void stop() = 0;
};

}  // namespace bellhop::net
