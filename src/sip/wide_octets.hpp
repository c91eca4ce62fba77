#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "sip/octets.hpp"

// Internal to the room: what octets.hpp does with a block, half of it a step, on machines with AVX2 and the bit
// instructions that came with it. Only where has_wide says so may this be called, and functions that are compiled for
// such machines as these are.
namespace bellhop::sip::octets {

#ifdef __x86_64__
[[gnu::target("avx2,bmi,bmi2")]] inline __m256i load_wide(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
[[gnu::target("avx2,bmi,bmi2")]] inline BlockBits joined(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         BlockBits{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32;
}

[[gnu::target("avx2,bmi,bmi2")]] inline __m256i wide_controls(const char* at) {
  const __m256i octets = load_wide(at);
  const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
  return _mm256_or_si256(low, _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f)));
}

/// The octet of the row and of the column has a bit in common where the octet is plain: a column for each low half, a
/// row for each high one; what is above 0x7f has no column.
[[gnu::target("avx2,bmi,bmi2")]] inline __m256i wide_delimiters(const char* at) {
  constexpr char hyphen_and_dot = 1, numbers = 2, first_letters = 4, last_letters = 8, underscore = 16;
  constexpr char in_all = numbers | first_letters | last_letters;
  const __m256i columns = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(numbers | last_letters, in_all, in_all, in_all, in_all, in_all, in_all, in_all, in_all, in_all,
                    first_letters | last_letters, first_letters, first_letters, first_letters | hyphen_and_dot,
                    first_letters | hyphen_and_dot, first_letters | underscore));
  const __m256i rows =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, hyphen_and_dot, numbers, first_letters, last_letters | underscore,
                                                first_letters, last_letters, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i octets = load_wide(at);
  const __m256i high_halves = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(0x0f));
  const __m256i common = _mm256_and_si256(_mm256_shuffle_epi8(columns, octets), _mm256_shuffle_epi8(rows, high_halves));
  return _mm256_cmpeq_epi8(common, _mm256_setzero_si256());
}

[[gnu::target("avx2,bmi,bmi2")]] inline BlockBits wide_controls_in_block(const char* at) {
  return joined(wide_controls(at), wide_controls(at + block / 2));
}
[[gnu::target("avx2,bmi,bmi2")]] inline BlockBits wide_delimiters_in_block(const char* at) {
  return joined(wide_delimiters(at), wide_delimiters(at + block / 2));
}
#endif

}  // namespace bellhop::sip::octets
