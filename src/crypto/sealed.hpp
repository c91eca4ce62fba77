#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/token.hpp"

namespace bellhop::crypto {

// Texts that only we can read and nobody can change (ChaCha20-Poly1305 of libsodium with a random nonce): what we hand
// out to get back one day without keeping it meanwhile.

/// The octets sealed, as text of 0-9 and a-v: (octets + 28) * 8 / 5 characters, other ones each time.
[[nodiscard]] std::string seal(const Key& key, std::string_view octets);
/// Nothing when this was not sealed with this key. Case does not matter.
[[nodiscard]] std::optional<std::string> unseal(const Key& key, std::string_view text);

}  // namespace bellhop::crypto
