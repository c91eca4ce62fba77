#include "transport/websocket.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "transport/websocket_frames.hpp"
#include "transport/websocket_upgrade.hpp"

namespace bellhop::transport {

namespace {

/// Browsers send a message in one frame, or in few. Empty fragments would otherwise go on for ever.
constexpr std::size_t max_fragments = 1000;

/// Nothing but CRLFs, or nothing at all: RFC 5626 section 4.4.1 carried as a message.
bool is_keepalive(std::string_view message) {
  while (message.starts_with("\r\n")) message.remove_prefix(2);
  return message.empty();
}

}  // namespace

struct WebSocket::Work {
  std::string text;     ///< the upgrade request so far; of an open connection the message so far; of a refused one why
  std::string control;  ///< payload of the control frame under way
  std::optional<FrameReader> frames;
  Opcode kind = Opcode::continuation;  ///< text or binary: of the message under way; else there is none
  std::size_t fragments = 0;           ///< of the message under way

  [[nodiscard]] bool in_message() const { return kind != Opcode::continuation; }
  void end_message() {
    text.clear();
    kind = Opcode::continuation;
    fragments = 0;
  }
};

WebSocket::WebSocket(const WebSocketRules& rules) : rules_(&rules) {}
WebSocket::~WebSocket() = default;
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&&) noexcept = default;

WebSocket::Work& WebSocket::work() {
  if (!work_) work_ = std::make_unique<Work>();
  return *work_;
}

bool WebSocket::in_progress() const {
  return state_ == State::upgrade || (work_ && (state_ == State::open || state_ == State::closing));
}

std::string_view WebSocket::refusal() const {
  return state_ == State::refused ? std::string_view(work_->text) : std::string_view();
}

WebSocket::Outcome WebSocket::outcome() const {
  if (state_ == State::refused) return Outcome::refused;
  return state_ == State::closed ? Outcome::closed : Outcome::more;
}

WebSocket::Outcome WebSocket::take(std::string_view octets, Sink& sink, std::string& to_send) {
  if (state_ == State::upgrade) take_upgrade(octets, sink, to_send);
  if ((state_ == State::open || state_ == State::closing) && !octets.empty()) take_frames(octets, sink, to_send);
  return outcome();
}

void WebSocket::take_upgrade(std::string_view& octets, Sink& sink, std::string& to_send) {
  if (octets.empty()) return;
  std::string held = work_ ? std::move(work_->text) : std::string();
  const std::size_t before = held.size();
  if (before > 0) held += octets.substr(0, max_upgrade_size - before);
  const std::string_view seen = before > 0 ? std::string_view(held) : octets;
  const std::size_t end = upgrade_end(seen);
  if (end == std::string_view::npos) {
    work().text = before > 0 ? std::move(held) : std::string(octets);
    octets = {};
    return;
  }
  Upgrade upgrade = answer_upgrade(seen.substr(0, end), *rules_, to_send);
  octets.remove_prefix(end - before);
  work_.reset();
  if (!upgrade.refusal.empty()) {
    work().text = std::move(upgrade.refusal);
    state_ = State::refused;
    return;
  }
  state_ = State::open;
  sink.on_open(upgrade.client);
}

void WebSocket::take_frames(std::string_view octets, Sink& sink, std::string& to_send) {
  Work& work = this->work();
  if (!work.frames) work.frames.emplace();
  FramePart part;
  while (state_ == State::open || state_ == State::closing) {
    const auto found = work.frames->next(octets, part);
    if (found == FrameReader::Outcome::more) break;
    if (found == FrameReader::Outcome::malformed)
      return fail(CloseCode::protocol_error, "A frame is malformed.", to_send);
    if (part.begins && !begin_frame(part, to_send)) return;
    if (is_control(part.opcode))
      take_control(part, sink, to_send);
    else
      take_data(part, octets.size(), sink, to_send);
  }
  if (state_ == State::refused) return;
  if (state_ == State::closed || (work.frames->between_frames() && !work.in_message())) work_.reset();
}

