#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/cmac.hpp"

namespace bellhop::crypto {

/// A MAC of 64 bits for texts of some hundred octets, as whole messages are: NH with words of 64 bits, as in VMAC
/// (T. Krovetz and W. Dai, draft-krovetz-vmac-01), makes each kibioctet 16 octets, and AES-CMAC signs those. Two texts
/// collide with a chance of 2^-64, whoever chose them. Some 500 instructions for 800 octets.
///
/// Threads  any, for of().
class LongMac {
 public:
  explicit LongMac(const Key& key);

  /// Of the text and a number that goes with it.
  [[nodiscard]] std::uint64_t of(std::string_view text, std::uint64_t number) const;

 private:
  static constexpr std::size_t block = 1024, word = sizeof(std::uint64_t);

  std::array<std::uint64_t, block / word> words_;  ///< what is added to the words of each block
  Cmac mac_;
};

}  // namespace bellhop::crypto
