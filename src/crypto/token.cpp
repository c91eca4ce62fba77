#include "crypto/token.hpp"

#include <sodium.h>

#include <cstring>
#include <stdexcept>

#include "base/text.hpp"

namespace bellhop::crypto {
namespace {

constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuv";

std::optional<std::uint64_t> value_of(char c) {
  const char folded = lower(c);
  if (folded >= '0' && folded <= '9') return static_cast<std::uint64_t>(folded - '0');
  if (folded >= 'a' && folded <= 'v') return static_cast<std::uint64_t>(folded - 'a') + 10;
  return std::nullopt;
}

std::uint64_t mac_of(const Key& key, std::uint64_t value) {
  return short_mac(key, {reinterpret_cast<const char*>(&value), sizeof value});
}

}  // namespace

Key random_key() {
  static const int ready = sodium_init();
  if (ready < 0) throw std::runtime_error("libsodium cannot start: no source of randomness");
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

std::uint64_t short_mac(const Key& key, std::string_view bytes) {
  static_assert(std::tuple_size_v<Key> == crypto_shorthash_KEYBYTES);
  static_assert(sizeof(std::uint64_t) == crypto_shorthash_BYTES);
  std::array<unsigned char, crypto_shorthash_BYTES> mac;
  crypto_shorthash(mac.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  std::uint64_t value = 0;
  for (std::size_t i = mac.size(); i-- > 0;) value = (value << 8) | mac[i];
  return value;
}

void append_base32(std::string& out, std::uint64_t value) {
  std::array<char, base32_size> text;
  for (std::size_t i = base32_size; i-- > 0; value >>= 5) text[i] = alphabet[value & 31];
  out.append(text.data(), text.size());
}

std::optional<std::uint64_t> parse_base32(std::string_view text) {
  if (text.size() != base32_size) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto five = value_of(c);
    if (!five || (value >> 59) != 0) return std::nullopt;
    value = (value << 5) | *five;
  }
  return value;
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