bool WebSocket::begin_frame(const FramePart& part, std::string& to_send) {
  const auto refuse = [&](CloseCode code, std::string_view why) {
    fail(code, why, to_send);
    return false;
  };
  Work& work = *work_;
  if (part.reserved_bits) return refuse(CloseCode::protocol_error, "A frame has reserved bits set.");
  if (!part.masked) return refuse(CloseCode::protocol_error, "A frame is not masked.");
  switch (part.opcode) {
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong: work.control.clear(); return true;
    case Opcode::text:
    case Opcode::binary:
      if (work.in_message()) return refuse(CloseCode::protocol_error, "A message begins within another.");
      work.kind = part.opcode;
      break;
    case Opcode::continuation:
      if (!work.in_message()) return refuse(CloseCode::protocol_error, "A continuation continues nothing.");
      break;
    default: return refuse(CloseCode::protocol_error, "A frame has a reserved opcode.");
  }
  const std::size_t room = rules_->max_message_size - std::min(rules_->max_message_size, work.text.size());
  if (part.length > room) return refuse(CloseCode::too_big, "A message is too big.");
  if (++work.fragments > max_fragments) return refuse(CloseCode::too_big, "A message has too many fragments.");
  return true;
}

void WebSocket::take_data(const FramePart& part, std::size_t unread, Sink& sink, std::string& to_send) {
  Work& work = *work_;
  const bool whole = part.begins && part.ends && part.final && work.text.empty();
  if (!whole && state_ == State::open) {
    // What is here already; never what is only announced.
    if (part.begins)
      work.text.reserve(work.text.size() + std::min<std::uint64_t>(part.length, part.payload.size() + unread));
    work.text += part.payload;
  }
  if (!part.ends || !part.final) return;
  const std::string joined = std::move(work.text);
  const bool text = work.kind == Opcode::text;
  work.end_message();
  if (state_ == State::open) end_message(whole ? part.payload : joined, text, sink, to_send);
}

void WebSocket::end_message(std::string_view message, bool text, Sink& sink, std::string& to_send) {
  if (text && !is_utf8(message)) return fail(CloseCode::invalid_text, "A text message is not UTF-8.", to_send);
  if (!is_keepalive(message)) return sink.on_message(message);
  if (message.size() > 2) append_frame(Opcode::text, "\r\n", to_send);
  sink.on_keepalive();
}

void WebSocket::take_control(const FramePart& part, Sink& sink, std::string& to_send) {
  std::string& payload = work_->control;
  payload += part.payload;
  if (!part.ends) return;
  switch (part.opcode) {
    case Opcode::ping:
      if (state_ == State::open) append_frame(Opcode::pong, payload, to_send);
      break;
    case Opcode::pong: sink.on_pong(); break;
    default: take_close(payload, to_send); break;
  }
}

void WebSocket::take_close(std::string_view payload, std::string& to_send) {
  if (!payload.empty()) {
    const auto octet = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(payload[i])); };
    const unsigned code = payload.size() > 1 ? octet(0) << 8 | octet(1) : 0;
    if (!is_close_code(static_cast<std::uint16_t>(code)))
      return fail(CloseCode::protocol_error, "A close frame has no valid code.", to_send);
    if (!is_utf8(payload.substr(2)))
      return fail(CloseCode::invalid_text, "The reason of a close frame is not UTF-8.", to_send);
    close_code_ = static_cast<CloseCode>(code);
  }
  if (state_ == State::open) append_frame(Opcode::close, payload.substr(0, 2), to_send);
  state_ = State::closed;
}

void WebSocket::fail(CloseCode code, std::string_view why, std::string& to_send) {
  close(code, why, to_send);
  work_ = std::make_unique<Work>();
  work_->text = why;
  state_ = State::refused;
}

bool WebSocket::write(std::string_view sip_message, std::string& to_send) {
  if (!is_open()) return false;
  append_frame(is_utf8(sip_message) ? Opcode::text : Opcode::binary, sip_message, to_send);
  return true;
}

void WebSocket::ping(std::string& to_send) {
  if (is_open()) append_frame(Opcode::ping, {}, to_send);
}

void WebSocket::close(CloseCode code, std::string_view reason, std::string& to_send) {
  if (!is_open()) return;
  append_close_frame(static_cast<std::uint16_t>(code), reason, to_send);
  state_ = State::closing;
}

}  // namespace bellhop::transport
