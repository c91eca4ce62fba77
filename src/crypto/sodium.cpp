#include "crypto/sodium.hpp"

#include <sodium.h>

#include <stdexcept>

namespace bellhop::crypto {

void sodium_ready() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) throw std::runtime_error("libsodium cannot start: no source of randomness");
}

}  // namespace bellhop::crypto
