#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/header.hpp"

namespace bellhop::sip {

/// One line of a header block with its folds, as next_line() finds it. Positions count from the start of the text.
struct HeaderLine {
  enum class Kind : std::uint8_t {
    field,         ///< name, colon, value
    blank,         ///< the CRLF that ends the header block
    malformed,     ///< no name, an octet that no name may hold, or no colon
    bare_newline,  ///< a line feed without carriage return; no line end in SIP (RFC 3261 section 7)
    unterminated,  ///< the text ends before the line does
  };
  Kind kind = Kind::unterminated;
  HeaderId id = HeaderId::other;
  bool folded = false;  ///< the trimmed value holds a line break
  std::size_t name_at = 0;
  std::size_t name_size = 0;  ///< without the white space that may stand before the colon (RFC 3261 section 25.1)
  std::size_t value_at = 0;   ///< trimmed; behind the colon when the value is empty
  std::size_t value_size = 0;
  std::size_t end_at = 0;  ///< behind the CRLF; for every kind the next line starts here
};

/// Cuts the header line that starts at `at`. The parser, the stream framer and peek_call_id() all use this one, so
/// they can never disagree where a field begins and ends: that disagreement is what request smuggling lives on.
/// Cost: two memchr and one look-up of the name; linear also for thousands of folds.
[[nodiscard]] HeaderLine next_line(std::string_view text, std::size_t at);

/// A line feed in front of which no carriage return stands, at or behind `from`; npos when there is none.
[[nodiscard]] std::size_t find_bare_newline(std::string_view text, std::size_t from);

/// First octet the grammar forbids anywhere in a header block: a control octet other than HTAB, unless it is the second
/// half of a quoted-pair (RFC 4475 section 3.1.1.2 has a quoted NUL), and a CR or LF that is no CRLF. npos when
/// there is none. `crlf_count` is the number of CRLF the caller has seen; with it the common case costs one
/// vector pass of 16 octets a step.
[[nodiscard]] std::size_t find_forbidden_octet(std::string_view text, std::size_t crlf_count);

}  // namespace bellhop::sip
