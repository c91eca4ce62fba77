#include "sip/uri.hpp"

#include <array>
#include <bit>

#include "base/text.hpp"
#include "sip/octets.hpp"
#include "sip/plain.hpp"
#include "sip/scan.hpp"

namespace bellhop::sip {
namespace {

using scan::Cursor;
using scan::is;

/// What parsing adds to `uri`; nothing when all is well.
using Fault = std::optional<UriError>;

Scheme scheme_of(std::string_view text) {
  if (text.size() == 3) {
    const char c = lower(text[0]);
    if (c == 's' && lower(text[1]) == 'i' && lower(text[2]) == 'p') return Scheme::sip;
    if (c == 't' && lower(text[1]) == 'e' && lower(text[2]) == 'l') return Scheme::tel;
  }
  return equals_ignore_case(text, "sips") ? Scheme::sips : Scheme::other;
}

/// user [ ":" password ] "@". An "@" may stand nowhere else in a SIP URI, so its presence decides.
Fault take_userinfo(Cursor& cursor, Uri& uri) {
  if (cursor.rest().find('@') == std::string_view::npos) return {};
  uri.has_user = true;
  if (!cursor.take_escaped(scan::user, uri.user) || uri.user.empty()) return UriError::bad_user;
  uri.has_password = cursor.skip(':');
  if (uri.has_password && !cursor.take_escaped(scan::password, uri.password)) return UriError::bad_password;
  if (cursor.skip('@')) return {};
  return uri.has_password ? UriError::bad_password : UriError::bad_user;
}

Fault take_hostport(Cursor& cursor, Uri& uri) {
  const std::size_t length = host_length(cursor.rest());
  if (length == 0)
    return cursor.done() || cursor.sees(':') || cursor.sees(';') ? UriError::no_host : UriError::bad_host;
  uri.host = Cursor::since(cursor.at, cursor.at + length);
  cursor.at += length;
  if (cursor.skip(':')) {
    const char* const digits = cursor.at;
    const std::uint64_t port = scan::take_number(cursor, UINT16_MAX);
    if (cursor.at == digits || port > UINT16_MAX) return UriError::bad_port;
    uri.port = static_cast<std::uint16_t>(port);
    uri.has_port = true;
  }
  if (cursor.done() || cursor.sees(';') || cursor.sees('?')) return {};
  return uri.has_port ? UriError::bad_port : UriError::bad_host;
}

/// *( ";" pname [ "=" pvalue ] )
Fault take_uri_parameters(Cursor& cursor, Uri& uri) {
  if (!cursor.sees(';')) return {};
  const char* const begin = cursor.at + 1;
  std::string_view part;
  while (cursor.skip(';')) {
    if (!cursor.take_escaped(scan::parameter, part) || part.empty()) return UriError::bad_parameter;
    if (cursor.skip('=') && (!cursor.take_escaped(scan::parameter, part) || part.empty()))
      return UriError::bad_parameter;
  }
  uri.parameters = cursor.since(begin);
  return {};
}

/// "?" hname "=" hvalue *( "&" hname "=" hvalue )
Fault take_uri_headers(Cursor& cursor, Uri& uri) {
  if (!cursor.sees('?')) return {};
  const char* const begin = cursor.at + 1;
  std::string_view part;
  do {
    ++cursor.at;
    if (!cursor.take_escaped(scan::header, part) || part.empty() || !cursor.skip('=')) return UriError::bad_header;
    if (!cursor.take_escaped(scan::header, part)) return UriError::bad_header;
  } while (cursor.sees('&'));
  uri.headers = cursor.since(begin);
  return {};
}

Fault take_sip(Cursor& cursor, Uri& uri) {
  if (const Fault fault = take_userinfo(cursor, uri)) return fault;
  if (const Fault fault = take_hostport(cursor, uri)) return fault;
  if (const Fault fault = take_uri_parameters(cursor, uri)) return fault;
  if (const Fault fault = take_uri_headers(cursor, uri)) return fault;
  if (cursor.done()) return {};
  return uri.headers.data() == nullptr ? UriError::bad_parameter : UriError::bad_header;
}

/// telephone-subscriber. A local number without phone-context is let through: phones dial "tel:112" that way, and the
/// server that is asked is the only context there can be.
Fault take_tel(Cursor& cursor, Uri& uri) {
  const char* const begin = cursor.at;
  const bool global = cursor.skip('+');
  bool has_digit = false;
  for (; cursor.sees(scan::phone); ++cursor.at) {
    const char c = *cursor.at;
    const bool counts = global ? is(c, scan::digit) : is(c, scan::hex) || c == '*' || c == '#';
    if (global && !counts && (is(c, scan::hex) || c == '*' || c == '#')) return UriError::bad_number;
    has_digit |= counts;
  }
  uri.user = cursor.since(begin);
  if (!has_digit || !(cursor.done() || cursor.sees(';'))) return UriError::bad_number;
  if (const Fault fault = take_uri_parameters(cursor, uri)) return fault;
  return cursor.done() ? Fault{} : UriError::bad_parameter;
}

/// absoluteURI of any other scheme: nothing is known but that it holds no octet a URI may not hold.
Fault take_other(Cursor& cursor) {
  std::string_view opaque;
  return cursor.take_escaped(scan::absolute, opaque) && cursor.done() && !opaque.empty() ? Fault{}
                                                                                         : UriError::bad_scheme;
}

/// The plain one behind "sip:", and nothing behind it.
struct PlainUri {
  template <class Runs>
  [[gnu::always_inline]] static bool take(std::string_view text, std::string_view around, Uri& uri) {
    Runs runs(text, around, text.data() + 4);
    return plain::take_uri(runs, text.data(), uri) && runs.behind() == Runs::none;
  }
};

}  // namespace

std::optional<UriError> scan::read_uri(std::string_view text, std::string_view around, Uri& uri) {
  if (text.starts_with("sip:")) {
    if (plain::take<PlainUri>(text, around, uri)) return {};
    uri = Uri{};
  }
  return read_any_uri(text, uri);
}

std::optional<UriError> scan::read_any_uri(std::string_view text, Uri& uri) {
  if (text.empty()) return UriError::empty;
  if (text.size() > longest_uri) return UriError::too_long;
  uri.text = text;
  Cursor cursor(text);
  uri.scheme_text = cursor.take(scan::scheme);
  if (!cursor.skip(':')) return UriError::no_scheme;
  if (uri.scheme_text.empty() || !is(uri.scheme_text[0], scan::alpha)) return UriError::bad_scheme;
  uri.scheme = scheme_of(uri.scheme_text);
  switch (uri.scheme) {
    case Scheme::sip:
    case Scheme::sips: return take_sip(cursor, uri);
    case Scheme::tel: return take_tel(cursor, uri);
    case Scheme::other: break;
  }
  return take_other(cursor);
}

Result<Uri, UriError> parse_uri(std::string_view text) {
  Result<Uri, UriError> uri;
  if (const auto error = scan::read_uri(text, text, *uri)) return failure(*error);
  return uri;
}

std::string_view text_of(UriError error) {
  switch (error) {
    case UriError::empty: return "Empty URI";
    case UriError::no_scheme: return "URI Without Scheme";
    case UriError::bad_scheme: return "Bad URI Scheme";
    case UriError::bad_user: return "Bad User In URI";
    case UriError::bad_password: return "Bad Password In URI";
    case UriError::no_host: return "URI Without Host";
    case UriError::bad_host: return "Bad Host In URI";
    case UriError::bad_port: return "Bad Port In URI";
    case UriError::bad_parameter: return "Bad URI Parameter";
    case UriError::bad_header: return "Bad Header In URI";
    case UriError::bad_number: return "Bad Telephone Number";
    case UriError::too_long: return "URI Too Long";
  }
  return "Bad URI";
}

ParameterList::Iterator& ParameterList::Iterator::operator++() {
  Cursor cursor(rest_);
  cursor.skip_blanks();
  while (cursor.skip(';')) cursor.skip_blanks();
  done_ = true;
  current_ = {};
  const auto take_until = [&cursor](char stop) {
    const char* const begin = cursor.at;
    cursor.take(scan::token);  // nearly always all of it
    while (!cursor.done() && *cursor.at != ';' && *cursor.at != stop && !is(*cursor.at, scan::blank)) ++cursor.at;
    return cursor.since(begin);
  };
  current_.name = take_until('=');
  if (current_.name.empty()) return *this;
  done_ = false;
  cursor.skip_blanks();
  current_.has_value = cursor.skip('=');
  if (current_.has_value) {
    cursor.skip_blanks();
    current_.value = cursor.sees('"') ? cursor.take_quoted() : take_until(';');
    cursor.skip_blanks();
  }
  rest_ = cursor.sees(';') ? cursor.rest() : std::string_view{};
  return *this;
}

std::optional<Parameter> ParameterList::find_one_by_one(std::string_view name) const {
  for (const Parameter& parameter : *this) {
    if (scan::named(parameter.name, name)) return parameter;
    // RFC 3261 section 19.1.4: an escaped character is the character, so ";%6C%72" is ";lr".
    if (escapes_ == Escapes::percent && parameter.name.find('%') != std::string_view::npos &&
        scan::equals_decoded(parameter.name, name, /*fold_case=*/true))
      return parameter;
  }
  return std::nullopt;
}

// Most look-ups find nothing. Where no blank, quote or escape stands, a parameter begins behind each ";" and nowhere
// else, so those that begin with the right letter are all there is to look at.
std::optional<Parameter> ParameterList::find(std::string_view name) const {
  using octets::Bits;
  if (name.empty()) return std::nullopt;
  const auto letter = static_cast<unsigned char>(name[0] | 0x20);
  const char* const end = text_.data() + text_.size();
  Bits first_begins = 1;
  for (const char* at = text_.data(); at < end; at += octets::step) {
    const octets::Sixteen some = octets::load_part(at, static_cast<std::size_t>(end - at));
    const Bits ends = octets::bits_of(some == ';');
    const Bits begins = ends << 1 | first_begins;
    first_begins = ends >> (octets::step - 1);
    Bits candidates = begins & octets::bits_of((some | 0x20) == letter);
    const Bits odd =
        octets::bits_of((some - 1 < ' ') | (some == '"') | (some == '%')) | (begins & octets::bits_of(some == '='));
    if (odd != 0) return find_one_by_one(name);
    for (; candidates != 0; candidates &= candidates - 1) {
      const std::string_view rest = Cursor::since(at + std::countr_zero(candidates), end);
      const bool is_whole = rest.size() <= name.size() || rest[name.size()] == '=' || rest[name.size()] == ';';
      if (is_whole && starts_with_ignore_case(rest, name)) return *Iterator(rest);
    }
  }
  return std::nullopt;
}

}  // namespace bellhop::sip
