#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

#ifdef __SSE2__
/// The same in sixteen octets.
[[nodiscard]] inline __m128i fold_case(__m128i octets) {
  const __m128i from_a = _mm_cmpgt_epi8(octets, _mm_set1_epi8('A' - 1));
  const __m128i to_z = _mm_cmplt_epi8(octets, _mm_set1_epi8('Z' + 1));
  return _mm_or_si128(octets, _mm_and_si128(_mm_and_si128(from_a, to_z), _mm_set1_epi8('a' - 'A')));
}
#endif

namespace detail {

/// So many octets at a time, of which there are as many at least.
template <class Octets>
void copy_lower_by(const char* text, std::size_t size, char* out) {
  const auto copy_at = [&](std::size_t at) {
    Octets octets;
    std::memcpy(&octets, text + at, sizeof octets);
    octets = fold_case(octets);
    std::memcpy(out + at, &octets, sizeof octets);
  };
  for (std::size_t at = 0; at + sizeof(Octets) < size; at += sizeof(Octets)) copy_at(at);
  copy_at(size - sizeof(Octets));  // some of them twice, which changes nothing
}

}  // namespace detail

/// Writes `text` in lower case; returns where it ends. `out` may be where `text` stands.
inline char* copy_lower(std::string_view text, char* out) {
  const std::size_t size = text.size();
#ifdef __SSE2__
  if (size >= sizeof(__m128i)) {
    detail::copy_lower_by<__m128i>(text.data(), size, out);
    return out + size;
  }
#endif
  if (size >= sizeof(std::uint64_t)) {
    detail::copy_lower_by<std::uint64_t>(text.data(), size, out);
  } else {
    for (std::size_t at = 0; at < size; ++at) out[at] = lower(text[at]);
  }
  return out + size;
}

}  // namespace bellhop
