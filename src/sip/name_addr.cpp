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

/// The plain one: ["display-name" SP] "<" plain URI ">" and plain parameters, and nothing behind them. False when it is
/// written otherwise or is none; what is then in `out` is of no use.
bool take_plain(std::string_view text, std::string_view around, NameAddr& out) {
  using plain::Runs;
  const char* begin = text.data();
  if (text.starts_with('"')) {
    const char* const end = begin + text.size();
    const char* const close = octets::find(begin + 1, end, [](octets::Sixteen some) {
      return octets::bits_of((some == '"') | (some == '\\') | (some - ' ' >= 0x7f - ' '));
    });
    if (end - close < 2 || *close != '"') return false;
    out.display_name = Cursor::since(begin, close + 1);
    begin = close[1] == ' ' ? close + 2 : close + 1;
  }
  if (!Cursor::since(begin, text.data() + text.size()).starts_with("<sip:")) return false;
  Runs runs(text, around, begin + 5);
  if (!plain::take_uri(runs, begin + 1, out.uri) || runs.behind() != '>' || !plain::is_host(out.uri.host, around))
    return false;
  out.angle_brackets = true;
  if (!runs.next().empty()) return false;
  const char* const parameters = runs.at();
  const bool has_parameters = runs.behind() == ';';
  while (runs.behind() == ';') {
    const std::string_view name = runs.next();
    if (name.empty()) return false;
    const bool has_value = runs.behind() == '=';
    const std::string_view value = has_value ? runs.next() : std::string_view{};
    if (has_value && value.empty()) return false;
    if (!scan::named(name, "tag")) continue;
    if (!has_value || out.tag_value.data() != nullptr) return false;
    out.tag_value = value;
  }
  if (has_parameters) out.parameters = Cursor::since(parameters, text.data() + text.size());
  out.text = text;
  return runs.behind() == Runs::none;
}

std::optional<std::uint32_t> expires_of(std::string_view text) {
  const auto seconds = parse_number(text, UINT32_MAX);
  if (seconds) return *seconds;
  return seconds.error() == ValueError::out_of_range ? UINT32_MAX : 3600;
}

}  // namespace

std::optional<ValueError> scan::read_name_addr(std::string_view text, std::string_view around, NameAddr& out,
                                               std::string_view& rest) {
  if (take_plain(text, around, out)) {
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
