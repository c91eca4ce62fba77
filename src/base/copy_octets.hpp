#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace bellhop {

namespace detail {

/// `size` is one to two times `piece`: two pieces, which may overlap.
template <std::size_t piece>
void copy_two(const char* from, std::size_t size, char* to) {
  char first[piece], last[piece];
  std::memcpy(first, from, piece);
  std::memcpy(last, from + size - piece, piece);
  std::memcpy(to, first, piece);
  std::memcpy(to + size - piece, last, piece);
}

}  // namespace detail

/// memcpy() for texts that are mostly short, as the parts of messages are: up to 32 octets without a call. Returns
/// where the copy ends.
inline char* copy_octets(std::string_view text, char* to) {
  const std::size_t size = text.size();
  if (size > 32) {
    std::memcpy(to, text.data(), size);
  } else if (size >= 16) {
    detail::copy_two<16>(text.data(), size, to);
  } else if (size >= 8) {
    detail::copy_two<8>(text.data(), size, to);
  } else if (size >= 4) {
    detail::copy_two<4>(text.data(), size, to);
  } else if (size > 0) {
    const char first = text[0], middle = text[size / 2], last = text[size - 1];
    to[0] = first;
    to[size / 2] = middle;
    to[size - 1] = last;
  }
  return to + size;
}

}  // namespace bellhop
