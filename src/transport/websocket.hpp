#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop::transport {

struct FramePart;

/// What holds for all WebSocket connections of a shard. A reload may change it in place.
struct WebSocketRules {
  std::size_t max_message_size = 65'535;  ///< octets of one SIP message (sip.max_message_size)
  std::vector<std::string> origins;       ///< pages that may connect, like "https://phone.example.test"; empty: all
};

/// Why a WebSocket connection is closed, as its close frame says (RFC 6455 section 7.4.1).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,  ///< we are draining
  protocol_error = 1002,
  no_status = 1005,  ///< never sent: the peer's close frame had no code, or there was none
  invalid_text = 1007,
  policy = 1008,
  too_big = 1009,
  internal_error = 1011,
};

/// Who opened a WebSocket, as the upgrade request says; for the log, not to be believed.
struct WebSocketClient {
  std::string_view origin;  ///< empty: no browser
  std::string_view path;    ///< the request target
  std::string_view user_agent;
};

/// The server side of one SIP over WebSocket connection: octets in, SIP messages out, and the other way. Pure: it has
/// no socket and no clock; what must be sent is appended to a string.
///
/// Spec    RFC 6455 (version 13, no extensions), RFC 7118; keep-alives of RFC 5626 section 4.4.1 as messages.
/// Owner   one shard, beside the stream.
/// Memory  nothing beyond the object when idle. A request or frame that has arrived in part is kept: at most 8 KiB of
///         request, 4.3 KiB for a frame under way, and of the message what has arrived, never what was announced.
/// Output  to_send grows by less than what came in plus 512 octets.
/// Cost    a message that is whole in one read (and under 4 KiB) is unmasked once and handed up without another copy.
class WebSocket {
 public:
  enum class Outcome : std::uint8_t {
    more,     ///< the connection goes on
    closed,   ///< closed in good order (see close_code()): send what there is to send, then close the stream
    refused,  ///< a fault, of which refusal() tells: send what there is to send, then close the stream
  };

  /// Who hears what arrived. May call write(), ping() and close(), but neither take() nor end the WebSocket.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// The upgrade is done and its answer ends to_send. Messages may follow before take() returns: whoever answers them
    /// at once has to send to_send here (and clear it), or the answers overtake it. The views are valid until it
    /// returns.
    virtual void on_open(const WebSocketClient& client) = 0;
    /// One text or binary message, joined: one SIP message. Valid until it returns.
    virtual void on_message(std::string_view sip_message) = 0;
    /// A CRLF keep-alive, answered already if it asked for that.
    virtual void on_keepalive() = 0;
    /// The answer to a ping of ours, or an unasked one.
    virtual void on_pong() = 0;
  };

  /// `rules` outlive it.
  explicit WebSocket(const WebSocketRules& rules);
  ~WebSocket();
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;

  /// Takes all octets, in pieces of any size. After `closed` and `refused` it takes no more and says the same again.
  [[nodiscard]] Outcome take(std::string_view octets, Sink& sink, std::string& to_send);

  /// Appends one SIP message (or a CRLF) as one frame: text if it is UTF-8, else binary. False, and nothing is
  /// appended, unless the connection is open.
  [[nodiscard]] bool write(std::string_view sip_message, std::string& to_send);
  /// Appends a ping, if the connection is open. The answer comes to on_pong().
  void ping(std::string& to_send);
  /// Begins the closing handshake if the connection is open, else does nothing. From then on nothing can be written any
  /// more, messages that still arrive are dropped, and take() says `closed` when the client has answered. How long to
  /// wait for that is the caller's business. A reason is cut to 123 octets.
  void close(CloseCode code, std::string_view reason, std::string& to_send);

  /// The upgrade is done and neither side has closed: write() will do.
  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  /// The upgrade, a frame or a fragmented message has not arrived in full: the caller's deadline for the rest runs.
  [[nodiscard]] bool in_progress() const;
  /// Why it was refused, in one sentence for the log, with anything of the client's escaped. Empty unless `refused`.
  [[nodiscard]] std::string_view refusal() const;
  /// The code of the client's close frame. Any number of the range 1000 to 4999 can be here.
  [[nodiscard]] CloseCode close_code() const { return close_code_; }

 private:
  enum class State : std::uint8_t { upgrade, open, closing, closed, refused };
  struct Work;  ///< what is held between reads
  Outcome outcome() const;
  Work& work();
  void take_upgrade(std::string_view& octets, Sink& sink, std::string& to_send);
  void take_frames(std::string_view octets, Sink& sink, std::string& to_send);
  [[nodiscard]] bool begin_frame(const FramePart& part, std::string& to_send);
  void take_data(const FramePart& part, std::size_t unread, Sink& sink, std::string& to_send);
  void end_message(std::string_view message, bool text, Sink& sink, std::string& to_send);
  void take_control(const FramePart& part, Sink& sink, std::string& to_send);
  void take_close(std::string_view payload, std::string& to_send);
  void fail(CloseCode code, std::string_view why, std::string& to_send);

  const WebSocketRules* rules_;
  std::unique_ptr<Work> work_;
  State state_ = State::upgrade;
  CloseCode close_code_ = CloseCode::no_status;
};

}  // namespace bellhop::transport
