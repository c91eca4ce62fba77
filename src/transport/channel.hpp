#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/tls_session.hpp"
#include "sip/framing.hpp"
#include "sip/transport.hpp"
#include "transport/websocket.hpp"

namespace bellhop::transport {

/// What lies between the octets of one connection and SIP messages: TLS and WebSocket where the transport has them,
/// framing by Content-Length where it has not. Pure: no socket and no clock.
///
/// Owner   one connection of one shard.
/// Memory  a plain connection that is idle holds no buffer: octets are framed where they lie, and only an incomplete
/// message is kept.
class Channel {
 public:
  /// The connection on one side, the receiver of messages on the other. Views are valid until the call returns.
  class Ends {
   public:
    virtual ~Ends() = default;
    virtual void write(std::string_view octets) = 0;  ///< onto the connection, in this order
    /// False: the connection is being closed, nothing more is wanted.
    virtual bool on_message(std::string_view octets) = 0;
    virtual void on_unframed(std::string_view octets, const sip::ParseRefusal& refusal) = 0;
    virtual void on_keepalive() = 0;
    virtual void on_open() = 0;  ///< the handshakes are over
  };

  /// Makes a channel without TLS: tcp or ws.
  explicit Channel(sip::Transport transport, const WebSocketRules& rules);
  /// Makes one with it: tls or wss.
  Channel(sip::Transport transport, const WebSocketRules& rules, crypto::TlsSession session);

  enum class Verdict : std::uint8_t {
    go_on,
    close,   ///< the peer ended it in good order
    refuse,  ///< it cannot go on: fault() says why, and what was written tells the peer
  };
  [[nodiscard]] Verdict receive(std::string_view octets, const sip::Limits& limits, Ends& ends);
  /// One whole message; before the handshakes are over it waits, for at most `limit` octets. False: it cannot be sent.
  bool send(std::string_view message, std::size_t limit, Ends& ends);
  /// Asks the peer for a sign of life (WebSocket only); heard() tells whether any octet came since the last ping.
  void ping(Ends& ends);
  [[nodiscard]] bool heard() const { return heard_; }
  /// Tells the peer that we are going.
  void close(Ends& ends);

  [[nodiscard]] bool plain() const { return !tls_ && !websocket_; }  ///< send() would write the message as it is
  [[nodiscard]] bool has_websocket() const { return websocket_ != nullptr; }
  [[nodiscard]] bool open() const;        ///< the handshakes are over
  [[nodiscard]] bool incomplete() const;  ///< a message has arrived in part
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] const crypto::TlsSession* tls() const { return tls_.get(); }

 private:
  class Frames;
  [[nodiscard]] bool encrypted() const { return !tls_ || tls_->state() == crypto::TlsSession::State::open; }
  [[nodiscard]] Verdict take_plain(std::string_view octets, const sip::Limits& limits, Ends& ends);
  [[nodiscard]] Verdict take_frames(std::string_view octets, Ends& ends);
  [[nodiscard]] Verdict take_messages(std::string_view octets, const sip::Limits& limits, Ends& ends);
  [[nodiscard]] Verdict frame(std::string_view unread, const sip::Limits& limits, Ends& ends, std::size_t& used);
  bool write_through(std::string_view octets, Ends& ends);
  void tell_open(Ends& ends);

  std::unique_ptr<crypto::TlsSession> tls_;
  std::unique_ptr<WebSocket> websocket_;
  sip::StreamFramer framer_;
  std::string input_;  ///< an incomplete message, nothing else
  std::string fault_;
  bool heard_ = true;
  bool told_open_ = false;
};

}  // namespace bellhop::transport
