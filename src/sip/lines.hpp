#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/header.hpp"
#include "sip/header_table.hpp"
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
  HeaderField field;  ///< name_at and end_at are set for every kind: the next line starts at end_at
};

/// What stands before the colon of a line; of size 0 when it is no name.
struct LineName {
  HeaderId id = HeaderId::other;
  std::uint32_t size = 0;
};
/// The name of the line [line, stop), whatever it is.
[[nodiscard]] LineName any_name(const char* line, const char* stop);

/// Cuts the line at `at`, whatever it is.
[[nodiscard]] HeaderLine odd_line(std::string_view text, std::size_t at);

/// Walks the lines of a header block, in a text of less than 4 GiB. The parser, the stream framer and peek_call_id()
/// all use this one, so they can never disagree where a field begins and ends: that disagreement is what request
/// smuggling lives on. Cost: control octets are looked for 64 at a time, colons sixteen, and one look-up of the name;
/// linear also for thousands of folds. Inline, because a loop keeps all of it in registers.
class Lines {
 public:
  Lines(std::string_view text, std::size_t at)
      : base_(text.data()), end_(base_ + text.size()), at_(base_ + at), seen_(at_) {}

  /// Where the next line starts.
  [[nodiscard]] std::size_t at() const { return static_cast<std::size_t>(at_ - base_); }

  /// Takes the next line when it is an ordinary field: not folded, and no control octet in it. False takes nothing:
  /// next_odd() tells what stands there.
  [[nodiscard, gnu::always_inline]] bool next_plain(HeaderField& out) {
    const char* const line = at_;
    const char* const stop = next_control();
    if (!ends_a_field(stop)) return false;
    LineName name = short_name(line);
    if (name.id == HeaderId::other) {
      name = any_name(line, stop);
      if (name.size == 0) return false;
    }

    out.name_at = static_cast<std::uint32_t>(line - base_);
    out.name_size = static_cast<std::uint16_t>(name.size);
    out.id = name.id;
    // The colon before the value and the CR behind it are no blanks, so both loops end there.
    const char* value = line + name.size + 1;
    const char* value_end = stop;
    while (*value == ' ') ++value;
    while (value_end[-1] == ' ') --value_end;
    if (value == stop) value = value_end;
    out.value_at = static_cast<std::uint32_t>(value - base_);
    out.value_size = static_cast<std::uint32_t>(value_end - value);
    out.to_next = 0;
    out.folded = false;
    take_line(stop);
    out.end_at = static_cast<std::uint32_t>(at_ - base_);
    return true;
  }

  /// Takes the next line with its folds, whatever it is.
  [[nodiscard]] HeaderLine next_odd() {
    const HeaderLine line = odd_line(text(), at());
    at_ = seen_ = base_ + line.field.end_at;
    controls_ = 0;
    return line;
  }

  [[nodiscard]] HeaderLine next() {
    HeaderLine line;
    if (!next_plain(line.field)) return next_odd();
    line.kind = HeaderLine::Kind::field;
    return line;
  }

 private:
  [[nodiscard]] std::string_view text() const { return {base_, static_cast<std::size_t>(end_ - base_)}; }
  /// The first control octet from at_ on, or the end of the text.
  [[nodiscard, gnu::always_inline]] const char* next_control() {
    while (controls_ == 0) {
      controls_at_ = std::max(at_, seen_);
      const std::ptrdiff_t left = end_ - controls_at_;
      if (left == 0) return end_;
      if (left >= std::ptrdiff_t{octets::block}) {
        controls_ = octets::controls_in_block(controls_at_);
        seen_ = controls_at_ + octets::block;
      } else {
        controls_ = octets::next_controls(text(), controls_at_, end_);
        seen_ = end_;
      }
    }
    return controls_at_ + std::countr_zero(controls_);
  }
  /// Goes behind the CRLF at `stop`, the first of controls_.
  [[gnu::always_inline]] void take_line(const char* stop) {
    controls_ = controls_ >> (stop - controls_at_) >> 2;
    controls_at_ = at_ = stop + 2;
  }
  /// A CRLF with another octet behind it that is no fold.
  [[nodiscard]] bool ends_a_field(const char* stop) const {
    return end_ - stop > 2 && std::memcmp(stop, "\r\n", 2) == 0 && stop[2] != ' ' && stop[2] != '\t';
  }
  /// Nearly every name there is: one in its long form of at most 15 octets. `other`: it is none of those. Its colon
  /// stands before the CRLF of the line, since neither that CR nor its LF is the same as an octet of a name.
  [[nodiscard]] LineName short_name(const char* line) const {
    const octets::Sixteen start = octets::load_part(line, static_cast<std::size_t>(end_ - line));
    const auto size = static_cast<std::uint32_t>(std::countr_zero(octets::bits_of(start == ':')));
    if (size < 2 || size > HeaderTable::longest_short_name) return {};
    return {header_table.short_name(line, size, start), size};
  }

  const char* base_;
  const char* end_;
  const char* at_;
  const char* seen_;  ///< controls_ tells of all before it
  const char* controls_at_ = nullptr;
  std::uint64_t controls_ = 0;  ///< bit i is set when the octet at controls_at_ + i is one; none before at_
};

/// The one line that starts at `at`.
[[nodiscard]] HeaderLine next_line(std::string_view text, std::size_t at);

/// First octet the grammar forbids anywhere in a header block: a control octet other than HTAB, unless it is the second
/// half of a quoted-pair (RFC 4475 section 3.1.1.2 has a quoted NUL), and a CR or LF that is no CRLF. npos when there
/// is none. Of interest only when a line was not plain.
[[nodiscard]] std::size_t find_forbidden_octet(std::string_view text);

}  // namespace bellhop::sip
