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
[[nodiscard]] constexpr std::uint16_t default_port(Transport t) { return is_secure(t) ? 5061 : 5060; }

}  // namespace bellhop::sip
