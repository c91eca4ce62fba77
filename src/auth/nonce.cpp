#include "auth/nonce.hpp"

#include <algorithm>
#include <array>

namespace bellhop::auth {
namespace {

constexpr unsigned counter_bits = 12;
constexpr std::uint64_t counter_mask = (1U << counter_bits) - 1;
constexpr std::size_t longest_realm = 256;

}  // namespace

std::uint64_t Nonces::mac(std::uint64_t id, std::string_view realm) const {
  std::array<char, sizeof id + longest_realm> octets;
  for (std::size_t i = 0; i < sizeof id; ++i) octets[i] = static_cast<char>(id >> (8 * i));
  const std::string_view kept = realm.substr(0, longest_realm);
  std::copy(kept.begin(), kept.end(), octets.begin() + sizeof id);
  return crypto::short_mac(key_, {octets.data(), sizeof id + kept.size()});
}

void Nonces::append(std::string& out, std::string_view realm, TimePoint now) {
  const auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t id = (time << counter_bits) | (counter_.fetch_add(1, std::memory_order_relaxed) & counter_mask);
  crypto::append_base32(out, id);
  crypto::append_base32(out, mac(id, realm));
}

Nonces::Reading Nonces::read(std::string_view nonce, std::string_view realm) const {
  if (nonce.size() != 2 * crypto::base32_size) return {};
  const auto id = crypto::parse_base32(nonce.substr(0, crypto::base32_size));
  const auto sum = crypto::parse_base32(nonce.substr(crypto::base32_size));
  if (!id || !sum || *sum != mac(*id, realm)) return {};
  return {true, *id, TimePoint(Duration(static_cast<std::int64_t>(*id >> counter_bits)))};
}

}  // namespace bellhop::auth
