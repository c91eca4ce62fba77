#include "sip/transport.hpp"

#include <array>

#include "base/text.hpp"

namespace bellhop::sip {

namespace {
constexpr std::array<std::string_view, 5> via_names{"UDP", "TCP", "TLS", "WS", "WSS"};
constexpr std::array<std::string_view, 5> param_names{"udp", "tcp", "tls", "ws", "wss"};
}  // namespace

std::string_view via_name(Transport transport) { return via_names[static_cast<std::size_t>(transport)]; }
std::string_view param_name(Transport transport) { return param_names[static_cast<std::size_t>(transport)]; }

std::optional<Transport> transport_from(std::string_view name) {
  for (std::size_t i = 0; i < param_names.size(); ++i)
    if (equals_ignore_case(name, param_names[i])) return static_cast<Transport>(i);
  return std::nullopt;
}

}  // namespace bellhop::sip
