#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bellhop::sip {

/// The SIP transports (RFC 3261 section 18, RFC 7118).
enum class Transport : std::uint8_t { udp, tcp, tls, ws, wss };

[[nodiscard]] std::string_view via_name(Transport transport);    ///< "UDP", "TCP", "TLS", "WS", "WSS"
[[nodiscard]] std::string_view param_name(Transport transport);  ///< "udp" ... as in transport= and in the configuration
[[nodiscard]] std::optional<Transport> transport_from(std::string_view name);  ///< any case
[[nodiscard]] constexpr bool is_reliable(Transport t) { return t != Transport::udp; }
[[nodiscard]] constexpr bool is_secure(Transport t) { return t == Transport::tls || t == Transport::wss; }
[[nodiscard]] constexpr bool is_websocket(Transport t) { return t == Transport::ws || t == Transport::wss; }
/// Messages are cut by Content-Length; a datagram or a WebSocket message has its own border (RFC 7118 section 5).
[[nodiscard]] constexpr bool is_stream(Transport t) { return t == Transport::tcp || t == Transport::tls; }
[[nodiscard]] constexpr std::uint16_t default_port(Transport t) {
  if (t == Transport::ws) return 80;  // RFC 7118 section 7
  return t == Transport::wss ? 443 : t == Transport::tls ? 5061 : 5060;
}

}  // namespace bellhop::sip
