#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/sixteen.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Internal to the room: sixteen octets looked at in one step. The comparisons are the compiler's vector extension and
// so work on every machine; only gathering their outcome into bits has an instruction of its own on x86-64.
namespace bellhop::sip::octets {

using bellhop::Sixteen;
using Halves = std::uint64_t __attribute__((vector_size(16)));

inline constexpr std::size_t step = sizeof(Sixteen);

/// Bit i tells about octet i.
using Bits = std::uint32_t;

/// Of every octet.
inline constexpr Bits all = 0xffff;

[[nodiscard]] inline Sixteen load(const char* at) {
  return load_sixteen(at);
}

/// Eight of the octets as a number that has the first of them lowest.
[[nodiscard]] inline std::uint64_t half(Sixteen octets, int which) {
  const std::uint64_t number = reinterpret_cast<Halves>(octets)[which];
  return std::endian::native == std::endian::little ? number : __builtin_bswap64(number);
}
[[nodiscard]] inline std::uint64_t low_half(Sixteen octets) {
  return half(octets, 0);
}
[[nodiscard]] inline std::uint64_t high_half(Sixteen octets) {
  return half(octets, 1);
}

/// The top bit of each octet, without the instruction for it.
[[nodiscard]] inline Bits gathered(Sixteen octets) {
  Bits bits = 0;
  for (std::size_t i = 0; i < step; ++i) bits |= static_cast<Bits>(octets[i] >> 7) << i;
  return bits;
}

/// What a comparison of vectors found.
template <class Found>
[[nodiscard]] inline Bits bits_of(Found found) {
#ifdef __SSE2__
  return static_cast<Bits>(_mm_movemask_epi8(reinterpret_cast<__m128i>(found)));
#else
  return gathered(reinterpret_cast<Sixteen>(found));
#endif
}

/// The octets of [at, at + size), at most sixteen of them and never one beyond; the rest is zero.
[[nodiscard]] inline Sixteen load_part(const char* at, std::size_t size) {
  if (size >= step) [[likely]]
    return load(at);
  const auto word = [at](auto& out, std::size_t from) { std::memcpy(&out, at + from, sizeof out); };
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if constexpr (std::endian::native != std::endian::little) {
    Sixteen octets{};
    std::memcpy(&octets, at, size);
    return octets;
  }
  if (size > 8) {
    word(low, 0);
    word(high, size - 8);
    high >>= 8 * (step - size);
  } else if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    word(first, 0);
    word(last, size - 4);
    low = first | static_cast<std::uint64_t>(last) << (8 * (size - 4));
  } else if (size > 0) {
    low = static_cast<unsigned char>(at[0]) |
          static_cast<std::uint64_t>(static_cast<unsigned char>(at[size / 2])) << (8 * (size / 2)) |
          static_cast<std::uint64_t>(static_cast<unsigned char>(at[size - 1])) << (8 * (size - 1));
  }
  return reinterpret_cast<Sixteen>(Halves{low, high});
}

/// Control octets: those below SP, and DEL.
[[nodiscard]] inline Bits controls(Sixteen octets) {
  return bits_of((octets < 0x20) | (octets == 0x7f));
}

/// Letters, digits, "-", "_" and ".": what nearly all tokens, hosts and tags are made of.
[[nodiscard]] inline Bits plain(Sixteen octets) {
  const Sixteen folded = octets | 0x20;
  const Sixteen letter = folded - 'a';
  const Sixteen digit = octets - '0';
  return bits_of((letter < 26) | (digit < 10) | (octets == '_') | (octets - '-' < 2));
}

/// The sixteen octets at a place in a text, or as many as are left. Nothing outside the text is read: near its end the
/// last sixteen are loaded, and those in front of the place are left out of account.
struct Window {
  Window(std::string_view text, const char* at) {
    const char* const end = text.data() + text.size();
    const auto left = static_cast<std::size_t>(end - at);
    if (left >= step) [[likely]] {
      octets = load(at);
    } else if (text.size() >= step) {
      octets = load(end - step);
      skipped = static_cast<unsigned>(step - left);
    } else {
      octets = load_part(at, left);
      counted = (Bits{1} << left) - 1;
    }
  }
  /// What was found in `octets`: bit i tells about the octet at `at` + i, and none about what is behind the end.
  [[nodiscard]] Bits of(Bits found) const { return found >> skipped & counted; }

  Sixteen octets;
  unsigned skipped = 0;
  Bits counted = all;
};

/// Which is the first that has a bit; 64 when none has.
[[nodiscard]] inline std::size_t first_of(std::uint64_t bits) {
  return static_cast<unsigned>(std::countr_zero(bits));
}

/// The first octet of [at, end) for which `found`, a function from Sixteen to Bits, has a bit; `end` when there is
/// none.
template <class Found>
[[nodiscard]] const char* find(const char* at, const char* end, Found found) {
  const std::string_view text(at, static_cast<std::size_t>(end - at));
  for (; at < end; at += step) {
    const Window window(text, at);
    if (const Bits bits = window.of(found(window.octets))) return at + std::countr_zero(bits);
  }
  return end;
}

/// The first octet of [at, end) that is not plain().
[[nodiscard]] inline const char* behind_plain(const char* at, const char* end) {
  return find(at, end, [](Sixteen octets) { return ~plain(octets) & all; });
}

/// Whether wide_octets.hpp may be used here: found out when the program starts.
extern const bool has_wide;

inline constexpr std::size_t block = 64;
/// Bit i tells about octet i of a block.
using BlockBits = std::uint64_t;

/// Which of the 64 octets at `at` are control octets, and which are not plain().
[[nodiscard]] BlockBits controls_in_block(const char* at);
[[nodiscard]] BlockBits delimiters_in_block(const char* at);
/// The same for any function from Sixteen to Bits, on every machine.
template <class Found>
[[nodiscard]] BlockBits in_four_steps(const char* at, Found found) {
  return BlockBits{found(load(at))} | BlockBits{found(load(at + step))} << step |
         BlockBits{found(load(at + 2 * step))} << 2 * step | BlockBits{found(load(at + 3 * step))} << 3 * step;
}

[[nodiscard]] inline BlockBits controls_by_sixteen(const char* at) {
  return in_four_steps(at, controls);
}
[[nodiscard]] inline BlockBits delimiters_by_sixteen(const char* at) {
  return ~in_four_steps(at, plain);
}

/// Those of the bits of a block at `at` that tell about what stands before `end`, which is not before `at`.
[[nodiscard]] inline BlockBits before(const char* end, const char* at, BlockBits bits) {
  const std::ptrdiff_t left = end - at;
  return left >= std::ptrdiff_t{block} ? bits : bits & ((BlockBits{1} << left) - 1);
}

/// Which of the next 64 octets of [at, end), a part of `around`, are control octets, and which are not plain(). Nothing
/// outside `around` is read, and no bit tells about what is behind the end.
[[nodiscard]] BlockBits next_controls(std::string_view around, const char* at, const char* end);
[[nodiscard]] BlockBits next_delimiters(std::string_view around, const char* at, const char* end);

/// Where the first control octet stands from `at` on; the size of the text when there is none.
[[nodiscard]] inline std::size_t find_control(std::string_view text, std::size_t at) {
  const char* const end = text.data() + text.size();
  for (; at < text.size(); at += block) {
    if (const BlockBits bits = next_controls(text, text.data() + at, end)) return at + first_of(bits);
  }
  return text.size();
}

}  // namespace bellhop::sip::octets
