#pragma once

namespace bellhop::crypto {

/// For the sources of this room that call libsodium: starts it, once per process, from whichever thread is first.
/// Throws std::runtime_error when it has no source of randomness.
void sodium_ready();

}  // namespace bellhop::crypto
