#include "crypto/token.hpp"

#include <sodium.h>

#include <bit>

#include "crypto/base32.hpp"
#include "crypto/sodium.hpp"

namespace bellhop::crypto {
namespace {

std::uint64_t mac_of(const Key& key, std::uint64_t value) {
  return short_mac(key, {reinterpret_cast<const char*>(&value), sizeof value});
}

}  // namespace

Key random_key() {
  sodium_ready();
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

std::uint64_t short_mac(const Key& key, std::string_view bytes) {
  static_assert(std::tuple_size_v<Key> == crypto_shorthash_KEYBYTES);
  static_assert(sizeof(std::uint64_t) == crypto_shorthash_BYTES);
  sodium_ready();
  std::array<unsigned char, crypto_shorthash_BYTES> mac;
  crypto_shorthash(mac.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  const auto value = std::bit_cast<std::uint64_t>(mac);
  return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

void append_base32(std::string& out, std::uint64_t value) {
  std::array<char, base32_size> text;
#pragma GCC unroll 13
  for (std::size_t i = base32_size; i-- > 0; value >>= 5) text[i] = base32_digits[value & 31];
  out.append(text.data(), text.size());
}

std::optional<std::uint64_t> parse_base32(std::string_view text) {
  if (text.size() != base32_size) return std::nullopt;
  const unsigned first = base32_values[static_cast<unsigned char>(text.front())];
  std::uint64_t value = first;
  unsigned seen = first;
#pragma GCC unroll 12
  for (std::size_t i = 1; i < base32_size; ++i) {
    const unsigned five = base32_values[static_cast<unsigned char>(text[i])];
    seen |= five;
    value = (value << 5) | five;  // too many bits come of what is no digit, and then the value is of no use
  }
  const bool fits = first < 16;  // it carries four bits
  return fits && (seen & no_base32_digit) == 0 ? std::optional(value) : std::nullopt;
}

void append_stamped_number(std::string& out, const Key& key, std::uint64_t value) {
  append_base32(out, value);
  append_base32(out, mac_of(key, value));
}

std::optional<std::uint64_t> parse_stamped_number(std::string_view text, const Key& key) {
  if (text.size() != stamped_number_size) return std::nullopt;
  const auto value = parse_base32(text.substr(0, base32_size));
  const auto mac = parse_base32(text.substr(base32_size));
  return value && mac && *mac == mac_of(key, *value) ? value : std::nullopt;
}

}  // namespace bellhop::crypto
