#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "sip/octets.hpp"
#include "sip/uri.hpp"
#include "sip/values.hpp"

// Internal to the room: the characters of RFC 3261 section 25.1 as one table, and the cursor all value parsers share.
// Everything is inline because these few loops are most of the cost of a parse.
namespace bellhop::sip::scan {

using Set = std::uint16_t;
inline constexpr Set alpha = 1 << 0;
inline constexpr Set digit = 1 << 1;
inline constexpr Set hex = 1 << 2;
inline constexpr Set token = 1 << 3;
inline constexpr Set user = 1 << 4;       ///< unreserved / user-unreserved
inline constexpr Set password = 1 << 5;   ///< unreserved / "&" / "=" / "+" / "$" / ","
inline constexpr Set parameter = 1 << 6;  ///< paramchar without escapes
inline constexpr Set header = 1 << 7;     ///< unreserved / hnv-unreserved
inline constexpr Set value = 1 << 8;      ///< gen-value outside quotes: token, or a host with "[", "]" and ":"
inline constexpr Set quoted = 1 << 9;     ///< qdtext, with SP and HTAB but without folds; UTF-8 is opaque
inline constexpr Set absolute = 1 << 10;  ///< uric of RFC 2396 (and the brackets of RFC 2732) without escapes
inline constexpr Set scheme = 1 << 11;
inline constexpr Set label = 1 << 12;     ///< alphanum and "_" (see host_length)
inline constexpr Set blank = 1 << 13;     ///< SP, HTAB, CR, LF
inline constexpr Set phone = 1 << 14;     ///< phonedigit-hex of RFC 3966
inline constexpr Set bare_end = 1 << 15;  ///< what ends an addr-spec that stands without angle brackets

constexpr std::array<Set, 256> make_classes() {
  std::array<Set, 256> table{};
  const auto add = [&table](std::string_view characters, unsigned sets) {
    for (const char c : characters) table[static_cast<unsigned char>(c)] |= static_cast<Set>(sets);
  };
  constexpr unsigned alphanum = token | user | password | parameter | header | value | absolute | scheme | label;
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", alphanum | alpha);
  add("0123456789", alphanum | digit | phone);
  add("0123456789abcdefABCDEF", hex | phone);
  add("-_.!~*'()", user | password | parameter | header | absolute);  // mark
  add("&=+$,;?/", user);
  add("&=+$,", password);
  add("[]/:&+$", parameter);
  add("[]/?:+$", header);
  add(";/?:@&=+$,[]", absolute);
  add("-.!%*_+`'~", token | value);
  add("[]:", value);
  add("+-.", scheme);
  add("_", label);
  add("*#-.()", phone);
  add(" \t\r\n", blank);
  add(" \t\r\n;,?<>\"", bare_end);
  for (unsigned c = 0x20; c < 0x100; ++c)
    if (c != '"' && c != '\\' && c != 0x7f) table[c] |= quoted;
  table['\t'] |= quoted;
  return table;
}
inline constexpr std::array<Set, 256> classes = make_classes();

[[nodiscard]] constexpr bool is(char c, Set set) {
  return (classes[static_cast<unsigned char>(c)] & set) != 0;
}

/// A cursor over one header field value or URI. It never moves behind `end`.
struct Cursor {
  const char* at;
  const char* end;

  explicit Cursor(std::string_view text) : at(text.data()), end(text.data() + text.size()) {}

  [[nodiscard]] bool done() const { return at == end; }
  [[nodiscard]] bool sees(char c) const { return at != end && *at == c; }
  [[nodiscard]] bool sees(Set set) const { return at != end && is(*at, set); }
  [[nodiscard]] std::string_view rest() const { return since(at, end); }
  [[nodiscard]] std::string_view since(const char* from) const { return since(from, at); }
  [[nodiscard]] static std::string_view since(const char* from, const char* stop) {
    return {from, static_cast<std::size_t>(stop - from)};
  }

  bool skip(char c) {
    if (!sees(c)) return false;
    ++at;
    return true;
  }

  /// SWS: blanks and folds (CRLF and at least one blank). A bare CR or LF stays and fails whatever comes next.
  void skip_blanks() {
    while (at != end) {
      if (*at == ' ' || *at == '\t')
        ++at;
      else if (*at == '\r' && end - at > 2 && at[1] == '\n' && (at[2] == ' ' || at[2] == '\t'))
        at += 3;
      else
        return;
    }
  }

  /// The longest run of `set`, perhaps empty.
  std::string_view take(Set set) {
    const char* const from = at;
    while (at != end && is(*at, set)) ++at;
    return since(from);
  }

  /// The same for what is often long; `set` holds all that is octets::plain().
  std::string_view take_long(Set set) {
    const char* const from = at;
    at = octets::behind_plain(at, end);
    take(set);
    return since(from);
  }

  /// The longest run of `set` and %-escapes. False when a "%" is not followed by two hexadecimal digits.
  bool take_escaped(Set set, std::string_view& out) {
    const char* const from = at;
    for (;;) {
      take(set);
      if (!sees('%')) break;
      if (end - at < 3 || !is(at[1], hex) || !is(at[2], hex)) return false;
      at += 3;
    }
    out = since(from);
    return true;
  }

