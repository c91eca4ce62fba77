#pragma once

#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace bellhop::crypto {

// For the sources of this room: base32 whose digits (those of RFC 4648 section 7, lower case) are token characters of
// SIP.

inline constexpr std::string_view base32_digits = "0123456789abcdefghijklmnopqrstuv";

/// In any case.
[[nodiscard]] inline std::optional<unsigned> base32_value(char c) {
  const char folded = lower(c);
  if (folded >= '0' && folded <= '9') return static_cast<unsigned>(folded - '0');
  if (folded >= 'a' && folded <= 'v') return static_cast<unsigned>(folded - 'a') + 10;
  return std::nullopt;
}

}  // namespace bellhop::crypto
