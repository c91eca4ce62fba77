#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bellhop::transport {

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
[[nodiscard]] constexpr bool is_control(Opcode opcode) {
  return (static_cast<unsigned>(opcode) & 8u) != 0;
}
inline constexpr std::size_t max_control_payload = 125;

/// Some payload of a frame, or all of it, and what its header says.
struct FramePart {
  Opcode opcode{};                    ///< not checked: any of the 16 values
  bool begins = false, ends = false;  ///< the frame
  bool final = false;                 ///< the last frame of its message
  bool reserved_bits = false;
  bool masked = false;
  std::uint64_t length = 0;  ///< of the frame's whole payload, as announced
  std::string_view payload;  ///< unmasked; valid until the next call
};

/// Takes frames out of a stream, with wslay (websocket_frames.cpp only). Holds 4.3 KiB whatever the frames announce.
class FrameReader {
 public:
  enum class Outcome : std::uint8_t { more, part, malformed };

  FrameReader();
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// Takes octets off the front; `more` when none is left and no payload with them. A header is told with the first
  /// octet of its payload. `malformed`: a control frame that is long or fragmented, a length not in its shortest form
  /// or of 2^63.
  [[nodiscard]] Outcome next(std::string_view& octets, FramePart& part);
  [[nodiscard]] bool between_frames() const { return pending_ == 0; }

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::uint64_t pending_ = 0;   ///< octets of the frame under way, or of those behind it
  std::uint64_t received_ = 0;  ///< payload of the frame under way
};

/// Appends one unmasked frame, as servers send them.
void append_frame(Opcode opcode, std::string_view payload, std::string& out);
/// The same for a control frame that says why the connection is closed.
void append_close_frame(std::uint16_t code, std::string_view reason, std::string& out);

/// Whether a close frame may carry this code (RFC 6455 section 7.4).
[[nodiscard]] bool is_close_code(std::uint16_t code);
/// RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace bellhop::transport
