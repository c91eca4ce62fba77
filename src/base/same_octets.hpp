#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bellhop {

namespace detail {

/// `size` is one to two times that of a Piece: two pieces, which may overlap.
template <class Piece>
bool same_two(const char* a, const char* b, std::size_t size) {
  Piece a_first, a_last, b_first, b_last;
  std::memcpy(&a_first, a, sizeof(Piece));
  std::memcpy(&b_first, b, sizeof(Piece));
  std::memcpy(&a_last, a + size - sizeof(Piece), sizeof(Piece));
  std::memcpy(&b_last, b + size - sizeof(Piece), sizeof(Piece));
  return ((a_first ^ b_first) | (a_last ^ b_last)) == 0;
}

}  // namespace detail

/// Whether two texts are the same, octet by octet, for those that are mostly
/// short: up to 16 octets without a call.
inline bool same_octets(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size >= 8) return detail::same_two<std::uint64_t>(a.data(), b.data(), size);
  if (size >= 4) return detail::same_two<std::uint32_t>(a.data(), b.data(), size);
  if (size >= 2) return detail::same_two<std::uint16_t>(a.data(), b.data(), size);
  return size == 0 || a[0] == b[0];
}

}  // namespace bellhop
