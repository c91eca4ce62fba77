#include "sip/escape.hpp"

#include <cstdint>

#include "base/text.hpp"

namespace bellhop::sip {

std::string escape_parameter(std::string_view value) {
  static constexpr std::string_view hex = "0123456789ABCDEF", plain = "-_.!~*'()[]/:&+$";
  std::string out;
  for (const char c : value) {
    const bool alphanumeric = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
    if (alphanumeric || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto octet = static_cast<std::uint8_t>(c);
      out += '%';
      out += hex[octet >> 4];
      out += hex[octet & 15];
    }
  }
  return out;
}

}  // namespace bellhop::sip
