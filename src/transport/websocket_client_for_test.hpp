#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/websocket.hpp"

namespace bellhop::transport {

/// The request of RFC 7118 section 4.1, with the key of RFC 6455 section 1.3.
inline constexpr std::string_view upgrade_of_rfc7118 =
    "GET / HTTP/1.1\r\n"
    "Host: sip-ws.example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Origin: http://www.example.com\r\n"
    "Sec-WebSocket-Protocol: sip\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

/// `text` with its first `what` replaced.
inline std::string with(std::string_view text, std::string_view what, std::string_view instead) {
  std::string out(text);
  const auto at = out.find(what);
  return at == std::string::npos ? "no \"" + std::string(what) + "\"" : out.replace(at, what.size(), instead);
}

/// One frame as it is on the wire; `first` is FIN, reserved bits and opcode. Clients mask, with the key of RFC
/// 6455 5.7.
enum class Masked { no, yes };
inline std::string frame(unsigned first, std::string_view payload, Masked masked = Masked::yes) {
  const std::string_view key = "\x37\xfa\x21\x3d";
  const unsigned mask_bit = masked == Masked::yes ? 0x80 : 0;
  const std::size_t size = payload.size();
  std::string out{static_cast<char>(first)};
  const int more = size > 0xffff ? 8 : size > 125 ? 2 : 0;
  out += static_cast<char>(mask_bit | (more == 8 ? 127 : more == 2 ? 126 : static_cast<unsigned>(size)));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i));
  if (masked == Masked::no) return out.append(payload);
  out += key;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}
inline std::string text_frame(std::string_view payload) {
  return frame(0x81, payload);
}
inline std::string close_frame(int code, std::string_view reason = "", Masked masked = Masked::yes) {
  return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)}.append(reason), masked);
}
/// What the server sends.
inline std::string server_frame(unsigned first, std::string_view payload) {
  return frame(first, payload, Masked::no);
}

/// The other end of a WebSocket: what it sends goes straight in, and all that came of it is written down.
class WebSocketClientForTest final : public WebSocket::Sink {
 public:
  using Outcome = WebSocket::Outcome;
  explicit WebSocketClientForTest(WebSocketRules with = {}) : rules(std::move(with)) {}

  Outcome send(std::string_view octets, std::size_t step = std::string_view::npos) {
    if (octets.empty()) return socket.take(octets, *this, answered);
    for (Outcome outcome; !octets.empty(); octets.remove_prefix(std::min(step, octets.size())))
      if (outcome = socket.take(octets.substr(0, step), *this, answered); outcome != Outcome::more) return outcome;
    return Outcome::more;
  }
  /// Past the upgrade, its answer forgotten.
  WebSocketClientForTest& connected() {
    static_cast<void>(send(upgrade_of_rfc7118));
    answered.clear();
    return *this;
  }
  [[nodiscard]] std::string take_answered() { return std::exchange(answered, {}); }

  void on_open(const WebSocketClient& client) override {
    ++opened;
    origin = client.origin;
    path = client.path;
    user_agent = client.user_agent;
    answered_at_open = answered;
  }
  void on_message(std::string_view message) override {
    messages.emplace_back(message);
    if (on_each) on_each(*this);
  }
  void on_keepalive() override { ++keepalives; }
  void on_pong() override { ++pongs; }

  WebSocketRules rules;
  WebSocket socket{rules};
  std::string answered, answered_at_open, origin, path, user_agent;
  std::vector<std::string> messages;
  int opened = 0, keepalives = 0, pongs = 0;
  void (*on_each)(WebSocketClientForTest&) = nullptr;  ///< after each message
};

}  // namespace bellhop::transport
