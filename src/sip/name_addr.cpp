#include "base/text.hpp"
#include "sip/octets.hpp"
#include "sip/plain.hpp"
#include "sip/scan.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

using scan::Cursor;

bool take_uri(std::string_view text, NameAddr& out) {
  return !scan::read_any_uri(text, out.uri);
}

bool take_bracketed(Cursor& cursor, NameAddr& out) {
  if (!cursor.skip('<')) return false;
  const auto close = cursor.rest().find('>');
  if (close == std::string_view::npos) return false;
  out.angle_brackets = true;
  const char* const begin = cursor.at;
  cursor.at += close;
  const std::string_view text = cursor.since(begin);
  ++cursor.at;
  return take_uri(text, out);
}

/// An addr-spec without brackets. It ends where a header parameter or the next value begins; a "?" would need brackets.
bool take_bare(Cursor& cursor, NameAddr& out) {
  const char* const begin = cursor.at;
  while (!cursor.done() && !cursor.sees(scan::bare_end)) ++cursor.at;
  return !cursor.sees('?') && take_uri(cursor.since(begin), out);
}

/// [ display-name ] "<" addr-spec ">", or addr-spec. Erratum 5598: no white space is needed before "<".
bool take_address(Cursor& cursor, NameAddr& out) {
  if (cursor.sees('<')) return take_bracketed(cursor, out);
  const char* const begin = cursor.at;
  if (cursor.sees('"')) {
    out.display_name = cursor.take_quoted();
    if (out.display_name.empty()) return false;
    cursor.skip_blanks();
    return take_bracketed(cursor, out);
  }
  const char* stop = begin;
  while (!cursor.take(scan::token).empty()) {
    stop = cursor.at;
    if (cursor.sees(':')) {
      cursor.at = begin;
      return take_bare(cursor, out);
    }
    cursor.skip_blanks();
  }
  out.display_name = Cursor::since(begin, stop);
  return take_bracketed(cursor, out);
}

/// Where a quoted display name ends; null when it holds an escape or anything but ASCII.
const char* end_of_quoted(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const close = octets::find(text.data() + 1, end, [](octets::Sixteen some) {
    return octets::bits_of((some == '"') | (some == '\\') | (some - ' ' >= 0x7f - ' '));
  });
  return close != end && *close == '"' ? close + 1 : nullptr;
}

/// Where words of plain octets end, before the "<"; null when something else stands there.
const char* end_of_words(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const open = octets::find(text.data(), end, [](octets::Sixteen some) {
    return ~(octets::plain(some) | octets::bits_of(some == ' ')) & 0xffff;
  });
  if (open == end || *open != '<' || text.front() == ' ') return nullptr;
  return text.data() + scan::trimmed(text.data(), open).size();
}

/// Where what follows the display name begins; null when it has no plain one.
[[gnu::noinline]] const char* behind_plain_display_name(std::string_view text, NameAddr& out) {
  if (text.empty()) return nullptr;
  const char* at = text.front() == '"' ? end_of_quoted(text) : end_of_words(text);
  if (at == nullptr) return nullptr;
  out.display_name = Cursor::since(text.data(), at);
  while (at != text.data() + text.size() && *at == ' ') ++at;
  return at;
}

/// *( SEMI generic-param ) of plain octets up to the end of the text.
template <class Runs>
[[gnu::always_inline]] inline bool take_plain_parameters(Runs& runs, NameAddr& out) {
  const char* const begin = runs.at();
  if (runs.behind() != ';') return runs.behind() == Runs::none;
  while (runs.behind() == ';') {
    const std::string_view name = runs.next();
    const bool has_value = runs.behind() == '=';
    const std::string_view value = has_value ? runs.next() : std::string_view{};
    if (name.empty() || (has_value && value.empty())) return false;
    if (!scan::named(name, "tag")) continue;
    if (!has_value || out.tag_value.data() != nullptr) return false;
    out.tag_value = value;
  }
  out.parameters = Cursor::since(begin, runs.at());
  return runs.behind() == Runs::none;
}

/// The plain one: [display-name] "<" plain URI ">" and plain parameters, and nothing behind them. False when it is
/// written otherwise or is none; what is then in `out` is of no use.
struct PlainNameAddr {
  template <class Runs>
  [[gnu::always_inline]] static bool take(std::string_view text, std::string_view around, NameAddr& out) {
    constexpr std::string_view usual = "<sip:";
    const char* const begin = text.starts_with('<') ? text.data() : behind_plain_display_name(text, out);
    if (begin == nullptr || !Cursor::since(begin, text.data() + text.size()).starts_with(usual)) return false;
    Runs runs(text, around, begin + usual.size());
    if (!plain::take_uri(runs, begin + 1, out.uri) || runs.behind() != '>' || !runs.next().empty()) return false;
    out.angle_brackets = true;
    out.text = text;
    return take_plain_parameters(runs, out);
  }
};

std::optional<std::uint32_t> expires_of(std::string_view text) {
  const auto seconds = parse_number(text, UINT32_MAX);
  if (seconds) return *seconds;
  return seconds.error() == ValueError::out_of_range ? UINT32_MAX : 3600;
}

}  // namespace

std::optional<ValueError> scan::read_name_addr(std::string_view text, std::string_view around, NameAddr& out,
                                               std::string_view& rest) {
  if (plain::take<PlainNameAddr>(text, around, out)) {
    rest = {};
    return {};
  }
  out = NameAddr{};
  return read_any_name_addr(text, out, rest);
}

std::optional<ValueError> scan::read_any_name_addr(std::string_view text, NameAddr& out, std::string_view& rest) {
  Cursor cursor(text);
  cursor.skip_blanks();
  const char* const begin = cursor.at;
  if (!take_address(cursor, out)) return ValueError::malformed;
  const auto note_tag = [&out](const Scanned& p) {
    if (!named(p.name, "tag")) return true;
    if (out.tag_value.data() != nullptr || !p.value_is_token) return false;
    out.tag_value = p.value;
    return true;
  };
  if (!take_parameters(cursor, out.parameters, note_tag)) return ValueError::malformed;
  out.text = trimmed(begin, cursor.at);
  if (!take_rest(cursor, rest)) return ValueError::malformed;
  return std::nullopt;
}

Result<NameAddr, ValueError> parse_name_addr(std::string_view value, std::string_view* rest) {
  Result<NameAddr, ValueError> address;
  std::string_view further;
  if (const auto error = scan::read_name_addr(value, value, *address, further)) return failure(*error);
  if (rest != nullptr) {
    *rest = further;
  } else if (!further.empty()) {
    return failure(ValueError::too_many);
  }
  return address;
}

Result<Contact, ValueError> parse_contact(std::string_view value, std::string_view* rest) {
  Contact out;
  if (trim(value) == "*") {
    out.star = true;
    if (rest != nullptr) *rest = {};
    return out;
  }
  const auto address = parse_name_addr(value, rest);
  if (!address) return failure(address.error());
  out.address = *address;
  for (const Parameter& p : out.address.parameter_list()) {
    if (scan::named(p.name, "expires")) {
      if (out.expires) return failure(ValueError::malformed);
      out.expires = expires_of(p.value);
    } else if (scan::named(p.name, "q")) {
      if (out.q) return failure(ValueError::malformed);
      out.q = parse_q(p.value);
      if (!out.q) return failure(ValueError::out_of_range);
    }
  }
  return out;
}

}  // namespace bellhop::sip
