// WebSocket: whatever the size of the pieces in which octets arrive, the same is heard and the same is answered, and
// never more than came in. The first octet of the input is the size of the pieces; an odd one stands for a connection
// that is open already, so that frames need not guess a whole upgrade.
#include "transport/websocket.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "properties.hpp"

namespace {

using namespace bellhop::transport;
using Outcome = WebSocket::Outcome;

constexpr std::string_view upgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::size_t largest_message = 4096;

struct Heard final : WebSocket::Sink {
  void on_open(const WebSocketClient& client) override {
    told +=
        "open " + std::string(client.origin) + " " + std::string(client.path) + " " + std::string(client.user_agent);
  }
  void on_message(std::string_view message) override {
    bellhop::fuzz::require(!message.empty() && message.size() <= largest_message);
    told += "message " + std::string(message);
  }
  void on_keepalive() override { told += "keepalive "; }
  void on_pong() override { told += "pong "; }

  std::string told, sent, refusal;
  Outcome outcome = Outcome::more;
  CloseCode code = CloseCode::no_status;
  friend bool operator==(const Heard& a, const Heard& b) {
    return a.told == b.told && a.sent == b.sent && a.refusal == b.refusal && a.outcome == b.outcome && a.code == b.code;
  }
};

Heard play(std::string_view stream, std::size_t step, bool open) {
  const WebSocketRules rules{.max_message_size = largest_message, .origins = {"https://phone.example.test"}};
  WebSocket socket(rules);
  Heard heard;
  if (open) bellhop::fuzz::require(socket.take(upgrade, heard, heard.sent) == Outcome::more && socket.is_open());
  for (std::size_t at = 0; at < stream.size() && heard.outcome == Outcome::more; at += step)
    heard.outcome = socket.take(stream.substr(at, step), heard, heard.sent);
  heard.refusal = socket.refusal();
  heard.code = socket.close_code();
  bellhop::fuzz::require(heard.sent.size() <= stream.size() + (open ? upgrade.size() : 0) + 512);
  bellhop::fuzz::require(heard.refusal.empty() == (heard.outcome != Outcome::refused));
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool open = (data[0] & 1) != 0;
  const std::size_t step = data[0] / 2 + 1u;
  bellhop::fuzz::require(play(stream, stream.size(), open) == play(stream, step, open));
  return 0;
}
