#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bellhop::crypto {

// For the sources of this room: base32 whose digits (those of RFC 4648 section 7, lower case) are token characters of
// SIP.

inline constexpr std::string_view base32_digits = "0123456789abcdefghijklmnopqrstuv";

/// What no digit has for a value: it shows in whatever several digits are or-ed to.
inline constexpr std::uint8_t no_base32_digit = 0x80;
/// The values of all characters, digits in any case.
inline constexpr auto base32_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_base32_digit);
  for (std::uint8_t i = 0; i < 32; ++i) {
    const char digit = base32_digits[i];
    values[static_cast<unsigned char>(digit)] = i;
    if (digit >= 'a') values[static_cast<unsigned char>(digit - 'a' + 'A')] = i;
  }
  return values;
}();

[[nodiscard]] inline std::optional<unsigned> base32_value(char c) {
  const unsigned value = base32_values[static_cast<unsigned char>(c)];
  return value == no_base32_digit ? std::nullopt : std::optional(value);
}

}  // namespace bellhop::crypto
