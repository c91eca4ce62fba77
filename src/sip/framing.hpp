#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/message.hpp"

namespace bellhop::sip {

/// Finds message borders in a byte stream by Content-Length (RFC 3261 sections 7.5, 18.3; keep-alives of RFC 5626).
/// Pure: it is shown the unread octets again as they grow and remembers only how far it has looked.
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
    ParseRefusal refusal;
  };
  /// `unread` starts at a message border.
  [[nodiscard]] Found look(std::string_view unread, const Limits& limits);
  /// Call after the caller consumed `size` octets.
  void consumed() {
    scanned_ = 0;
    header_end_ = 0;
    total_ = 0;
  }

 private:
  std::size_t scanned_ = 0;     ///< no blank line before this
  std::size_t header_end_ = 0;  ///< behind the blank line, once found
  std::size_t total_ = 0;       ///< whole message size, once known
};

}  // namespace bellhop::sip
