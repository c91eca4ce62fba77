#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "sip/escaped.hpp"
#include "sip/scan.hpp"
#include "sip/uri.hpp"

namespace bellhop::sip {
namespace {

using scan::Cursor;
using scan::is;

/// Parts of one URI that are compared one by one, in any order. More than these few are compared as one text, so that
/// no peer can make the comparison expensive.
constexpr std::size_t most_parts = 64;

/// One character off the front, decoded; an escaped reserved character (RFC 2396 section 2.2) is none of the plain
/// ones.
int take_character(std::string_view& text, bool fold_case) {
  constexpr std::string_view reserved = ";/?:@&=+$,";
  constexpr int escaped_reserved = 256;
  const auto decoded = scan::escaped_octet(text);
  const bool escaped = decoded.has_value();
  const char octet = decoded.value_or(text[0]);
  text.remove_prefix(escaped ? 3 : 1);
  const int character = static_cast<unsigned char>(fold_case ? lower(octet) : octet);
  return escaped && reserved.find(octet) != std::string_view::npos ? character + escaped_reserved : character;
}

bool same_host(std::string_view a, std::string_view b) {
  if (equals_ignore_case(a, b)) return true;
  const auto address = host_address(a);
  return address && address == host_address(b);
}

bool same_value(const Parameter& a, const Parameter& b) {
  return a.has_value == b.has_value && scan::equals_decoded(a.value, b.value, /*fold_case=*/true);
}

/// Parameters that make a difference by being there. The list of section 19.1.4 leaves out transport, its rule on
/// defaults and its examples do not.
bool matters_alone(std::string_view name) {
  constexpr std::array<std::string_view, 5> names{"transport", "user", "ttl", "method", "maddr"};
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view n) { return scan::equals_decoded(name, n, /*fold_case=*/true); });
}

std::optional<Parameter> find_decoded(const ParameterList& list, std::string_view name) {
  for (const Parameter& p : list)
    if (scan::equals_decoded(p.name, name, /*fold_case=*/true)) return p;
  return std::nullopt;
}

bool parameters_of_first_fit(const ParameterList& first, const ParameterList& second) {
  for (const Parameter& p : first) {
    const auto other = find_decoded(second, p.name);
    if (other ? !same_value(p, *other) : matters_alone(p.name)) return false;
  }
  return true;
}

bool too_many_parts(std::string_view text, char separator) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), separator)) >= most_parts;
}

bool same_parameters(const Uri& a, const Uri& b) {
  if (too_many_parts(a.parameters, ';') || too_many_parts(b.parameters, ';'))
    return equals_ignore_case(a.parameters, b.parameters);
  const ParameterList of_a = a.parameter_list();
  const ParameterList of_b = b.parameter_list();
  return parameters_of_first_fit(of_a, of_b) && parameters_of_first_fit(of_b, of_a);
}

Parameter take_header(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('&'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  const std::size_t equals = std::min(part.find('='), part.size());
  return {part.substr(0, equals), part.substr(std::min(equals + 1, part.size())), true};
}

/// Every header of one stands in the other, as often and with the same value, in any order.
bool same_headers(std::string_view a, std::string_view b) {
  if (a.empty() && b.empty()) return true;
  if (std::count(a.begin(), a.end(), '&') != std::count(b.begin(), b.end(), '&') || a.empty() != b.empty())
    return false;
  if (too_many_parts(a, '&')) return a == b;
  std::uint64_t matched = 0;
  while (!a.empty()) {
    const Parameter wanted = take_header(a);
    const bool is_body = equals_ignore_case(wanted.name, "body");
    std::string_view rest = b;
    bool found = false;
    for (std::uint64_t bit = 1; !rest.empty() && !found; bit <<= 1) {
      const Parameter h = take_header(rest);
      found = (matched & bit) == 0 && scan::equals_decoded(h.name, wanted.name, /*fold_case=*/true) &&
              scan::equals_decoded(h.value, wanted.value, /*fold_case=*/!is_body);
      if (found) matched |= bit;
    }
    if (!found) return false;
  }
  return true;
}

std::string without_visual_separators(std::string_view number) {
  std::string out;
  std::copy_if(number.begin(), number.end(), std::back_inserter(out),
               [](char c) { return std::string_view("-.()").find(c) == std::string_view::npos; });
  return out;
}

/// RFC 3966 section 4: every parameter counts, and numbers are compared digit by digit.
bool tel_parameters_of_first_fit(const ParameterList& first, const ParameterList& second) {
  for (const Parameter& p : first) {
    const auto other = find_decoded(second, p.name);
    if (!other || p.has_value != other->has_value) return false;
    const bool number = equals_ignore_case(p.name, "ext") || p.value.starts_with('+');
    if (number ? without_visual_separators(p.value) != without_visual_separators(other->value) : !same_value(p, *other))
      return false;
  }
  return true;
}

bool same_tel(const Uri& a, const Uri& b) {
  if (!equals_ignore_case(without_visual_separators(a.user), without_visual_separators(b.user))) return false;
  if (too_many_parts(a.parameters, ';') || too_many_parts(b.parameters, ';'))
    return equals_ignore_case(a.parameters, b.parameters);
  return tel_parameters_of_first_fit(a.parameter_list(), b.parameter_list()) &&
         tel_parameters_of_first_fit(b.parameter_list(), a.parameter_list());
}

}  // namespace

namespace scan {

bool equals_decoded(std::string_view a, std::string_view b, bool fold_case) {
  while (!a.empty() && !b.empty())
    if (take_character(a, fold_case) != take_character(b, fold_case)) return false;
  return a.empty() && b.empty();
}

}  // namespace scan

bool equivalent(const Uri& a, const Uri& b) {
  if (a.text == b.text) return true;  // also with a parameter twice, whose values differ
  if (a.scheme != b.scheme || a.scheme == Scheme::other) return false;
  if (a.scheme == Scheme::tel) return same_tel(a, b);
  return a.has_user == b.has_user && a.has_password == b.has_password && a.has_port == b.has_port && a.port == b.port &&
         scan::equals_decoded(a.user, b.user, /*fold_case=*/false) &&
         scan::equals_decoded(a.password, b.password, /*fold_case=*/false) && same_host(a.host, b.host) &&
         same_parameters(a, b) && same_headers(a.headers, b.headers);
}

std::string address_of_record(const Uri& uri, bool fold_user_case) {
  std::string out = uri.scheme == Scheme::tel ? without_visual_separators(uri.user) : unescape(uri.user);
  if (fold_user_case) out = to_lower(out);
  if (uri.host.empty()) return out;
  if (uri.has_user) out += '@';
  const std::size_t host_at = out.size();
  out += uri.host;
  std::transform(out.begin() + static_cast<std::ptrdiff_t>(host_at), out.end(),
                 out.begin() + static_cast<std::ptrdiff_t>(host_at), lower);
  return out;
}

}  // namespace bellhop::sip
