#include "crypto/token.hpp"

#include <sodium.h>

#include <bit>
#include <cstring>

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
  static_assert(std::endian::native == std::endian::little);  // as its octets are
  std::array<unsigned char, crypto_shorthash_BYTES> mac;
  crypto_shorthash(mac.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  return std::bit_cast<std::uint64_t>(mac);
}

char* write_base32(char* out, std::uint64_t value) {
#pragma GCC unroll 13
  for (std::size_t i = 0; i < base32_size; ++i) out[i] = base32_digits[(value >> (5 * (base32_size - 1 - i))) & 31];
  return out + base32_size;
}

void append_base32(std::string& out, std::uint64_t value) {
  std::array<char, base32_size> text;
  write_base32(text.data(), value);
  out.append(text.data(), text.size());
}

std::optional<std::uint64_t> parse_base32(std::string_view text) {
  if (text.size() != base32_size) return std::nullopt;
  const bool fits = base32_values[static_cast<unsigned char>(text.front())] < 16;  // it carries four bits
  std::uint64_t value = 0;
  unsigned seen = 0;
#pragma GCC unroll 13
  for (std::size_t i = 0; i < base32_size; ++i) {
    const unsigned five = base32_values[static_cast<unsigned char>(text[i])];
    seen |= five;
    value = (value << 5) | five;  // of no consequence when one was no digit
  }
  return fits && (seen & no_base32_digit) == 0 ? std::optional(value) : std::nullopt;
}

void append_stamped_number(std::string& out, const Key& key, std::uint64_t value) {
  std::array<char, stamped_number_size> text;
  write_base32(write_base32(text.data(), value), mac_of(key, value));
  out.append(text.data(), text.size());
}

std::optional<std::uint64_t> parse_stamped_number(std::string_view text, const Key& key) {
  if (text.size() != stamped_number_size) return std::nullopt;
  const auto value = parse_base32(text.substr(0, base32_size));
  const auto mac = parse_base32(text.substr(base32_size));
  return value && mac && *mac == mac_of(key, *value) ? value : std::nullopt;
}

}  // namespace bellhop::crypto
