#pragma once

#include <optional>
#include <string_view>

#include "base/hex.hpp"

namespace bellhop::sip::scan {

/// Internal to the room: what "%XX" at the beginning of the text stands for; nothing when there is something else.
[[nodiscard]] inline std::optional<char> escaped_octet(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const auto high = hex_value(text[1]), low = hex_value(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

}  // namespace bellhop::sip::scan
