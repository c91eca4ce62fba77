#include "sip/escape.hpp"

#include "sip/escaped.hpp"
#include "sip/scan.hpp"
#include "sip/uri.hpp"

namespace bellhop::sip {
namespace {

/// All but characters of `plain` as %XX.
std::string escape(std::string_view text, scan::Set plain) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (scan::is(c, plain)) {
      out += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out += '%';
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
  }
  return out;
}

}  // namespace

std::string escape_user(std::string_view text) {
  return escape(text, scan::user);
}

std::string escape_parameter(std::string_view text) {
  return escape(text, scan::parameter);
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto octet = scan::escaped_octet(text);
    out += octet.value_or(text[0]);
    text.remove_prefix(octet ? 3 : 1);
  }
  return out;
}

}  // namespace bellhop::sip
