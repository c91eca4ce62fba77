#pragma once

#include <string_view>

#include "crypto/token.hpp"

namespace bellhop::crypto {

/// A key for one purpose, made from the server's key: what is signed for one purpose says nothing for another. Whoever
/// signs takes one of his own: without, a value shown to strangers in one place (a nonce, a tag) could be shown back in
/// another (a Route token).
[[nodiscard]] Key subkey(const Key& key, std::string_view purpose);

}  // namespace bellhop::crypto
