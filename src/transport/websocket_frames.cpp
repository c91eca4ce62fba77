#include "transport/websocket_frames.hpp"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace bellhop::transport {

struct FrameReader::Context {
  wslay_frame_context_ptr frames = nullptr;
  std::string_view input;

  static ssize_t read(std::uint8_t* buffer, std::size_t room, int /*flags*/, void* self) {
    std::string_view& input = static_cast<Context*>(self)->input;
    const std::size_t size = input.copy(reinterpret_cast<char*>(buffer), room);
    input.remove_prefix(size);
    return size > 0 ? static_cast<ssize_t>(size) : -1;
  }
  Context() {
    const wslay_frame_callbacks callbacks{nullptr, read, nullptr};
    if (wslay_frame_context_init(&frames, &callbacks, this) != 0) throw std::bad_alloc();
  }
  ~Context() { wslay_frame_context_free(frames); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

namespace {

std::size_t header_size(const wslay_frame_iocb& frame) {
  const std::size_t extended = frame.payload_length > 0xffff ? 8 : frame.payload_length > 125 ? 2 : 0;
  return 2 + extended + (frame.mask != 0 ? 4 : 0);
}

}  // namespace

FrameReader::FrameReader() : context_(std::make_unique<Context>()) {}
FrameReader::~FrameReader() = default;

FrameReader::Outcome FrameReader::next(std::string_view& octets, FramePart& part) {
  wslay_frame_iocb frame{};
  ssize_t read = 0;
  do {
    const std::size_t before = octets.size();
    context_->input = octets;
    read = wslay_frame_recv(context_->frames, &frame);
    octets = context_->input;
    pending_ += before - octets.size();
  } while (read == WSLAY_ERR_WANT_READ && !octets.empty());
  if (read == WSLAY_ERR_WANT_READ) return Outcome::more;
  if (read < 0) return Outcome::malformed;

  part.begins = received_ == 0;
  received_ += frame.data_length;
  part.ends = received_ == frame.payload_length;
  part.opcode = static_cast<Opcode>(frame.opcode);
  part.final = frame.fin != 0;
  part.reserved_bits = frame.rsv != 0;
  part.masked = frame.mask != 0;
  part.length = frame.payload_length;
  part.payload = {reinterpret_cast<const char*>(frame.data), frame.data_length};
  if (part.ends) {
    pending_ -= header_size(frame) + frame.payload_length;
    received_ = 0;
  }
  return Outcome::part;
}

void append_frame(Opcode opcode, std::string_view payload, std::string& out) {
  const std::size_t size = payload.size();
  const int length_octets = size > 0xffff ? 8 : size > 125 ? 2 : 0;
  out.reserve(out.size() + 2 + static_cast<std::size_t>(length_octets) + size);
  out += static_cast<char>(0x80 | static_cast<int>(opcode));
  out += static_cast<char>(length_octets == 8 ? 127 : length_octets == 2 ? 126 : size);
  for (int i = length_octets - 1; i >= 0; --i) out += static_cast<char>((std::uint64_t{size} >> (8 * i)) & 0xff);
  out += payload;
}

void append_close_frame(std::uint16_t code, std::string_view reason, std::string& out) {
  std::size_t size = std::min(reason.size(), max_control_payload - 2);
  while (size < reason.size() && size > 0 && (reason[size] & 0xc0) == 0x80) --size;  // not within a character
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  payload += reason.substr(0, size);
  append_frame(Opcode::close, payload, out);
}

bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

namespace {

/// Octets of the character at the front of a text that is not empty; 0 when it is none.
std::size_t character_size(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = octet(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  // The second octet is where overlong forms, surrogates and what lies above U+10FFFF show.
  const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (octet(1) < least || octet(1) > most) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if ((octet(i) & 0xc0) != 0x80) return 0;
  return size;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    std::uint64_t eight = 0;
    if (text.size() >= sizeof eight) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace bellhop::transport
