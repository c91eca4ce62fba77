#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/header.hpp"

namespace bellhop::sip {

/// One header line. Offsets are relative to the start of the message, so an index survives a copy of the buffer.
struct HeaderField {
  std::uint32_t name_at = 0;
  std::uint32_t value_at = 0;    ///< first octet of the trimmed value; behind the colon when the value is empty
  std::uint32_t value_size = 0;  ///< trimmed; folds inside are kept as received
  std::uint32_t end_at = 0;      ///< behind the line's CRLF
  std::uint16_t name_size = 0;   ///< without the white space that may stand before the colon (RFC 3261 section 25.1)
  HeaderId id = HeaderId::other;
  bool folded = false;  ///< the value holds a line break
};

/// One line of a header block with its folds, as next_line() finds it.
struct HeaderLine {
  enum class Kind : std::uint8_t {
    field,         ///< name, colon, value
    blank,         ///< the CRLF that ends the header block
    malformed,     ///< no name, an octet that no name may hold, or no colon
    bare_newline,  ///< a line feed without carriage return; no line end in SIP (RFC 3261 section 7)
    unterminated,  ///< the text ends before the line does
  };
  Kind kind = Kind::unterminated;
  HeaderField field;  ///< name_at and end_at are set for every kind: the next line starts at end_at
};

/// The lines that are folded, malformed or cut short; next_line() comes here by itself.
[[nodiscard]] HeaderLine next_odd_line(std::string_view text, std::size_t at);

/// Cuts the header line that starts at `at`, in a text of less than 4 GiB. The parser, the stream framer and
/// peek_call_id() all use this one, so they can never disagree where a field begins and ends: that disagreement is
/// what request smuggling lives on. Cost: two memchr and one look-up of the name; linear also for thousands of folds.
[[nodiscard]] inline HeaderLine next_line(std::string_view text, std::size_t at) {
  const char* const line = text.data() + at;
  const char* const end = text.data() + text.size();
  const auto* feed =
      line == end ? nullptr : static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
  if (feed == nullptr || feed - line < 3 || feed[-1] != '\r' || feed + 1 == end || feed[1] == ' ' || feed[1] == '\t') {
    return next_odd_line(text, at);
  }
  const auto* colon = static_cast<const char*>(std::memchr(line, ':', static_cast<std::size_t>(feed - line)));
  if (colon == nullptr) return next_odd_line(text, at);
  const HeaderId id = header_from({line, static_cast<std::size_t>(colon - line)});
  if (id == HeaderId::other) return next_odd_line(text, at);

  const char* value = colon + 1;
  const char* value_end = feed - 1;
  while (value < value_end && (*value == ' ' || *value == '\t')) ++value;
  while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t' || value_end[-1] == '\r')) --value_end;
  if (value == value_end) value = value_end = colon + 1;
  HeaderLine out;
  out.kind = HeaderLine::Kind::field;
  out.field.name_at = static_cast<std::uint32_t>(at);
  out.field.value_at = static_cast<std::uint32_t>(value - text.data());
  out.field.value_size = static_cast<std::uint32_t>(value_end - value);
  out.field.end_at = static_cast<std::uint32_t>(feed + 1 - text.data());
  out.field.name_size = static_cast<std::uint16_t>(colon - line);
  out.field.id = id;
  return out;
}

/// First octet the grammar forbids anywhere in a header block: a control octet other than HTAB, unless it is the second
/// half of a quoted-pair (RFC 4475 section 3.1.1.2 has a quoted NUL), and a CR or LF that is no CRLF. npos when there
/// is none. `crlf_count` is the number of CRLF the caller has seen; when that is all of them and there is no HTAB, the
/// cost is one vector pass of 16 octets a step.
[[nodiscard]] std::size_t find_forbidden_octet(std::string_view text, std::size_t crlf_count);

}  // namespace bellhop::sip
