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
  const std::size_t size = text.size();
  constexpr std::size_t step = sizeof(std::uint64_t);
  const auto copy_eight_at = [&](std::size_t at) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data() + at, step);
    octets = fold_case(octets);
    std::memcpy(out + at, &octets, step);
  };
  if (size < step) {
    for (std::size_t at = 0; at < size; ++at) out[at] = lower(text[at]);
    return out + size;
  }
  for (std::size_t at = 0; at + step < size; at += step) copy_eight_at(at);
  copy_eight_at(size - step);  // some of them twice, which changes nothing
  return out + size;
}

}  // namespace bellhop
