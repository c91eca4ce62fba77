#include "crypto/cmac.hpp"

// Deprecated for applications that let the operator choose who computes; for one block all else is mostly handling.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/copy_octets.hpp"

namespace bellhop::crypto {

namespace {

using Block = std::array<unsigned char, 16>;

/// Times x in GF(2^128), as section 2.3 makes its subkeys.
Block doubled(const Block& in) {
  Block out;
  for (std::size_t i = 0; i < in.size(); ++i)
    out[i] = static_cast<unsigned char>(in[i] << 1 | (i + 1 < in.size() ? in[i + 1] >> 7 : 0));
  if ((in[0] & 0x80) != 0) out.back() ^= 0x87;
  return out;
}

Block sum(const Block& a, const Block& b) {
  Block out;
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::bit_xor<>());
  return out;
}

Block first_block(std::string_view text) {
  Block out;
  std::memcpy(out.data(), text.data(), out.size());
  return out;
}

/// At most 15 octets, made a block.
Block padded(std::string_view text) {
  Block out{};
  const std::string_view part(text.data(), text.size() % out.size());
  *copy_octets(part, reinterpret_cast<char*>(out.data())) = static_cast<char>(0x80);
  return out;
}

}  // namespace

#ifdef __x86_64__
namespace {

const bool has_aes = __builtin_cpu_supports("aes");

[[gnu::target("aes")]] inline __m128i load(const Block& block) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(block.data()));
}

/// FIPS 197 section 5.2.
template <int constant>
[[gnu::target("aes")]] inline __m128i next_round_key(__m128i key) {
  const __m128i turned = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, constant), 0xff);
  for (int word = 1; word < 4; ++word) key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  return _mm_xor_si128(key, turned);
}

template <int... constants>
[[gnu::target("aes")]] void expand(const Key& key, Block* round_keys) {
  __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data()));
  auto* to = reinterpret_cast<__m128i*>(round_keys);
  _mm_store_si128(to, next);
  ((next = next_round_key<constants>(next), _mm_store_si128(++to, next)), ...);
}

[[gnu::target("aes")]] inline __m128i encrypted(__m128i state, const Block* round_keys) {
  state = _mm_xor_si128(state, load(round_keys[0]));
#pragma GCC unroll 9
  for (int round = 1; round < 10; ++round) state = _mm_aesenc_si128(state, load(round_keys[round]));
  return _mm_aesenclast_si128(state, load(round_keys[10]));
}

}  // namespace

[[gnu::target("aes")]] std::uint64_t Cmac::of_by_machine(std::string_view text) const {
  alignas(block) Block last{};
  __m128i state = _mm_setzero_si128();
  const auto add = [&state](const char* at) __attribute__((target("aes"))) {
    state = _mm_xor_si128(state, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  };
  for (; text.size() > block; text.remove_prefix(block)) {
    add(text.data());
    state = encrypted(state, round_keys_.data());
  }
  const bool whole = text.size() == block;
  last = whole ? first_block(text) : padded(text);
  state = _mm_xor_si128(_mm_xor_si128(state, load(last)), load(whole ? whole_ : part_));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(encrypted(state, round_keys_.data())));
}
#endif

Cmac::Cmac(const Key& key) : key_(key) {
#ifdef __x86_64__
  if (has_aes) expand<0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36>(key, round_keys_.data());
#endif
  whole_ = doubled(by_library({}));
  part_ = doubled(whole_);
}

Cmac::Block Cmac::by_library(const Block& plain) const {
  AES_KEY key;
  AES_set_encrypt_key(key_.data(), 8 * block, &key);
  Block out;
  AES_encrypt(plain.data(), out.data(), &key);
  return out;
}

std::uint64_t Cmac::of_by_library(std::string_view text) const {
  Block state{};
  for (; text.size() > block; text.remove_prefix(block)) state = by_library(sum(state, first_block(text)));
  const Block last = text.size() == block ? sum(first_block(text), whole_) : sum(padded(text), part_);
  std::uint64_t mac = 0;
  std::memcpy(&mac, by_library(sum(state, last)).data(), sizeof mac);
  return mac;
}

std::uint64_t Cmac::of(std::string_view text) const {
#ifdef __x86_64__
  if (has_aes) return of_by_machine(text);
#endif
  return of_by_library(text);
}

}  // namespace bellhop::crypto
