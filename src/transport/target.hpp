#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "sip/transport.hpp"
#include "sip/uri.hpp"

namespace bellhop::transport {

/// Where a request is to go before any look-up: what the next-hop URI says (RFC 3263 section 4). Text is copied: a
/// target outlives the message it came from.
struct NextHop {
  std::string host;                         ///< maddr when the URI has one; IPv6 in brackets
  std::uint16_t port = 0;                   ///< 0: not given
  std::optional<sip::Transport> transport;  ///< named explicitly (transport parameter or address suffix)
  bool secure = false;                      ///< sips: or transport=tls: never in clear

  /// The default port when none was given.
  [[nodiscard]] std::uint16_t port_or_default(sip::Transport chosen) const {
    return port != 0 ? port : sip::default_port(chosen);
  }
};

enum class TargetError : std::uint8_t { no_host, no_port, unknown_transport, not_sip };
[[nodiscard]] Result<NextHop, TargetError> next_hop_of(const sip::Uri& uri);

/// One address to try: what RFC 3263 procedures end in.
struct Target {
  sip::Transport transport = sip::Transport::udp;
  Endpoint endpoint;
  bool explicit_transport = false;  ///< no switch from UDP to TCP by size (CGP-31)
  std::string server_name{};  ///< for TLS: the domain the server must prove: the next hop's host before any look-up
                              ///< (RFC 5922 7.2)
};

/// Targets of one next hop, in the order to try them. Nearly always there is one.
using Targets = boost::container::small_vector<Target, 1>;

/// Whether a request may be sent to this address at all: not unspecified, broadcast or multicast, and not port 0
/// (threats 45).
[[nodiscard]] bool is_sendable(const Endpoint& endpoint);

}  // namespace bellhop::transport
