#pragma once

#include <cstddef>

namespace bellhop {

/// Asks for all cache lines of what will soon be needed at once, so that reading it does not wait for each in turn.
/// Worth its price for what has lain untouched while thousands of other messages passed.
inline void prefetch(const void* begin, std::size_t size) {
  constexpr std::size_t line = 64;
  const auto* const at = static_cast<const char*>(begin);
  for (std::size_t offset = 0; offset < size; offset += line) __builtin_prefetch(at + offset);
}

template <class T>
void prefetch(const T& object) {
  prefetch(&object, sizeof object);
}

}  // namespace bellhop
