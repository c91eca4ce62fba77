#pragma once

#include <cstdint>
#include <string_view>

namespace bellhop {

/// Seeded XXH3, 64 bits. The seed is drawn once per process, so that no peer can choose colliding keys.
/// Not a signature: what a peer must not be able to forge is a `crypto::Token`.
[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed);

/// A 128-bit key that stands for a longer text in a table; equal keys are taken for equal texts.
struct Hash128 {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
[[nodiscard]] Hash128 hash128(std::string_view bytes, std::uint64_t seed);

/// Hasher of maps whose key is a Hash128: the key is already uniform.
struct HashOfHash128 {
  using is_avalanching = void;
  std::size_t operator()(const Hash128& key) const noexcept { return key.low; }
};

}  // namespace bellhop
