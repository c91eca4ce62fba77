#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/message.hpp"

namespace bellhop::sip {

/// Finds message borders in a byte stream by Content-Length (RFC 3261 sections 7.5, 18.3; keep-alives of RFC 5626).
/// Pure: it is shown the unread octets again as they grow and remembers only how far it has looked, so octets that
/// trickle in one at a time are scanned once.
///
/// A stream without Content-Length, with two of them, or with one that is no number cannot be split into messages
/// safely: it is refused and must be closed. The refused octets may still hold a header block that Message::parse()
/// indexes well enough to answer. A CRLF on its own is handed out as `blank` at once; when the next octets are
/// again a CRLF, the two were one ping cut in half by the network.
class StreamFramer {
 public:
  enum class Outcome : std::uint8_t {
    need_more,  ///< not yet a whole message; `missing` octets at least, if known
    message,    ///< the first `size` octets are one message
    ping,       ///< CRLF CRLF keep-alive: answer with CRLF (RFC 5626 section 4.4.1); `size` octets
    blank,      ///< stray CRLF between messages; skip `size` octets
    refused,    ///< the stream cannot be resynchronised: answer `refusal` if possible and close
  };
  struct Found {
    Outcome outcome = Outcome::need_more;
    std::size_t size = 0;
    std::size_t missing = 0;
    ParseRefusal refusal{};
  };
  /// `unread` starts at a message border.
  [[nodiscard]] Found look(std::string_view unread, const Limits& limits);
  /// Call after the caller consumed `size` octets.
  void consumed() { scanned_ = line_ = length_line_ = header_end_ = total_ = bare_newline_ = 0; }

 private:
  Found between_messages(std::string_view unread);
  bool find_header_end(std::string_view unread);
  Found find_total(std::string_view header_block, const Limits& limits);

  std::size_t scanned_ = 0;       ///< no blank line before this
  std::size_t line_ = 0;          ///< where the line begins that has no end before `scanned_`
  std::size_t length_line_ = 0;   ///< where the first line begins that may be a Content-Length; 0: there is none yet
  std::size_t header_end_ = 0;    ///< behind the blank line, once found
  std::size_t total_ = 0;         ///< whole message size, once known
  std::size_t bare_newline_ = 0;  ///< where a LF without CR was met; 0: nowhere
  bool after_blank_ = false;      ///< a single CRLF was the last thing consumed
};

}  // namespace bellhop::sip
