#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/slot.hpp"
#include "net/wire.hpp"

namespace bellhop::net {

/// The SIP transports (RFC 3261 section 18, RFC 7118).
enum class Transport : std::uint8_t { udp, tcp, tls, ws, wss };
[[nodiscard]] std::string_view via_name(Transport transport);    ///< "UDP", "TCP", "TLS", "WS", "WSS"
[[nodiscard]] std::string_view param_name(Transport transport);  ///< "udp" ... as in transport= and in the configuration
[[nodiscard]] std::optional<Transport> transport_from(std::string_view name);  ///< any case
[[nodiscard]] constexpr bool is_reliable(Transport t) { return t != Transport::udp; }
[[nodiscard]] constexpr bool is_secure(Transport t) { return t == Transport::tls || t == Transport::wss; }
[[nodiscard]] constexpr std::uint16_t default_port(Transport t) { return is_secure(t) ? 5061 : 5060; }

/// A way to one peer (RFC 5626 section 2): for UDP our socket and the two addresses, for streams one connection. A plain
/// value: it can be stored in a binding, posted to another shard and outlive the connection it names, which then is
/// simply not found.
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
