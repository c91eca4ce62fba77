#pragma once

#include <optional>

#include "base/text.hpp"

namespace bellhop {

/// Of one hexadecimal digit in any case.
[[nodiscard]] constexpr std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char folded = lower(c);
  if (folded >= 'a' && folded <= 'f') return static_cast<unsigned>(folded - 'a') + 10;
  return std::nullopt;
}

}  // namespace bellhop
