#include "crypto/long_mac.hpp"

#include <cstring>
#include <type_traits>

#include "crypto/subkey.hpp"

namespace bellhop::crypto {

namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

constexpr std::size_t pair = 2 * sizeof(std::uint64_t);

/// Pairs of words, each word with one of the key's added, multiplied and summed up. `size` is a multiple of a pair's.
Wide nh(const char* at, std::size_t size, const std::uint64_t* key) {
  Wide sum = 0;
#pragma GCC unroll 4
  for (const char* const end = at + size; at != end; at += pair, key += 2)
    sum += Wide{word_at(at) + key[0]} * (word_at(at + pair / 2) + key[1]);
  return sum;
}

}  // namespace

LongMac::LongMac(const Key& key) : mac_(subkey(key, "sign")) {
  const Cmac draw(subkey(key, "draw"));
  for (std::uint64_t i = 0; i < words_.size(); ++i) words_[i] = draw.of({reinterpret_cast<const char*>(&i), sizeof i});
}

std::uint64_t LongMac::of(std::string_view text, std::uint64_t number) const {
  // What is signed of each block: its sum, what came of the blocks before, and how many octets were ahead.
  struct Signed {
    std::uint64_t low, high, before, ahead;
  };
  static_assert(std::has_unique_object_representations_v<Signed>);
  std::uint64_t mac = number;
  const auto add = [&](Wide sum) {
    const Signed block_sum{static_cast<std::uint64_t>(sum), static_cast<std::uint64_t>(sum >> 64), mac, text.size()};
    mac = mac_.of({reinterpret_cast<const char*>(&block_sum), sizeof block_sum});
  };
  for (; text.size() > block; text.remove_prefix(block)) add(nh(text.data(), block, words_.data()));
  const std::size_t whole = text.size() / pair * pair;
  Wide sum = nh(text.data(), whole, words_.data());
  if (whole < text.size()) {
    std::array<char, pair> rest{};
    std::memcpy(rest.data(), text.data() + whole, text.size() - whole);
    sum += nh(rest.data(), pair, words_.data() + whole / word);
  }
  add(sum);
  return mac;
}

}  // namespace bellhop::crypto
