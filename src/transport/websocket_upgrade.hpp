#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "transport/websocket.hpp"

namespace bellhop::transport {

inline constexpr std::size_t max_upgrade_size = 8192;  ///< octets of the request, its blank line included
inline constexpr std::size_t max_upgrade_fields = 64;

/// What became of an upgrade request.
struct Upgrade {
  WebSocketClient client;  ///< views of the request
  std::string refusal;     ///< one sentence; empty: we speak WebSocket from here on
};

/// Where the request at the front of `octets` ends: npos when more must come. Whatever cannot become a request that we
/// would read ends at once, so that answer_upgrade() can refuse it.
[[nodiscard]] std::size_t upgrade_end(std::string_view octets);

/// Reads a whole request (http_parser, websocket_upgrade.cpp only) and appends the HTTP response. RFC 6455 section 4.2,
/// RFC 7118 section 4.1.
[[nodiscard]] Upgrade answer_upgrade(std::string_view request, const WebSocketRules& rules, std::string& to_send);

}  // namespace bellhop::transport
