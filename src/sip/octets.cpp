#include "sip/octets.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace bellhop::sip::octets {

#ifdef __x86_64__
namespace {

// Half a block a step, on machines that can.
const bool has_avx2 = __builtin_cpu_supports("avx2");

[[gnu::target("avx2")]] inline __m256i load_wide(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
[[gnu::target("avx2")]] inline BlockBits joined(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         BlockBits{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32;
}

[[gnu::target("avx2")]] inline __m256i wide_controls(const char* at) {
  const __m256i octets = load_wide(at);
  const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
  return _mm256_or_si256(low, _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f)));
}

/// The octet of the row and of the column has a bit in common where the octet is plain: a column for each low half, a
/// row for each high one; what is above 0x7f has no column.
[[gnu::target("avx2")]] inline __m256i wide_delimiters(const char* at) {
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

[[gnu::target("avx2")]] BlockBits wide_controls_in_block(const char* at) {
  return joined(wide_controls(at), wide_controls(at + block / 2));
}
[[gnu::target("avx2")]] BlockBits wide_delimiters_in_block(const char* at) {
  return joined(wide_delimiters(at), wide_delimiters(at + block / 2));
}
}  // namespace
#endif

BlockBits controls_in_block(const char* at) {
#ifdef __x86_64__
  if (has_avx2) return wide_controls_in_block(at);
#endif
  return in_four_steps(at, controls);
}

BlockBits delimiters_in_block(const char* at) {
#ifdef __x86_64__
  if (has_avx2) return wide_delimiters_in_block(at);
#endif
  return ~in_four_steps(at, plain);
}

namespace {

template <BlockBits in_block(const char*)>
BlockBits in_next_block(std::string_view around, const char* at) {
  const char* const end = around.data() + around.size();
  const std::ptrdiff_t left = end - at;
  if (left >= std::ptrdiff_t{block}) [[likely]]
    return in_block(at);
  if (left == 0) return 0;
  if (around.size() >= block) return in_block(end - block) >> (std::ptrdiff_t{block} - left);
  char copy[block] = {};
  std::memcpy(copy, at, static_cast<std::size_t>(left));
  return in_block(copy);
}

BlockBits before(const char* end, const char* at, BlockBits bits) {
  const std::ptrdiff_t left = end - at;
  return left >= std::ptrdiff_t{block} ? bits : bits & ((BlockBits{1} << left) - 1);
}

}  // namespace

BlockBits next_controls(std::string_view around, const char* at, const char* end) {
  return before(end, at, in_next_block<controls_in_block>(around, at));
}

BlockBits next_delimiters(std::string_view around, const char* at, const char* end) {
  return before(end, at, in_next_block<delimiters_in_block>(around, at));
}

}  // namespace bellhop::sip::octets
