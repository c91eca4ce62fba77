#include "transaction/branch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/text.hpp"

namespace bellhop::transaction {

namespace {

constexpr std::string_view cookie = "z9hG4bK";
constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t shard_size = 4;
constexpr std::size_t word_size = crypto::base32_size;
constexpr std::size_t branch_size = cookie.size() + shard_size + 2 * word_size + 1 + word_size;

std::uint64_t mac_of(const Branch& branch, const crypto::Key& key) {
  // In the order of octets that all machines of a cluster have.
  static_assert(std::endian::native == std::endian::little);
  std::array<char, 18> covered;
  const std::uint64_t slot = branch.slot.packed();
  std::memcpy(covered.data(), &branch.shard, 2);
  std::memcpy(covered.data() + 2, &slot, 8);
  std::memcpy(covered.data() + 10, &branch.loop, 8);
  return crypto::short_mac(key, {covered.data(), covered.size()});
}

std::optional<std::uint16_t> parse_shard(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    const char folded = lower(c);
    const bool decimal = folded >= '0' && folded <= '9';
    if (!decimal && (folded < 'a' || folded > 'f')) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(decimal ? folded - '0' : folded - 'a' + 10);
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

void Branch::append_to(std::string& out, const crypto::Key& key) const {
  std::array<char, branch_size> text;
  char* at = std::copy(cookie.begin(), cookie.end(), text.data());
  for (int shift = 12; shift >= 0; shift -= 4) *at++ = digits[(shard >> shift) & 15];
  at = crypto::write_base32(at, slot.packed());
  at = crypto::write_base32(at, mac_of(*this, key));
  *at++ = '.';
  crypto::write_base32(at, loop);
  out.append(text.data(), text.size());
}

std::optional<SlotId> Branch::claimed_slot(std::string_view text) {
  if (text.size() != branch_size) return std::nullopt;
  const auto slot = crypto::parse_base32(text.substr(cookie.size() + shard_size, word_size));
  return slot ? std::optional(SlotId::unpack(*slot)) : std::nullopt;
}

std::optional<Branch> Branch::parse(std::string_view text, const crypto::Key& key) {
  if (text.size() != branch_size || !starts_with_ignore_case(text, cookie)) return std::nullopt;
  text.remove_prefix(cookie.size());
  if (text[shard_size + 2 * word_size] != '.') return std::nullopt;
  const auto shard = parse_shard(text.substr(0, shard_size));
  const auto slot = crypto::parse_base32(text.substr(shard_size, word_size));
  const auto mac = crypto::parse_base32(text.substr(shard_size + word_size, word_size));
  const auto loop = crypto::parse_base32(text.substr(shard_size + 2 * word_size + 1));
  if (!shard || !slot || !mac || !loop) return std::nullopt;
  const Branch branch{*shard, SlotId::unpack(*slot), *loop};
  if (mac_of(branch, key) != *mac) return std::nullopt;
  return branch;
}

}  // namespace bellhop::transaction
