#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/text.hpp"

namespace bellhop {

// Upper to lower case, A-Z only, several octets at once.

/// Eight octets in a word.
[[nodiscard]] inline std::uint64_t fold_case(std::uint64_t word) {
  constexpr std::uint64_t every = 0x0101010101010101;
  const std::uint64_t low_bits = word & (0x7f * every);
  const std::uint64_t above_z = low_bits + (0x7f - 'Z') * every;
  const std::uint64_t from_a = low_bits + (0x80 - 'A') * every;
  const std::uint64_t upper = (from_a ^ above_z) & ~word & (0x80 * every);
  return word | upper >> 2;
}

/// Writes `text` in lower case to `out`, which has room for it, and returns where it ends. The last octets are written
/// with those before them once more, as whole words.
inline char* write_folded(char* out, std::string_view text) {
  using Sixteen = unsigned char __attribute__((vector_size(16)));
  const std::size_t size = text.size();
  const auto fold_16 = [&](std::size_t at) {
    Sixteen octets;
    std::memcpy(&octets, text.data() + at, sizeof octets);
    octets |= reinterpret_cast<Sixteen>(octets - 'A' < 26) & 0x20;
    std::memcpy(out + at, &octets, sizeof octets);
  };
  const auto fold_8 = [&](std::size_t at) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data() + at, sizeof octets);
    octets = fold_case(octets);
    std::memcpy(out + at, &octets, sizeof octets);
  };
  if (size >= 16) {
    for (std::size_t at = 0; at + 16 < size; at += 16) fold_16(at);
    fold_16(size - 16);
  } else if (size >= 8) {
    fold_8(0);
    fold_8(size - 8);
  } else {
    std::transform(text.begin(), text.end(), out, lower);
  }
  return out + size;
}

}  // namespace bellhop
