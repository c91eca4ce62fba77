#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/text.hpp"

namespace bellhop {

/// A-Z to a-z in eight octets at once, and nothing else.
[[nodiscard]] inline std::uint64_t fold_case(std::uint64_t octets) {
  constexpr std::uint64_t every = 0x0101010101010101;
  const std::uint64_t low_bits = octets & (0x7f * every);
  const std::uint64_t above_z = low_bits + (0x7f - 'Z') * every;
  const std::uint64_t from_a = low_bits + (0x80 - 'A') * every;
  const std::uint64_t upper = (from_a ^ above_z) & ~octets & (0x80 * every);
  return octets | upper >> 2;
}

/// Writes `text` in lower case; returns where it ends. `out` may be where `text` stands.
inline char* copy_lower(std::string_view text, char* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint64_t octets = 0;
  for (; static_cast<std::size_t>(end - at) >= sizeof octets; at += sizeof octets, out += sizeof octets) {
    std::memcpy(&octets, at, sizeof octets);
    octets = fold_case(octets);
    std::memcpy(out, &octets, sizeof octets);
  }
  while (at != end) *out++ = lower(*at++);
  return out;
}

}  // namespace bellhop
