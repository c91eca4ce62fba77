#include "transport/channel.hpp"

#include <utility>

namespace bellhop::transport {

/// Hears the WebSocket and passes on what is a SIP message. What the WebSocket wants to send leaves before any answer
/// to a message.
class Channel::Frames final : public WebSocket::Sink {
 public:
  Frames(Channel& channel, Ends& ends, std::string& to_send) : channel_(channel), ends_(ends), to_send_(to_send) {}
  void on_open(const WebSocketClient&) override {
    flush();
    channel_.tell_open(ends_);
  }
  void on_message(std::string_view message) override {
    flush();
    if (wanted_) wanted_ = ends_.on_message(message);
  }
  void on_keepalive() override { ends_.on_keepalive(); }
  void on_pong() override {}
  void flush() {
    if (to_send_.empty()) return;
    channel_.write_through(to_send_, ends_);
    to_send_.clear();
  }
  [[nodiscard]] bool wanted() const { return wanted_; }

 private:
  Channel& channel_;
  Ends& ends_;
  std::string& to_send_;
  bool wanted_ = true;
};

Channel::Channel(sip::Transport transport, const WebSocketRules& rules) {
  if (transport == sip::Transport::ws || transport == sip::Transport::wss)
    websocket_ = std::make_unique<WebSocket>(rules);
}

Channel::Channel(sip::Transport transport, const WebSocketRules& rules, crypto::TlsSession session)
    : Channel(transport, rules) {
  tls_ = std::make_unique<crypto::TlsSession>(std::move(session));
}

bool Channel::open() const {
  return encrypted() && (!websocket_ || websocket_->is_open());
}

bool Channel::incomplete() const {
  return !input_.empty() || (websocket_ && websocket_->in_progress());
}

void Channel::tell_open(Ends& ends) {
  if (std::exchange(told_open_, true)) return;
  ends.on_open();
}

Channel::Verdict Channel::receive(std::string_view octets, const sip::Limits& limits, Ends& ends) {
  heard_ = true;
  if (!tls_) return take_plain(octets, limits, ends);
  std::string plaintext, out;
  const auto fed = tls_->feed(octets, plaintext, out);
  if (!out.empty()) ends.write(out);  // before anything that an answer to a message adds
  if (fed.opened && !websocket_) tell_open(ends);
  if (!plaintext.empty())
    if (const Verdict verdict = take_plain(plaintext, limits, ends); verdict != Verdict::go_on) return verdict;
  if (fed.state == crypto::TlsSession::State::closing) return Verdict::close;
  if (fed.state != crypto::TlsSession::State::failed) return Verdict::go_on;
  fault_ = tls_->error();
  return Verdict::refuse;
}

Channel::Verdict Channel::take_plain(std::string_view octets, const sip::Limits& limits, Ends& ends) {
  return websocket_ ? take_frames(octets, ends) : take_messages(octets, limits, ends);
}

Channel::Verdict Channel::take_frames(std::string_view octets, Ends& ends) {
  std::string out;
  Frames frames(*this, ends, out);
  const auto outcome = websocket_->take(octets, frames, out);
  frames.flush();
  if (outcome == WebSocket::Outcome::closed) return Verdict::close;
  if (outcome == WebSocket::Outcome::refused) {
    fault_ = websocket_->refusal();
    return Verdict::refuse;
  }
  return frames.wanted() ? Verdict::go_on : Verdict::close;
}

/// Frames straight out of the buffer it came in; only what is left of an incomplete message is kept.
Channel::Verdict Channel::take_messages(std::string_view octets, const sip::Limits& limits, Ends& ends) {
  std::size_t used = 0;
  if (input_.empty()) {
    const Verdict verdict = frame(octets, limits, ends, used);
    if (verdict == Verdict::go_on) input_.assign(octets.substr(used));
    return verdict;
  }
  input_.append(octets);
  const std::string whole = std::exchange(input_, {});
  const Verdict verdict = frame(whole, limits, ends, used);
  if (verdict == Verdict::go_on && used < whole.size()) input_.assign(whole, used, std::string::npos);
  return verdict;
}

/// Hands every whole message up; `used` tells how many octets they were.
Channel::Verdict Channel::frame(std::string_view unread, const sip::Limits& limits, Ends& ends, std::size_t& used) {
  using Outcome = sip::StreamFramer::Outcome;
  while (used < unread.size()) {
    const auto found = framer_.look(unread.substr(used), limits);
    if (found.outcome == Outcome::need_more) break;
    if (found.outcome == Outcome::refused) {
      ends.on_unframed(unread.substr(used), found.refusal);
      return Verdict::close;
    }
    framer_.consumed();
    const std::string_view piece = unread.substr(used, found.size);
    used += found.size;
    if (found.outcome == Outcome::ping) {
      ends.on_keepalive();
      write_through("\r\n", ends);
    } else if (found.outcome == Outcome::message && !ends.on_message(piece)) {
      return Verdict::close;
    }
  }
  return Verdict::go_on;
}

/// False: TLS has ended and takes nothing more.
bool Channel::write_through(std::string_view octets, Ends& ends) {
  if (!tls_) {
    ends.write(octets);
    return true;
  }
  std::string out;
  if (!tls_->write(octets, out)) return false;
  if (!out.empty()) ends.write(out);
  return true;
}

bool Channel::send(std::string_view message, std::size_t limit, Ends& ends) {
  if (tls_ && tls_->waiting() + message.size() > limit) return false;
  if (!websocket_) return write_through(message, ends);
  std::string frame;
  return websocket_->write(message, frame) && write_through(frame, ends);
}

void Channel::ping(Ends& ends) {
  heard_ = false;
  if (!websocket_) return;
  std::string frame;
  websocket_->ping(frame);
  if (!frame.empty()) write_through(frame, ends);
}

void Channel::close(Ends& ends) {
  if (websocket_) {
    std::string frame;
    websocket_->close(CloseCode::going_away, "", frame);
    if (!frame.empty()) write_through(frame, ends);
  }
  if (!tls_) return;
  std::string out;
  tls_->shutdown(out);
  if (!out.empty()) ends.write(out);
}

}  // namespace bellhop::transport
