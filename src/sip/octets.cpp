#include "sip/octets.hpp"

#include "sip/plain.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace bellhop::sip::octets {
namespace {

template <class Found>
BlockBits of_all_steps(const char* at, Found found) {
  return BlockBits{found(load(at))} | BlockBits{found(load(at + step))} << step |
         BlockBits{found(load(at + 2 * step))} << 2 * step | BlockBits{found(load(at + 3 * step))} << 3 * step;
}

#ifdef __x86_64__
#define WITH_AVX2 [[gnu::target("avx2")]]
const bool has_avx2 = __builtin_cpu_supports("avx2");

WITH_AVX2 inline __m256i load_wide(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
WITH_AVX2 inline BlockBits joined(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         BlockBits{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32;
}

WITH_AVX2 inline __m256i wide_controls(const char* at) {
  const __m256i octets = load_wide(at);
  const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
  return _mm256_or_si256(low, _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f)));
}

/// The octet of the row and of the column has a bit in common where the octet is plain: a column for each low half, a
/// row for each high one; what is above 0x7f has no column.
WITH_AVX2 inline __m256i wide_delimiters(const char* at) {
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

WITH_AVX2 BlockBits wide_controls_in_block(const char* at) {
  return joined(wide_controls(at), wide_controls(at + block / 2));
}
WITH_AVX2 BlockBits wide_delimiters_in_block(const char* at) {
  return joined(wide_delimiters(at), wide_delimiters(at + block / 2));
}
#else
constexpr bool has_avx2 = false;
BlockBits wide_controls_in_block(const char*) {
  return 0;
}
BlockBits wide_delimiters_in_block(const char*) {
  return 0;
}
#endif

}  // namespace

BlockBits controls_in_block(const char* at) {
  return has_avx2 ? wide_controls_in_block(at) : of_all_steps(at, controls);
}

BlockBits delimiters_in_block(const char* at) {
  return has_avx2 ? wide_delimiters_in_block(at) : ~of_all_steps(at, plain);
}

}  // namespace bellhop::sip::octets

namespace bellhop::sip::plain {

octets::BlockBits Runs::delimiters(std::string_view around, const char* at, const char* end) {
  const octets::BlockBits bits = octets::find_in_block<octets::delimiters_in_block>(around, at);
  const std::ptrdiff_t left = end - at;
  return left >= std::ptrdiff_t{octets::block} ? bits : bits & ((octets::BlockBits{1} << left) - 1);
}

}  // namespace bellhop::sip::plain