  /// A quoted-string with its quotes; the cursor stands on the opening one. Empty when it has no proper end.
  std::string_view take_quoted() {
    const char* const from = at++;
    for (;;) {
      while (at != end && is(*at, quoted)) ++at;
      if (at == end) return {};
      if (*at == '"') {
        ++at;
        return since(from);
      }
      if (*at == '\\') {
        if (end - at < 2 || at[1] == '\r' || at[1] == '\n' || static_cast<unsigned char>(at[1]) >= 0x80) return {};
        at += 2;
      } else {
        const char* const fold = at;
        skip_blanks();
        if (at == fold) return {};
      }
    }
  }
};

/// A run of digits, perhaps empty, as a number; what is above `max` is only known to be so.
inline std::uint64_t take_number(Cursor& cursor, std::uint32_t max) {
  std::uint64_t number = 0;
  for (; !cursor.done(); ++cursor.at) {
    const auto units = static_cast<unsigned char>(*cursor.at - '0');
    if (units > 9) break;
    if (number <= max) number = number * 10 + units;
  }
  return number;
}

/// RFC 3261 section 19.1.4: an escaped character equals the character, unless it is one of the reserved ones.
[[nodiscard]] bool equals_decoded(std::string_view a, std::string_view b, bool fold_case);

/// Whether a parameter's name is this one; `lower_case_name` in lower case, which is how nearly all peers write it.
inline bool named(std::string_view name, std::string_view lower_case_name) {
  return name.size() == lower_case_name.size() &&
         (std::memcmp(name.data(), lower_case_name.data(), lower_case_name.size()) == 0 ||
          equals_ignore_case(name, lower_case_name));
}

/// A parameter as the scan saw it.
struct Scanned : Parameter {
  bool value_is_token = false;
};

/// generic-param: token [ EQUAL ( token / host / quoted-string ) ]. Leaves the cursor behind trailing blanks.
inline bool take_parameter(Cursor& cursor, Scanned& out) {
  out.name = cursor.take(token);
  if (out.name.empty()) return false;
  cursor.skip_blanks();
  out.has_value = cursor.skip('=');
  out.value = {};
  out.value_is_token = false;
  if (!out.has_value) return true;
  cursor.skip_blanks();
  out.value = cursor.take_long(token);
  out.value_is_token = !out.value.empty() && !cursor.sees(value);
  if (!out.value_is_token) {
    const char* const begin = cursor.at - out.value.size();
    if (out.value.empty() && cursor.sees('"')) {
      out.value = cursor.take_quoted();
    } else {
      cursor.take(value);
      out.value = cursor.since(begin);
    }
  }
  if (out.value.empty()) return false;
  cursor.skip_blanks();
  return true;
}

/// *( SEMI generic-param ): visit(const Scanned&) -> bool sees each one. `all` is their text behind the first ";".
template <class Visit>
bool take_parameters(Cursor& cursor, std::string_view& all, Visit&& visit) {
  cursor.skip_blanks();
  if (!cursor.sees(';')) return true;
  const char* const begin = cursor.at + 1;
  const char* stop = begin;
  Scanned p;
  while (cursor.skip(';')) {
    cursor.skip_blanks();
    if (!take_parameter(cursor, p) || !visit(p)) return false;
    stop = p.has_value ? p.value.data() + p.value.size() : p.name.data() + p.name.size();
  }
  all = Cursor::since(begin, stop);
  return true;
}

/// Ends one value of a list: the end of the text, or a comma with another value behind it.
inline bool take_rest(Cursor& cursor, std::string_view& rest) {
  rest = {};
  if (cursor.done()) return true;
  if (!cursor.skip(',')) return false;
  cursor.skip_blanks();
  rest = cursor.rest();
  return !rest.empty();
}

// The parsers of uri.hpp and values.hpp, writing into the place where the result is wanted. What an error leaves there
// is of no use. `around` is what may be read, of which the text is a part.
[[nodiscard]] std::optional<UriError> read_uri(std::string_view text, std::string_view around, Uri& fresh);
[[nodiscard]] std::optional<ValueError> read_via(std::string_view text, std::string_view around, Via& fresh,
                                                 std::string_view& rest);
[[nodiscard]] std::optional<ValueError> read_name_addr(std::string_view text, std::string_view around, NameAddr& fresh,
                                                       std::string_view& rest);
// The same the general way, also for what is written plainly.
[[nodiscard]] std::optional<UriError> read_any_uri(std::string_view text, Uri& fresh);
[[nodiscard]] std::optional<ValueError> read_any_via(std::string_view text, Via& fresh, std::string_view& rest);
[[nodiscard]] std::optional<ValueError> read_any_name_addr(std::string_view text, NameAddr& fresh,
                                                           std::string_view& rest);

/// Without the blanks in front of `stop`.
inline std::string_view trimmed(const char* begin, const char* stop) {
  while (stop != begin && is(stop[-1], blank)) --stop;
  return Cursor::since(begin, stop);
}

}  // namespace bellhop::sip::scan
