#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sip/header.hpp"
#include "sip/octets.hpp"

namespace bellhop::sip {

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
  bool plain = false;  ///< a field without fold, blank before its colon or control octet
  HeaderField field;   ///< name_at and end_at are set for every kind: the next line starts at end_at
};

/// Cuts the line at `at`, whatever it is, octet by octet.
[[nodiscard]] HeaderLine odd_line(std::string_view text, std::size_t at);

/// Walks the lines of a header block, in a text of less than 4 GiB. The parser, the stream framer and peek_call_id()
/// all use this one, so they can never disagree where a field begins and ends: that disagreement is what request
/// smuggling lives on. Cost: linear, also for thousands of folds.
class Lines {
 public:
  Lines(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  /// Where the next line starts.
  [[nodiscard]] std::size_t at() const { return at_; }

  /// Takes lines as nearly all are, as long as one comes and there is room for its field: a name of at most 15 octets
  /// that the table knows, no fold and no control octet. Returns the end of the fields. Cost: control octets are looked
  /// for 64 at a time, names are one look-up and one compare. `wide` is for tests.
  [[nodiscard]] HeaderField* take_usual(HeaderField* out, const HeaderField* end, bool wide = octets::has_wide);

  /// Takes the next line with its folds, whatever it is.
  [[nodiscard]] HeaderLine next();

 private:
  std::string_view text_;
  std::size_t at_;
};

/// The one line that starts at `at`.
[[nodiscard]] HeaderLine next_line(std::string_view text, std::size_t at);

/// First octet the grammar forbids anywhere in a header block: a control octet other than HTAB, unless it is the second
/// half of a quoted-pair (RFC 4475 section 3.1.1.2 has a quoted NUL), and a CR or LF that is no CRLF. npos when there
/// is none. Of interest only when a line was not plain.
[[nodiscard]] std::size_t find_forbidden_octet(std::string_view text);

}  // namespace bellhop::sip
