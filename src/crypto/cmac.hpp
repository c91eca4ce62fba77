#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/token.hpp"

namespace bellhop::crypto {

/// AES-CMAC (RFC 4493), its first 64 bits, with what follows from the key reckoned once: for what is signed with every
/// message and read back by nobody but us, as nonces and To tags. With the machine's own AES it takes less than half of
/// short_mac()'s instructions; on a machine without, the library's serves, which takes longer.
///
/// Threads  any, for of().
class Cmac {
 public:
  explicit Cmac(const Key& key);

  [[nodiscard]] std::uint64_t of(std::string_view text) const;
  /// The same by the library, whatever the machine has.
  [[nodiscard]] std::uint64_t of_by_library(std::string_view text) const;

 private:
  static constexpr std::size_t block = 16, rounds = 10;
  using Block = std::array<unsigned char, block>;

  [[nodiscard]] Block by_library(const Block& plain) const;
  [[nodiscard]] std::uint64_t of_by_machine(std::string_view text) const;

  Key key_;
  alignas(block) std::array<Block, rounds + 1> round_keys_{};  ///< of the machine's AES
  alignas(block) Block whole_, part_;  ///< K1 and K2: what goes on top of the last block, as it is whole or not
};

}  // namespace bellhop::crypto
