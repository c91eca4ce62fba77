#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"

namespace bellhop::crypto {

struct PemPair {
  std::string certificate, key;
};

/// A certificate that vouches for itself, for trying TLS and wss out: P-256, valid from a day ago. `names` are host
/// names and IP addresses; the first is its common name unless it is too long for one. Throws std::runtime_error when
/// the library has no randomness or does not take a name.
[[nodiscard]] PemPair make_self_signed(const std::vector<std::string>& names, Duration valid);

}  // namespace bellhop::crypto
