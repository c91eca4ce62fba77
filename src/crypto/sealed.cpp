#include "crypto/sealed.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "crypto/base32.hpp"
#include "crypto/sodium.hpp"
#include "crypto/subkey.hpp"

namespace bellhop::crypto {

namespace {

constexpr std::size_t nonce_size = crypto_aead_chacha20poly1305_IETF_NPUBBYTES,
                      mac_size = crypto_aead_chacha20poly1305_IETF_ABYTES;
using SealKey = std::array<unsigned char, crypto_aead_chacha20poly1305_IETF_KEYBYTES>;

/// A subkey as long as the cipher wants it.
SealKey key_for_sealing(const Key& key) {
  const Key first = subkey(key, "seal 1"), second = subkey(key, "seal 2");
  SealKey out;
  std::copy(first.begin(), first.end(), out.begin());
  std::copy(second.begin(), second.end(), out.begin() + first.size());
  return out;
}

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_text(std::string_view octets) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : octets) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out += base32_digits[held >> (bits - 5) & 31];
  }
  if (bits > 0) out += base32_digits[held << (5 - bits) & 31];
  return out;
}

/// Only what to_text() writes: the bits that are left over are fewer than a digit has, and zero.
std::optional<std::string> to_octets(std::string_view text) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    const auto digit = base32_value(c);
    if (!digit) return std::nullopt;
    held = held << 5 | *digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(held >> bits));
    held &= (1u << bits) - 1;
  }
  return bits < 5 && held == 0 ? std::optional(out) : std::nullopt;
}

}  // namespace

std::string seal(const Key& key, std::string_view octets) {
  sodium_ready();
  const SealKey sealing = key_for_sealing(key);
  std::string sealed(nonce_size + octets.size() + mac_size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
  randombytes_buf(out, nonce_size);
  crypto_aead_chacha20poly1305_ietf_encrypt(out + nonce_size, nullptr, octets_of(octets), octets.size(), nullptr, 0,
                                            nullptr, out, sealing.data());
  return to_text(sealed);
}

std::optional<std::string> unseal(const Key& key, std::string_view text) {
  const auto sealed = to_octets(text);
  if (!sealed || sealed->size() < nonce_size + mac_size) return std::nullopt;
  const SealKey sealing = key_for_sealing(key);
  std::string plain(sealed->size() - nonce_size - mac_size, '\0');
  const std::string_view body = std::string_view(*sealed).substr(nonce_size);
  const int opened = crypto_aead_chacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), nullptr,
                                                               nullptr, octets_of(body), body.size(), nullptr, 0,
                                                               octets_of(*sealed), sealing.data());
  return opened == 0 ? std::optional(plain) : std::nullopt;
}

}  // namespace bellhop::crypto
