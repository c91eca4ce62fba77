#include "base/text.hpp"
#include "sip/scan.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

using scan::Cursor;

bool take_uri(std::string_view text, NameAddr& out) {
  const auto uri = parse_uri(text);
  if (!uri) return false;
  out.uri = *uri;
  return true;
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

std::optional<std::uint32_t> expires_of(std::string_view text) {
  const auto seconds = parse_number(text, UINT32_MAX);
  if (seconds) return *seconds;
  return seconds.error() == ValueError::out_of_range ? UINT32_MAX : 3600;
}

}  // namespace

std::string_view NameAddr::tag() const {
  const auto parameter = parameter_list().find("tag");
  return parameter ? parameter->value : std::string_view{};
}

Result<NameAddr, ValueError> parse_name_addr(std::string_view value, std::string_view* rest) {
  Cursor cursor(value);
  cursor.skip_blanks();
  const char* const begin = cursor.at;
  NameAddr out;
  if (!take_address(cursor, out)) return failure(ValueError::malformed);
  bool tagged = false;
  const auto check = [&tagged](const scan::Scanned& p) {
    if (!scan::named(p.name, "tag")) return true;
    if (tagged || !p.value_is_token) return false;
    return tagged = true;
  };
  if (!scan::take_parameters(cursor, out.parameters, check)) return failure(ValueError::malformed);
  out.text = scan::trimmed(begin, cursor.at);
  std::string_view further;
  if (!scan::take_rest(cursor, further)) return failure(ValueError::malformed);
  if (rest == nullptr) {
    if (!further.empty()) return failure(ValueError::too_many);
  } else {
    *rest = further;
  }
  return out;
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
