#include "crypto/subkey.hpp"

#include <sodium.h>

#include "crypto/sodium.hpp"

namespace bellhop::crypto {

Key subkey(const Key& key, std::string_view purpose) {
  sodium_ready();
  Key out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     key.data(), key.size());
  return out;
}

}  // namespace bellhop::crypto
