#pragma once

#include <cstdint>

namespace bellhop {

/// Small fast generator (xoshiro256++), one per shard, handed to whoever needs chance: a test passes a fixed seed.
/// Not for keys; keys come from crypto::random_key().
class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// True with this probability (0..1).
  [[nodiscard]] bool chance(double probability);

  /// A seed from the kernel, for everything but tests.
  [[nodiscard]] static std::uint64_t seed_from_system();

 private:
  std::uint64_t state_[4];
};

}  // namespace bellhop
