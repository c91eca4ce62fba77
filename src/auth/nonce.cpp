#include "auth/nonce.hpp"

#include <array>
#include <cstring>

#include "base/copy_octets.hpp"

namespace bellhop::auth {
namespace {

constexpr unsigned counter_bits = 12;
constexpr std::uint64_t counter_mask = (1U << counter_bits) - 1;
constexpr std::size_t longest_realm = 256;

}  // namespace

std::uint64_t Nonces::mac(std::uint64_t id, std::string_view realm) const {
  std::array<char, sizeof id + longest_realm> octets;
  std::memcpy(octets.data(), &id, sizeof id);
  const char* const end = copy_octets(realm.substr(0, longest_realm), octets.data() + sizeof id);
  return crypto::short_mac(key_, {octets.data(), static_cast<std::size_t>(end - octets.data())});
}

char* Nonces::write(char* out, std::string_view realm, TimePoint now) {
  const auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t id = (time << counter_bits) | (counter_.fetch_add(1, std::memory_order_relaxed) & counter_mask);
  return crypto::write_base32(crypto::write_base32(out, id), mac(id, realm));
}

Nonces::Reading Nonces::read(std::string_view nonce, std::string_view realm) const {
  if (nonce.size() != size) return {};
  const auto id = crypto::parse_base32(nonce.substr(0, crypto::base32_size));
  const auto sum = crypto::parse_base32(nonce.substr(crypto::base32_size));
  if (!id || !sum || *sum != mac(*id, realm)) return {};
  return {true, *id, TimePoint(Duration(static_cast<std::int64_t>(*id >> counter_bits)))};
}

}  // namespace bellhop::auth
