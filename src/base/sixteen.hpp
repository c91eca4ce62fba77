#pragma once

#include <cstring>

namespace bellhop {

/// Sixteen octets looked at in one step. Arithmetic and comparisons are the compiler's vector extension and so work on
/// every machine; a comparison sets all bits of the octets for which it holds.
using Sixteen = unsigned char __attribute__((vector_size(16)));

[[nodiscard]] inline Sixteen load_sixteen(const char* at) {
  Sixteen octets;
  std::memcpy(&octets, at, sizeof octets);
  return octets;
}

}  // namespace bellhop
