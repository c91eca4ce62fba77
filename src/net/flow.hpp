#pragma once

#include <cstdint>

#include "base/endpoint.hpp"
#include "base/slot.hpp"
#include "net/wire.hpp"
#include "sip/transport.hpp"

namespace bellhop::net {

using sip::Transport;

/// A way to one peer (RFC 5626 section 2): for UDP our socket and the two addresses, for streams one connection. A
/// plain value: it can be stored in a binding, posted to another shard and outlive the connection it names, which then
/// is simply not found.
struct Flow {
  Transport transport = Transport::udp;
  std::uint16_t shard = 0;  ///< who owns the connection; UDP can leave from any shard
  SocketId socket = 0;      ///< UDP socket or listener, the same number on every shard
  StreamId stream;          ///< invalid for UDP
  Endpoint local, remote;

  [[nodiscard]] bool is_stream() const { return transport != Transport::udp; }
  friend bool operator==(const Flow&, const Flow&) = default;
};

}  // namespace bellhop::net
